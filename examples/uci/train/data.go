package main

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A source is one of the data sets as it lies on disk: a CSV whose last column is the class, counted from 0.
type source struct {
	file                    string
	rows, features, classes int
	header                  bool // the first line is "rows,features,class names..."
}

// sources are the data sets by the name that --dataset takes. Their sizes are held here so that a file cut short is
// an error and not a slightly worse accuracy.
var sources = map[string]source{
	"digits":        {file: "digits.csv.gz", rows: 1797, features: 64, classes: 10},
	"wine":          {file: "wine_data.csv", rows: 178, features: 13, classes: 3, header: true},
	"breast_cancer": {file: "breast_cancer.csv", rows: 569, features: 30, classes: 2, header: true},
}

// An example is one row: its features and its class.
type example struct {
	x []float64
	y int
}

// load reads the data set src below dir.
func load(dir string, src source) ([]example, error) {
	path := filepath.Join(dir, src.file)
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		zr, err := gzip.NewReader(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		r = zr
	}
	examples, err := parse(r, src)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return examples, nil
}

// parse reads the lines of a CSV as src says they are.
func parse(r io.Reader, src source) ([]example, error) {
	var examples []example
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		if n == 1 && src.header || lines.Text() == "" {
			continue
		}
		e, err := parseRow(lines.Text(), src)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		examples = append(examples, e)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(examples) != src.rows {
		return nil, fmt.Errorf("%d rows where %d are expected", len(examples), src.rows)
	}
	return examples, nil
}

// parseRow reads one line: the features, then the class.
func parseRow(line string, src source) (example, error) {
	fields := strings.Split(line, ",")
	if len(fields) != src.features+1 {
		return example{}, fmt.Errorf("%d columns where %d are expected", len(fields), src.features+1)
	}
	e := example{x: make([]float64, src.features)}
	for i := range e.x {
		v, err := strconv.ParseFloat(fields[i], 64)
		if err == nil && (math.IsNaN(v) || math.IsInf(v, 0)) {
			err = errors.New("not a finite number")
		}
		if err != nil {
			return example{}, fmt.Errorf("column %d: %q: %w", i+1, fields[i], err)
		}
		e.x[i] = v
	}
	y, err := strconv.Atoi(fields[src.features])
	if err != nil || y < 0 || y >= src.classes {
		return example{}, fmt.Errorf("class %q is not in 0..%d", fields[src.features], src.classes-1)
	}
	e.y = y
	return e, nil
}

// split divides the examples into a training and a validation part, the latter a quarter of each class (rounded), so
// that small classes are in both. Which rows go where depends on rng alone.
func split(examples []example, classes int, rng *rand.Rand) (train, val []example) {
	byClass := make([][]example, classes)
	for _, e := range examples {
		byClass[e.y] = append(byClass[e.y], e)
	}
	for _, class := range byClass {
		rng.Shuffle(len(class), func(i, j int) { class[i], class[j] = class[j], class[i] })
		n := (len(class) + 2) / 4
		val = append(val, class[:n]...)
		train = append(train, class[n:]...)
	}
	return train, val
}

// standardise brings every feature of the training part to mean 0 and standard deviation 1, and the validation part
// through the same shift and scale: what the model may know of the data comes from the training part alone. A feature
// that never varies (the corner pixels of the digits) becomes 0.
func standardise(train, val []example) {
	for i := range train[0].x {
		var sum, squares float64
		for _, e := range train {
			sum += e.x[i]
		}
		mean := sum / float64(len(train))
		for _, e := range train {
			squares += (e.x[i] - mean) * (e.x[i] - mean)
		}
		scale := math.Sqrt(squares / float64(len(train)))
		if scale == 0 {
			scale = 1
		}
		for _, part := range [][]example{train, val} {
			for _, e := range part {
				e.x[i] = (e.x[i] - mean) / scale
			}
		}
	}
}
