package runsheet

import (
	"encoding/json"
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestComplete(t *testing.T) {
	for _, c := range []struct {
		name    string
		p       *Progress
		want    bool
		percent float64
		known   bool
		text    string
	}{
		{"none", nil, false, 0, false, "no evidence"},
		{"not recognised", &Progress{Total: 20}, false, 0, true, "no evidence"},
		{"nothing yet", epochs(0, 20), false, 0, true, "0 of 20 epochs"},
		{"some", epochs(7, 20), false, 35, true, "7 of 20 epochs"},
		{"all", epochs(20, 20), true, 100, true, "20 of 20 epochs"},
		{"more than all", epochs(21, 20), true, 100, true, "21 of 20 epochs"},
		{"one of one", &Progress{Completed: 1, Total: 1, Unit: "evaluation", Source: "evaluation"}, true, 100, true, "1 of 1 evaluation"},
		{"no total", epochs(7, 0), false, 0, false, "7 epochs"},
		{"one, no total", epochs(1, 0), false, 0, false, "1 epoch"},
		{"no unit", &Progress{Completed: 3, Total: 4, Source: "log"}, false, 75, true, "3 of 4"},
		{"a unit in the plural", &Progress{Completed: 3, Total: 4, Unit: "steps", Source: "log"}, false, 75, true, "3 of 4 steps"},
		{"early", early(12, 20, 12), true, 100, true, "12 of 20 epochs, stopped early"},
		{"below nothing", epochs(-3, 20), false, 0, true, "-3 of 20 epochs"},
		{"broken", &Progress{Completed: 20, Total: 20, Source: "epochs", Error: "cut off"}, false, 0, false, "cut off"},
	} {
		if got := c.p.Complete(); got != c.want {
			t.Errorf("%s: complete is %v", c.name, got)
		}
		if percent, known := c.p.Percentage(); percent != c.percent || known != c.known {
			t.Errorf("%s: %v %%, %v, want %v %%, %v", c.name, percent, known, c.percent, c.known)
		}
		if got := c.p.String(); got != c.text {
			t.Errorf("%s: %q, want %q", c.name, got, c.text)
		}
	}
}

func drawProgress(t *rapid.T, name string) *Progress {
	if rapid.IntRange(0, 5).Draw(t, name+" absent") == 0 {
		return nil
	}
	p := &Progress{Completed: rapid.Int64Range(-1, 25).Draw(t, name+" completed"), Total: rapid.SampledFrom([]int64{0, 20}).Draw(t, name+" total")}
	p.EarlyStopped = rapid.IntRange(0, 3).Draw(t, name+" early") == 0
	if rapid.IntRange(0, 3).Draw(t, name+" broken") == 0 {
		p = broken("cut off")
	}
	return p
}

// TestFurther holds that no progress is lost between two readings.
func TestFurther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawProgress(t, "a"), drawProgress(t, "b")
		got := Further(a, b)
		if got != a && got != b {
			t.Fatal("it is neither of the two")
		}
		readable := false
		for _, p := range []*Progress{a, b} {
			if p == nil {
				continue
			}
			if got == nil {
				t.Fatal("a reading was lost")
			}
			if p.Error != "" {
				continue
			}
			readable = true
			if p.Complete() && !got.Complete() {
				t.Fatal("the work was complete")
			}
			if p.Completed > got.Completed && !(got.Complete() && !p.Complete()) {
				t.Fatalf("%d units were lost", p.Completed-got.Completed)
			}
		}
		if readable && got.Error != "" {
			t.Fatal("a failed reading was preferred")
		}
	})
}

// TestPercentage holds that a share is a share, and 100 only where the work is complete.
func TestPercentage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProgress(t, "p")
		percent, known := p.Percentage()
		if percent < 0 || percent > 100 || !known && percent != 0 || (percent == 100) != p.Complete() {
			t.Fatalf("%v %%, %v, of %+v", percent, known, p)
		}
	})
}

func TestMetricsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.MaxFloat64, math.SmallestNonzeroFloat64}))
		in := Metrics(rapid.MapOf(rapid.String(), value).Draw(t, "metrics"))
		data, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		var out Metrics
		if err := json.Unmarshal(data, &out); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		if len(out) != len(in) {
			t.Fatalf("%d metrics became %d", len(in), len(out))
		}
		for k, v := range in {
			if w, ok := out[k]; !ok || w != v && !(math.IsNaN(v) && math.IsNaN(w)) {
				t.Fatalf("%q: %v became %v", k, v, w)
			}
		}
	})
}

func TestMetricsRejects(t *testing.T) {
	for _, text := range []string{`{"a": "high"}`, `{"a": null}`, `{"a": [1]}`, `[1]`, `{`} {
		out := Metrics{"kept": 1}
		if err := json.Unmarshal([]byte(text), &out); err == nil {
			t.Errorf("%s was taken for metrics: %v", text, out)
		} else if len(out) != 1 {
			t.Errorf("%s: a failed reading left %v", text, out)
		}
	}
}

func TestCanPass(t *testing.T) {
	for kind, want := range map[CauseKind]bool{"": true, CauseImport: false, CauseMissingFile: false, CauseCommand: false,
		CauseSyntax: false, CauseUsage: false, CauseCUDAOutOfMemory: true, CauseExit: true, CauseIncomplete: true, CauseStuck: true} {
		if kind.CanPass() != want {
			t.Errorf("%q can pass: %v", kind, !want)
		}
	}
}
