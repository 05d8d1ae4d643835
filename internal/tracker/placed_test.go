package tracker_test

import (
	"context"
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

// turning is a disk on which something happens before a file is opened or read.
type turning struct {
	durable.Disk
	turn func(op, path string)
}

func (d turning) Open(label, path string, flag int, perm os.FileMode) (durable.File, error) {
	d.turn("open", path)
	f, err := d.Disk.Open(label, path, flag, perm)
	if err != nil {
		return nil, err
	}
	return turningFile{f, d}, nil
}

type turningFile struct {
	durable.File
	disk turning
}

func (f turningFile) ReadAt(p []byte, at int64) (int, error) {
	f.disk.turn("read", f.Name())
	return f.File.ReadAt(p, at)
}

func place(t *testing.T, dir, rel, text string) {
	t.Helper()
	path := filepath.Join(dir, rel)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// lookTurning looks once, as on a clock on which all is old, while something happens. A turn says how long it took.
func lookTurning(dir string, spec runsheet.ProgressSpec, turn func(op, path string) time.Duration) tracker.Result {
	now := time.Now().Add(time.Hour)
	disk := turning{durable.OS(), func(op, path string) { now = now.Add(turn(op, path)) }}
	return tracker.Look(context.Background(), disk, dir, spec, tracker.Options{
		Now:   func() time.Time { return now },
		Sleep: func(_ context.Context, d time.Duration) error { now = now.Add(d); return nil },
	})
}

// suspended is longer than the patience of any reading.
const suspended = 3 * time.Second

// TestExitedAfterALook holds that the last line of a program that has exited with 0 counts without an end, also where
// somebody has looked at it before.
func TestExitedAfterALook(t *testing.T) {
	for name, rel := range map[string]string{"a file of its own": "log.jsonl", "its output": ".runsheet/attempts/000001/run.log"} {
		t.Run(name, func(t *testing.T) {
			dir, spec := t.TempDir(), runsheet.ProgressSpec{Tracker: "regex", Patterns: []string{`step (?P<completed>\d+)$`}}
			if rel == "log.jsonl" {
				spec.File = rel
			}
			place(t, dir, rel, "step 19\nstep 20")
			before := later(t, dir, spec, nil)
			if before.Progress.Completed != 19 {
				t.Fatalf("before it has exited: %s", told(before.Progress))
			}
			spec.Exited = true
			if after := later(t, dir, spec, before.Cursors); after.Progress.Completed != 20 {
				t.Errorf("told %s", told(after.Progress))
			}
		})
	}
}

// TestDocumentAhead holds that what is told of the epoch under way is noticed to have changed where the training code's
// document is ahead of the directories.
func TestDocumentAhead(t *testing.T) {
	dir := t.TempDir()
	for _, f := range []string{"training_losses.pt", "optimizer_buffer.json", "validation_scores.json"} {
		place(t, dir, "epoch_0/"+f, "{}")
	}
	place(t, dir, "progress.json", `{"completed_epochs": 2, "total_epochs": 9}`)
	r := later(t, dir, runsheet.ProgressSpec{}, nil)
	if r.Progress.Completed != 2 || r.Progress.Lacks != "" {
		t.Fatalf("told %s, lacks %q", told(r.Progress), r.Progress.Lacks)
	}
	if err := os.Mkdir(filepath.Join(dir, "epoch_1"), 0o700); err != nil {
		t.Fatal(err)
	}
	if p := later(t, dir, runsheet.ProgressSpec{}, nil).Progress; p.Lacks != "epoch_1/training_losses.pt" {
		t.Fatalf("told %s, lacks %q", told(p), p.Lacks)
	}
	if !slices.ContainsFunc(r.Witnesses, func(w tracker.Witness) bool { return !w.Holds(durable.OS(), w.Abs(dir)) }) {
		t.Error("every witness holds, and the answer is another one")
	}
}

// TestRunIsRewritten holds that a run of MLflow whose meta.yaml is being written is not told to have done nothing.
func TestRunIsRewritten(t *testing.T) {
	const run = "mlruns/1/0123456789abcdef0123456789abcdef/"
	dir := t.TempDir()
	place(t, dir, run+"metrics/loss", "1700000000000 0.5 3\n")
	place(t, dir, run+"meta.yaml", "")
	now, flip := time.Now(), false
	r := tracker.Look(context.Background(), durable.OS(), dir, runsheet.ProgressSpec{}, tracker.Options{
		Now: func() time.Time { return now },
		Sleep: func(_ context.Context, d time.Duration) error {
			now, flip = now.Add(d), !flip
			text := "run_id: x\n"
			if flip {
				text = "run_id: x\nst"
			}
			place(t, dir, run+"meta.yaml", text)
			return nil
		},
	})
	if p := r.Progress; !strings.Contains(p.Error, "still being written") || !r.Passing {
		t.Errorf("told %s (passing: %t)", told(p), r.Passing)
	}
}

// TestSuspendedReader holds that a reader may be suspended while documents are written. Its answer was true at some moment,
// and two changes are not taken for writing without a pause.
func TestSuspendedReader(t *testing.T) {
	long := `{"text": "` + strings.Repeat("x", 40_000) + `", "step": `
	empty := "state.json is broken: it is empty (0 bytes)"
	for name, c := range map[string]struct {
		before string
		turns  map[int]string // what is written before the nth read
		want   []string
	}{
		"emptied once it was opened":                         {`{"step": 3}`, map[int]string{1: ""}, []string{empty}},
		"emptied while it is read":                           {long + "3}", map[int]string{2: ""}, []string{empty}},
		"emptied, and written again with the same beginning": {long + "3}", map[int]string{2: "", 3: long + "4}"}, []string{empty, "json 3/? step", "json 4/? step"}},
		"written anew":                                       {`{"step": 3}`, map[int]string{2: `{"step": 4}`}, []string{"json 3/? step", "json 4/? step"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "state.json")
			place(t, dir, "state.json", c.before)
			reads := 0
			r := lookTurning(dir, runsheet.ProgressSpec{Tracker: "json", File: "state.json", Step: "step"}, func(op, at string) time.Duration {
				if op != "read" || at != path {
					return 0
				}
				reads++
				text, ok := c.turns[reads]
				if !ok {
					return 0
				}
				place(t, dir, "state.json", text)
				return suspended
			})
			if got := told(r.Progress); !slices.ContainsFunc(c.want, func(w string) bool { return strings.Contains(got, w) }) {
				t.Errorf("told %s", got)
			}
		})
	}
}

// TestScoresOfOneMoment holds that one reading takes the scores of an epoch from one moment, where they change between two
// uses of them.
func TestScoresOfOneMoment(t *testing.T) {
	spec := runsheet.ProgressSpec{Total: 9, EarlyStopping: &runsheet.EarlyStopping{Patience: 2, Metrics: []runsheet.MetricSpec{{Name: "a", Mode: runsheet.Max}}}}
	scores := func(a string) string { return `{"aggregated": {"a": ` + a + `}}` }
	for at := 1; at < 20; at++ {
		dir := t.TempDir()
		for n, a := range []string{"0.5", "0.2", "0.3"} {
			epoch := "epoch_" + string(rune('0'+n))
			place(t, dir, epoch+"/training_losses.pt", "PK")
			place(t, dir, epoch+"/optimizer_buffer.json", "[]")
			place(t, dir, epoch+"/validation_scores.json", scores(a))
		}
		before := told(later(t, dir, spec, nil).Progress, "a")
		opened := 0
		r := lookTurning(dir, spec, func(op, path string) time.Duration {
			if op == "open" {
				if opened++; opened == at {
					place(t, dir, "epoch_2/validation_scores.json", scores("0.6"))
				}
			}
			return 0
		})
		after := told(later(t, dir, spec, nil).Progress, "a")
		if got := told(r.Progress, "a"); got != before && got != after {
			t.Errorf("rewritten before file %d is opened: told %s, which is neither %s nor %s", at, got, before, after)
		}
	}
}
