package main

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

// realData is where the data sets lie, seen from this directory.
const realData = "../data"

func TestLoadReadsEveryDataSet(t *testing.T) {
	// Class sizes as the repository's own descriptions give them.
	for name, want := range map[string][]int{
		"digits":        {178, 182, 177, 183, 181, 182, 181, 179, 174, 180},
		"wine":          {59, 71, 48},
		"breast_cancer": {212, 357},
	} {
		examples, err := load(realData, sources[name])
		if err != nil {
			t.Fatal(err)
		}
		if got := classSizes(examples, sources[name].classes); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: class sizes %v, want %v", name, got, want)
		}
	}
}

func TestParseNamesWhatIsWrong(t *testing.T) {
	src := source{rows: 2, features: 2, classes: 2, header: true}
	for _, c := range []struct{ text, want string }{
		{"2,2,a,b\n1,2,0\n3,4,1\n", ""},
		{"2,2,a,b\n1,2,0\n", "1 rows where 2 are expected"},
		{"2,2,a,b\n1,2,0\n3,4\n", "line 3: 2 columns where 3 are expected"},
		{"2,2,a,b\n1,x,0\n3,4,1\n", `line 2: column 2: "x"`},
		{"2,2,a,b\n1,NaN,0\n3,4,1\n", "not a finite number"},
		{"2,2,a,b\n1,2,2\n3,4,1\n", `class "2" is not in 0..1`},
	} {
		_, err := parse(strings.NewReader(c.text), src)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q: error %v, want %q", c.text, err, c.want)
		}
	}
}

func TestSplitIsStratifiedAndSeeded(t *testing.T) {
	src := sources["wine"]
	parts := func(seed int64) (train, val []example) {
		examples, err := load(realData, src)
		if err != nil {
			t.Fatal(err)
		}
		return split(examples, src.classes, random(seed, streamSplit))
	}
	train, val := parts(1)
	if got, want := classSizes(val, src.classes), []int{15, 18, 12}; !reflect.DeepEqual(got, want) {
		t.Errorf("validation part has %v of each class, want %v", got, want)
	}
	if got, want := classSizes(train, src.classes), []int{44, 53, 36}; !reflect.DeepEqual(got, want) {
		t.Errorf("training part has %v of each class, want %v", got, want)
	}
	if _, again := parts(1); !reflect.DeepEqual(val, again) {
		t.Error("the same seed split the data differently")
	}
	if _, other := parts(2); reflect.DeepEqual(val, other) {
		t.Error("another seed split the data alike")
	}
}

func TestStandardise(t *testing.T) {
	train := []example{{x: []float64{1, 7}}, {x: []float64{3, 7}}}
	val := []example{{x: []float64{5, 9}}}
	standardise(train, val)
	for i, want := range [][]float64{{-1, 0}, {1, 0}, {3, 2}} {
		got := append(train, val...)[i].x
		for k := range want {
			if math.Abs(got[k]-want[k]) > 1e-12 {
				t.Errorf("row %d became %v, want %v", i, got, want)
			}
		}
	}
}

func classSizes(examples []example, classes int) []int {
	n := make([]int, classes)
	for _, e := range examples {
		n[e.y]++
	}
	return n
}
