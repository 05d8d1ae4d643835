package interleave

import (
	"context"
	"strings"
	"testing"

	"runsheet/internal/prove/method"
	"runsheet/internal/record"
	"runsheet/internal/record/recordtest"
	"runsheet/internal/record/stage"
)

func config(t *testing.T) method.Config {
	return method.Config{Size: method.Quick, Seed: 3, Count: 2, Dir: t.TempDir(), Say: t.Logf}
}

// thin leaves the drawn runs alone: the explorations are run by internal/record's own tests.
func thin(c method.Config) []task {
	var out []task
	for _, t := range tasks(c) {
		if t.bounds.Runs > 0 {
			out = append(out, t)
		}
	}
	return out
}

func TestRealCode(t *testing.T) {
	c := config(t)
	r, err := explore(context.Background(), c, thin(c), nil)
	if err != nil || len(r.Violations) > 0 {
		t.Fatalf("%v, %q", err, r.Violations)
	}
	for _, f := range r.Figures {
		if f.Value == "0" && f.Name != "worlds" {
			t.Errorf("%s: none", f.Name)
		}
	}
}

// unwritten loses what has one label.
type unwritten struct {
	record.FS
	label string
}

func (f unwritten) WriteOnce(label, path string, data []byte) error {
	if label == f.label {
		return nil
	}
	return f.FS.WriteOnce(label, path, data)
}

// TestPlantedFault shows that a start that is never written is found, and told with its scenario and its trace.
func TestPlantedFault(t *testing.T) {
	c := config(t)
	r, err := explore(context.Background(), c, []task{{"one machine", stage.Bounds{Attempts: 1}}}, func(m *stage.Model) {
		m.Wrap = func(_ *recordtest.Proc, sys record.System) record.System {
			sys.FS = unwritten{sys.FS, "start"}
			return sys
		}
	})
	if err != nil || len(r.Violations) != 1 {
		t.Fatalf("%v, %q", err, r.Violations)
	}
	for _, want := range []string{`"one machine"`, "began without a start", "release()", "steps that change nothing"} {
		if !strings.Contains(r.Violations[0], want) {
			t.Errorf("without %q: %s", want, r.Violations[0])
		}
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	c := config(t)
	if r, err := explore(ctx, c, tasks(c), nil); err == nil || len(r.Violations) > 0 {
		t.Errorf("%v, %q", err, r.Violations)
	}
}

func TestShortened(t *testing.T) {
	var lines []string
	for range 1000 {
		lines = append(lines, "  1 A: list(look) /w", "  2 A: write-once(claim) /w")
	}
	got := strings.Split(shortened(strings.Join(lines, "\n")), "\n")
	if len(got) != most+1 || got[len(got)-1] != lines[len(lines)-1] {
		t.Errorf("%d lines: %q", len(got), got)
	}
}
