package tracker_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/tracker"
)

func TestGeneric(t *testing.T) {
	lines := runsheet.ProgressSpec{Tracker: "jsonl", File: "*.jsonl", Step: "step"}
	checkCases(t, []tcase{
		{dir: "generic/regex", metrics: []string{"*"}, want: "regex 3/10, loss=0.25, lr=0.001",
			spec: runsheet.ProgressSpec{Tracker: "regex", Patterns: []string{`^step (?P<completed>\d+)/(?P<total>\d+) loss=(?P<loss>\S+)`, `lr=(?P<lr>\S+)`}}},
		{dir: "generic/jsonl", metrics: []string{"*"}, want: "jsonl 2/5 step, eval=0.5, lr=0.1, train.loss=NaN",
			spec: runsheet.ProgressSpec{Tracker: "jsonl", File: "*.jsonl", Step: "epoch", FromZero: true, TotalFrom: "max"}},
		{dir: "generic/jsonl", metrics: []string{"*"}, want: "jsonl 2/7 epoch, eval=0.5",
			spec: runsheet.ProgressSpec{Tracker: "jsonl", File: "log.jsonl", Step: "epoch", FromZero: true, Metrics: []string{"eval"}, Total: 7, Unit: "epoch"}},
		{dir: "generic/csv", metrics: []string{"*"}, want: "csv 2/? step, loss=NaN, val, acc=0.5",
			spec: runsheet.ProgressSpec{Tracker: "csv", File: "*.csv", Step: "epoch", FromZero: true}},
		{dir: "generic/csv_back", metrics: []string{"*"}, want: "csv 15/60 step, loss=1", most: 20,
			spec: runsheet.ProgressSpec{Tracker: "csv", File: "m.tsv", Step: "step", TotalFrom: "of"}},
		{dir: "generic/jsonl_back", spec: lines, want: "jsonl 15/? step", most: 20},
		{dir: "generic/jsonl_middle", spec: lines, faulty: true, want: "jsonl 30/? step"},
		{dir: "generic/json", metrics: []string{"*"}, want: "json 3/8 step, acc=-Inf, loss=0.5",
			spec: runsheet.ProgressSpec{Tracker: "json", File: "state.json", Step: "state.epoch", TotalFrom: "state.of"}},
		{dir: "generic/json_list", metrics: []string{"*"}, want: "json 3/? step, history.-1.loss=1",
			spec: runsheet.ProgressSpec{Tracker: "json", File: "*.json", Step: "history.-1.step", FromZero: true, Metrics: []string{"history.-1.loss"}}},
		{dir: "generic/files", spec: runsheet.ProgressSpec{Tracker: "files", Files: []string{"part_*.npz", "part_1.npz"}, Total: 4}, want: "files 3/4 file"},
		{dir: "generic/files", spec: runsheet.ProgressSpec{Tracker: "jsonl", File: "none/*.jsonl", Step: "step"}, want: "jsonl 0/? step"},
	})
}

// TestGenericFaults holds that what is wrong for good is said in words.
func TestGenericFaults(t *testing.T) {
	for _, c := range []struct {
		dir  string
		spec runsheet.ProgressSpec
		want string
	}{
		{"generic/jsonl_broken", runsheet.ProgressSpec{Tracker: "jsonl", File: "*.jsonl", Step: "step"},
			`error: log.jsonl is broken (24 bytes): the line "{\"step\": 2" makes no sense: it ends at byte 10, after "{\"step\": 2". In DIR: repair or remove it`},
		{"generic/jsonl_unknown", runsheet.ProgressSpec{Tracker: "jsonl", File: "*.jsonl", Step: "step"},
			`error: log.jsonl: no row has a count in "step", the step of the sheet; there are ["epoch" "loss"]`},
		{"generic/csv_unknown", runsheet.ProgressSpec{Tracker: "csv", File: "*.csv", Step: "step"},
			`error: m.csv: no row has a count in "step", the step of the sheet; there are ["a" "b"]`},
		{"generic/json", runsheet.ProgressSpec{Tracker: "json", File: "*.json", Step: "state.name"},
			`error: state.json: at state.name, the step of the sheet, there is no count`},
	} {
		dir := copied(t, "testdata/"+c.dir)
		if got := strings.ReplaceAll(told(later(t, dir, c.spec, nil).Progress), dir, "DIR"); got != c.want {
			t.Errorf("%s:\ntold  %s\nwant  %s", c.dir, got, c.want)
		}
	}
}

// TestSeries holds that the course of the metrics is that of the rows, with what was gone through twice taken back.
func TestSeries(t *testing.T) {
	dir := t.TempDir()
	text := `{"step": 1, "loss": 4}` + "\n" + `{"step": 2, "loss": 3, "acc": 0.5}` + "\n" + `{"step": 3, "loss": 9}` + "\n" + `{"step": 2, "loss": 2}` + "\n" + `{"step": 3, "loss": 1}` + "\n"
	if err := os.WriteFile(filepath.Join(dir, "log.jsonl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	series, p := tracker.Series(context.Background(), durable.OS(), dir, runsheet.ProgressSpec{Tracker: "jsonl", File: "log.jsonl", Step: "step"}, tracker.Options{})
	if want := []runsheet.Point{{Step: 1, Value: 4}, {Step: 2, Value: 2}, {Step: 3, Value: 1}}; !slices.Equal(series["loss"], want) {
		t.Errorf("loss %v, want %v", series["loss"], want)
	}
	if want := []runsheet.Point{{Step: 2, Value: 0.5}}; !slices.Equal(series["acc"], want) || p.Completed != 3 {
		t.Errorf("acc %v, want %v; %+v", series["acc"], want, p)
	}
}

// TestPaced: a document that is rewritten whole tells a pace only by what it held at different times, and where it was found to
// hold but one count it tells none.
func TestPaced(t *testing.T) {
	dir := t.TempDir()
	spec := runsheet.ProgressSpec{Tracker: "json", File: "s.json", Step: "step", Total: 30}
	from := time.Now().Add(-time.Hour)
	var cursors []tracker.Cursor
	for i, want := range []time.Duration{0, 10 * time.Second, 10 * time.Second} {
		path := filepath.Join(dir, "s.json")
		if err := os.WriteFile(path, fmt.Appendf(nil, `{"step": %d}`, 12+i*2), 0o600); err != nil {
			t.Fatal(err)
		}
		at := from.Add(time.Duration(i) * 20 * time.Second)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		r := later(t, dir, spec, cursors)
		if cursors = r.Cursors; r.Progress.PerUnit != want || want == 0 && len(r.Progress.Recent) > 0 {
			t.Errorf("reading %d: a unit takes %v by %v, want %v", i, r.Progress.PerUnit, r.Progress.Recent, want)
		}
		if left, ok := runsheet.ETA(&r.Progress, from.Add(-time.Minute), at); ok != (want > 0) || ok && left != time.Duration(30-12-i*2)*10*time.Second {
			t.Errorf("reading %d: %v left, known: %t", i, left, ok)
		}
	}
}
