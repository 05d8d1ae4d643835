package tracker

import (
	"path"
	"slices"
	"strings"
	"time"

	"runsheet"
)

// kerasCSV reads what Keras' callback CSVLogger writes: a line for every epoch that is done, counted from 0, in a file whose
// name the user chose, as training.csv or training.log. A file is taken for one by its looks: the first column is "epoch",
// the others are sorted, those of the validation perhaps behind the others, one of them is a loss, the lines end as those
// of the dialect excel do, and the first is of epoch 0.
//
// Completed is the epoch of the last line and one. How many there will be, and that EarlyStopping stopped it, stands in
// its output only ("Epoch 3/10", "Epoch 7: early stopping"), which is looked for in the logs.
//
// Checked against keras 3.15 with TensorFlow (keras/src/callbacks/csv_logger.py). Traps: with append=True several trainings
// follow each other, each from epoch 0; missing values are NA; arrays are texts. The training_metadata.json of
// BackupAndRestore is not read: it lags behind, and is gone when all is done.
//
// A sheet that names this tracker may name the file in `files`; without it the table that changed last is taken, and only
// its columns are looked at.
type kerasCSV struct{}

const maxKerasFiles = 8 // that are looked into

func (kerasCSV) Name() string { return "keras_csv" }

func (kerasCSV) Logs() string { return "" }

func (k kerasCSV) Recognises(ev *Evidence, spec runsheet.ProgressSpec) bool {
	spec.Tracker = ""
	rel, err := k.find(ev, spec)
	return err == nil && rel != ""
}

// find returns the file; "" where there is none.
func (k kerasCSV) find(ev *Evidence, spec runsheet.ProgressSpec) (string, error) {
	if len(spec.Files) > 0 {
		return spec.Files[0], nil
	}
	var tables, others []string
	for _, dir := range []string{".", "logs"} {
		if dir != "." && !ev.has(".", dir) {
			continue
		}
		entries, err := ev.List(dir)
		if err != nil {
			return "", err
		}
		for _, e := range entries {
			switch path.Ext(e.Name) {
			case ".csv", ".tsv":
				tables = append(tables, path.Join(dir, e.Name))
			case ".log", ".txt":
				others = append(others, path.Join(dir, e.Name))
			}
		}
	}
	strictly := spec.Tracker != k.Name()
	var found []string
	for _, rel := range slices.Concat(ev.latest(tables, maxKerasFiles), ev.latest(others, maxKerasFiles)) {
		if ev.isKerasCSV(rel, strictly) {
			found = append(found, rel)
		}
	}
	if len(found) == 0 {
		return "", nil
	}
	ev.Witness(found...) // each may become the one that changed last
	return ev.byChange(found)[0], nil
}

// isKerasCSV says whether a file looks like one of CSVLogger; strictly: beyond its columns. One that says too little so far
// becomes a witness.
func (ev *Evidence) isKerasCSV(rel string, strictly bool) bool {
	ev.WitnessIdentity(rel)
	if st, err := ev.Look(rel); err != nil || st.Kind != Regular {
		return false
	}
	var lines [2]string // the header, and the first row
	enough, err := ev.headLines(rel, maxCSVHead, func(n int, line []byte) bool {
		lines[n] = string(line)
		return n == 0
	})
	if err != nil || !enough {
		ev.Witness(rel)
	}
	if err != nil || lines[0] == "" {
		return false
	}
	row := lines[1]
	text, excel := strings.CutSuffix(lines[0], "\r")
	sep := csvSeparator(text)
	names := csvCells(text, sep)
	if len(names) < 2 || names[0] != "epoch" || slices.Contains(names, "step") {
		return false
	}
	if !strictly {
		return true
	}
	return excel && strings.HasPrefix(row, "0"+sep) && isKerasNames(names[1:])
}

// isKerasNames says whether these may be the columns after "epoch": sorted, or sorted and the same of the validation
// behind them; one of them a loss.
func isKerasNames(names []string) bool {
	if !slices.ContainsFunc(names, func(n string) bool { return n == "loss" || strings.HasSuffix(n, "_loss") }) {
		return false
	}
	if slices.IsSorted(names) {
		return true
	}
	half := len(names) / 2
	for i, n := range names[half:] {
		if len(names)%2 != 0 || n != "val_"+names[i] {
			return false
		}
	}
	return slices.IsSorted(names[:half])
}

// kerasTable is what the lines of the file say.
type kerasTable struct {
	Table     csvTable         `json:"table,omitzero"`
	Completed int64            `json:"completed,omitzero"`
	Metrics   runsheet.Metrics `json:"metrics,omitempty"`
	Pace      pace             `json:"pace,omitempty"`
}

func (s *kerasTable) line(line []byte, point func(int64, runsheet.Metrics)) {
	cells, ok := s.Table.row(line)
	at, is := asCount(cells["epoch"])
	if _, there := cells["epoch"]; !ok || !there || !is || at >= maxCount {
		return
	}
	m := runsheet.Metrics{}
	for name, v := range cells {
		if name != "epoch" {
			m[name] = v
		}
	}
	if s.Metrics == nil || at == 0 {
		s.Metrics = runsheet.Metrics{}
	}
	for name, v := range m { // some are measured every few epochs only
		if _, known := s.Metrics[name]; known || len(s.Metrics) < maxMetrics {
			s.Metrics[name] = v
		}
	}
	s.Completed = at + 1
	point(s.Completed, m)
}

func (k kerasCSV) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: k.Name(), Unit: unit(spec, "epoch")}
	rel, err := k.find(ev, spec)
	if err != nil || rel == "" {
		return p, err
	}
	s, err := follow(ev, rel, format[kerasTable]{
		key:   "keras-csv/1",
		split: byLine,
		whole: func(s *kerasTable, rest []byte) bool { return s.Table.whole(rest) },
		take:  func(s *kerasTable, line []byte) { s.line(line, ev.Point) },
		done:  func(s *kerasTable, at time.Time) { s.Pace.see(at, s.Completed) },
	})
	if err != nil {
		return p, err
	}
	p.Completed, p.Metrics = s.Completed, s.Metrics
	s.Pace.tell(&p)
	st, err := ev.Look(rel)
	if err != nil || st.Kind != Regular {
		return p, err
	}
	end, err := ev.ended(spec, stampTime(st.MTime), func(e *endings) ending { return e.Keras })
	if err != nil {
		return p, err
	}
	if p.Completed <= end.Epochs {
		p.Total = end.Epochs // else the log is of another training
	}
	if end.Early {
		p.EarlyStopped, p.EarlyStoppedAt = true, p.Completed
	}
	return p, nil
}

// keras: "Epoch 3/10" when an epoch begins, "Epoch 7: early stopping" in the end. (keras 3.15,
// keras/src/callbacks/progbar_logger.py and early_stopping.py)
func (e *ending) keras(text string) {
	rest, ok := strings.CutPrefix(text, "Epoch ")
	if !ok {
		return
	}
	if at, after, ok := strings.Cut(rest, ": "); ok && after == "early stopping" {
		if _, is := parseCount(at); is {
			e.Said, e.Early = true, true
		}
		return
	}
	at, total, ok := strings.Cut(rest, "/")
	n, is := parseCount(at)
	t, isTotal := parseCount(total)
	if ok && is && isTotal && n > 0 && n <= t {
		*e = ending{Said: true, Epochs: t}
	}
}
