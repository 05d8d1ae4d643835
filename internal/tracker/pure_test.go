package tracker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/prove/hostile/bound"
)

func TestScores(t *testing.T) {
	tests := []struct {
		text string
		want runsheet.Metrics // nil: broken
	}{
		{`{"aggregated": {"score": 0.41}, "per_datapoint": {"score": [0.4, 0.42]}}`, runsheet.Metrics{"score": .41}},
		{`{"aggregated": {"mean_IoU": 0.5, "class_IoU": [0.1, NaN], "note": "x", "ok": true}}`, runsheet.Metrics{"mean_IoU": .5}},
		{`{"aggregated": {"depth": {"rmse": 1}, "seg": {"iou": {"mean": 2}}}}`, runsheet.Metrics{"depth.rmse": 1, "seg.iou.mean": 2}},
		{`{"depth": {"aggregated": {"rmse": 1}, "per_datapoint": {"rmse": []}}, "loss": 3}`, runsheet.Metrics{"depth.rmse": 1}},
		{`{"loss": 0.5, "nested": {"x": 1}, "list": [1], "n": null}`, runsheet.Metrics{"loss": .5}},
		{`{"loss": -Infinity, "b": 1e999}`, runsheet.Metrics{"loss": math.Inf(-1), "b": math.Inf(1)}},
		{`{"l\u006fss": 1}`, runsheet.Metrics{"loss": 1}},
		{`{"NaN": 1, "x": "NaN, Infinity"}`, runsheet.Metrics{"NaN": 1}},
		{`{"aggregated": {}, "loss": 1}`, runsheet.Metrics{"loss": 1}},
		{`[]`, runsheet.Metrics{}}, {`3`, runsheet.Metrics{}}, {` "x" `, runsheet.Metrics{}},
		{``, nil}, {`{`, nil}, {`{"a": 1`, nil}, {`{"a": 1}}`, nil}, {`{"a": 01}`, nil}, {`{"a": +1}`, nil}, {`{a: 1}`, nil},
		{`{"a": 1,}`, nil}, {`{"a": nan}`, nil}, {`{"a": "` + "\n" + `"}`, nil}, {strings.Repeat("[", 1000), nil},
	}
	for _, tt := range tests {
		m, err := parseScores(strings.NewReader(tt.text))
		if (err != nil) != (tt.want == nil) || err == nil && fmt.Sprint(m) != fmt.Sprint(tt.want) {
			t.Errorf("%.40q: %v, %v, want %v", tt.text, m, err, tt.want)
		}
	}
}

// Megabytes of data points are passed over, and do not stay in memory.
func TestScoresAreStreamed(t *testing.T) {
	text := `{"per_datapoint": {"x": [` + strings.Repeat("0.25, ", 1<<20) + `1]}, "aggregated": {"x": 2}}`
	per := testing.AllocsPerRun(1, func() {
		if m, err := parseScores(strings.NewReader(text)); err != nil || m["x"] != 2 {
			t.Errorf("%v, %v", m, err)
		}
	})
	if per > 1000 {
		t.Errorf("%v allocations for %d bytes", per, len(text))
	}
}

var bare = regexp.MustCompile(`-?Infinity|NaN`)

// The scanner and encoding/json agree on what a document is.
func FuzzScores(f *testing.F) {
	for _, s := range []string{`{"aggregated": {"a": NaN}}`, `{"a": {"aggregated": {"b": [1, -Infinity]}}}`, `{"\ud800": 1e5}`, "{\"a\": \"\x00\"}", `[[[1]]] `, `{"a": .5}`, `{"per_datapoint": {"a": [0.1`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m runsheet.Metrics
		var err error
		bound.Do(t, func() { m, err = parseScores(bytes.NewReader(data)) })
		for k, v := range m {
			if err != nil {
				t.Fatalf("%q: %v with an error", k, v)
			}
		}
		if strings.Count(string(data), "[")+strings.Count(string(data), "{") > scanDepth || bytes.Contains(data, []byte(`"`)) && bare.Match(data) {
			return // text within strings cannot be replaced so simply
		}
		std := bare.ReplaceAll(data, []byte("0"))
		if bytes.Contains(std, []byte("00")) || bytes.Contains(std, []byte("-0")) {
			return // the replacement may have joined a number
		}
		if json.Valid(std) != (err == nil) {
			t.Errorf("%q: %v, encoding/json says %v", data, err, json.Valid(std))
		}
	})
}

func FuzzDocument(f *testing.F) {
	for _, s := range []string{`{"completed_epochs": 3, "progress_percentage": 30.0}`, `{"schema": "runsheet.progress/1"}`, `{"completed_epochs": -1}`,
		`{"completed_epochs": 1e300, "total_epochs": 9223372036854775807}`, `{"early_stopped": tru`, "\x00", ""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var d *document
		var err error
		bound.Do(t, func() { d, err = parseDocument(bytes.NewReader(data)) })
		if err != nil || !d.foreign() {
			return
		}
		if total := d.totalEpochs(); d.completed < 0 || d.completed > maxEpochs || total < 0 || total > maxEpochs || d.total > 0 && d.completed > d.total {
			t.Errorf("%q: %+v, total %d", data, d, total)
		}
	})
}

func FuzzRepr(f *testing.F) {
	f.Add(`{'epochs': 5}`)
	f.Add(`{'a': "\`)
	f.Fuzz(func(t *testing.T, text string) {
		var n int64
		bound.Do(t, func() { n = reprEpochs(text) })
		if n < 0 || n > maxEpochs {
			t.Errorf("%q: %d", text, n)
		}
	})
}

func TestReprEpochs(t *testing.T) {
	for text, want := range map[string]int64{
		`{'epochs': 5}`: 5, `{'a': {'epochs': 5}}`: 0, `{'a': ['epochs', 'epochs'], 'epochs' : 7,}`: 7, `{'a': '\'', 'epochs':3}`: 3,
		`{'a': 'epochs', 'b': 1}`: 0, `{'epochs': None}`: 0, ``: 0, `{'epochs`: 0, `{'x': "}", 'epochs': 4}`: 4,
	} {
		if got := reprEpochs(text); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}

func TestStopper(t *testing.T) {
	nan := math.NaN()
	two := []runsheet.MetricSpec{{Name: "iou", Mode: runsheet.Max}, {Name: "loss", Mode: runsheet.Min}}
	tests := []struct {
		name     string
		patience int
		scores   [][2]float64
		want     int64
	}{
		{"none", 1, nil, 0},
		{"better in one, as good in the other", 1, [][2]float64{{.1, 3}, {.1, 2}, {.2, 2}}, 0},
		{"better in one, worse in the other", 1, [][2]float64{{.1, 3}, {.2, 4}}, 2},
		{"equal is not better", 2, [][2]float64{{.1, 3}, {.1, 3}, {.1, 3}}, 3},
		{"NaN is not better", 1, [][2]float64{{.1, 3}, {nan, 1}}, 2},
		{"anything is better than NaN", 1, [][2]float64{{nan, 3}, {.1, 3}, {.2, 3}}, 0},
		{"all NaN", 2, [][2]float64{{nan, nan}, {nan, nan}, {nan, nan}}, 3},
		{"went on, no better", 1, [][2]float64{{.2, 1}, {.1, 1}, {.1, 1}}, 2},
		{"went on, better", 1, [][2]float64{{.2, 1}, {.1, 1}, {.3, 1}}, 0},
	}
	for _, tt := range tests {
		s := newStopper(runsheet.EarlyStopping{Patience: tt.patience, Metrics: two})
		for _, v := range tt.scores {
			s.add(runsheet.Metrics{"iou": v[0], "loss": v[1]})
		}
		if s.at != tt.want {
			t.Errorf("%s: stopped at %d, want %d", tt.name, s.at, tt.want)
		}
	}
}

// With a single metric the rule is what everybody knows: nothing above the maximum for patience epochs.
func TestStopperSingleMetric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scores := rapid.SliceOfN(rapid.Float64Range(0, 1), 1, 12).Draw(t, "scores")
		patience := rapid.IntRange(1, 4).Draw(t, "patience")
		s := newStopper(runsheet.EarlyStopping{Patience: patience, Metrics: []runsheet.MetricSpec{{Name: "a", Mode: runsheet.Max}}})
		for _, v := range scores {
			s.add(runsheet.Metrics{"a": v})
		}
		best := slices.Index(scores, slices.Max(scores))
		if stopped := len(scores)-1-best >= patience; stopped != (s.at > 0) || stopped && s.at != int64(best+1+patience) {
			t.Fatalf("stopped at %d, the best of %d is %d", s.at, len(scores), best)
		}
	})
}

// However a file is cut, the evidence never says more than it does in full; and as long as the file still changes it
// is never an error for good.
func TestPrefixes(t *testing.T) {
	early := &runsheet.EarlyStopping{Patience: 2, Metrics: []runsheet.MetricSpec{{Name: "accuracy", Mode: runsheet.Max}}}
	cases := []struct {
		files map[string]string
		spec  runsheet.ProgressSpec
	}{
		{with(epochsOf(.1, .2), "progress.json", `{"completed_epochs": 2, "total_epochs": 10, "early_stopped": false}`), runsheet.ProgressSpec{}},
		{epochsOf(.1, .2, .3, .3), runsheet.ProgressSpec{Total: 9, EarlyStopping: early}},
		{epochsOf(.1, .2, .1, .1), runsheet.ProgressSpec{Total: 9, EarlyStopping: early}},
		{map[string]string{"progress.json": `{"completed_epochs": 12, "total_epochs": 20}`}, runsheet.ProgressSpec{}},
		{map[string]string{"evaluation_scores.json": `{"aggregated": {"score": 0.41}}`}, runsheet.ProgressSpec{}},
		{with(epochsOf(.1), "config.json", `{'epochs': 40}`), runsheet.ProgressSpec{Total: 40}},
	}
	for i, c := range cases {
		dir := t.TempDir()
		write(t, dir, c.files)
		full := lookLater(dir, c.spec).Progress
		if full.Error != "" {
			t.Fatalf("case %d: %s", i, full.Error)
		}
		for _, name := range slices.Sorted(maps.Keys(c.files)) {
			text, file := c.files[name], filepath.Join(dir, name)
			for cut := range len(text) {
				os.WriteFile(file, []byte(text[:cut]), 0o666)
				flip := 0
				moving := &clock{at: time.Now(), onSleep: func() {
					flip++
					at := time.Now().Add(time.Duration(flip) * time.Millisecond)
					os.Chtimes(file, at, at)
				}}
				r := Look(context.Background(), durable.OS(), dir, c.spec, moving.options())
				if r.Progress.Error != "" && !r.Passing {
					t.Fatalf("case %d, %s cut at %d: an error for good: %s", i, name, cut, r.Progress.Error)
				}
				for _, p := range []runsheet.Progress{r.Progress, lookLater(dir, c.spec).Progress} {
					if p.Error == "" && (p.Completed > full.Completed || p.Complete() && !full.Complete()) {
						t.Fatalf("case %d, %s cut at %d: %+v, in full %+v", i, name, cut, p, full)
					}
				}
			}
			write(t, dir, map[string]string{name: text})
		}
	}
}
