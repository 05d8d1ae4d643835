package report

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"runsheet"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// now is the moment of every snapshot in these tests.
var now = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)

// sheet returns a sheet of datasets x models x seeds, none of which has been attempted.
func sheet(datasets, models, seeds []string) runsheet.Snapshot {
	s := &runsheet.Sheet{Path: "/lab/runsheet.yaml",
		Name: "uci", Axes: []string{"dataset", "model", "seed"}, Repeat: "seed", Policy: runsheet.DefaultPolicy,
		Metrics: []runsheet.MetricSpec{{Name: "accuracy", Mode: runsheet.Max}},
	}
	s.Policy.Jobs = 2
	for _, d := range datasets {
		for _, m := range models {
			for _, seed := range seeds {
				s.Runs = append(s.Runs, runsheet.Run{
					Sheet:   s.Path,
					Name:    fmt.Sprintf("dataset=%s,model=%s,seed=%s", d, m, seed),
					Params:  []runsheet.Param{{Key: "dataset", Value: d}, {Key: "model", Value: m}, {Key: "seed", Value: seed}},
					WorkDir: "/x/runs/" + d + "/" + m + "/seed_" + seed, Shown: "runs/" + d + "/" + m + "/seed_" + seed,
					Command:  "train " + d + " " + m + " " + seed,
					Progress: runsheet.ProgressSpec{Tracker: "epochs", Total: 20},
				})
			}
		}
	}
	return runsheet.Snap(s, make([]runsheet.Facts, len(s.Runs)), now)
}

func uci() runsheet.Snapshot {
	return sheet([]string{"digits", "wine"}, []string{"linear", "mlp"}, []string{"0", "1", "2"})
}

// judged sets the facts of run i, judges it, and returns it for what a test wants to change after that.
func judged(s runsheet.Snapshot, i int, f runsheet.Facts) *runsheet.Observed {
	run := s.Sheet.Runs[i]
	s.Runs[i] = runsheet.Observed{Run: &run, Facts: f, Judgement: runsheet.Judge(run, f, s.Sheet.Policy, now)}
	return &s.Runs[i]
}

// attempt returns the facts of a first attempt that began so long ago and has done so many of 20 epochs, one a second.
func attempt(run runsheet.Run, ago time.Duration, epochs int64, metrics runsheet.Metrics) runsheet.Facts {
	start := now.Add(-ago)
	p := &runsheet.Progress{Completed: epochs, Total: 20, Unit: "epoch", Metrics: metrics, Source: "epochs", AsOf: now, Settled: true}
	for i := range epochs {
		p.Recent = append(p.Recent, start.Add(time.Duration(i+1)*time.Second))
	}
	p.Recent = p.Recent[max(len(p.Recent)-maxRecent, 0):]
	return runsheet.Facts{
		Attempt: 1, Claim: &runsheet.Claim{Run: run.Name, Attempt: 1, At: start, Executor: "local", Host: "box", Identity: run.Command},
		Start:    &runsheet.Start{Process: runsheet.Process{PID: 1234}, At: start},
		Liveness: runsheet.LivenessAlive, Progress: p, LastActivity: start.Add(time.Duration(epochs) * time.Second),
	}
}

// ended adds an end to an attempt.
func ended(f runsheet.Facts, ago time.Duration, code int) runsheet.Facts {
	f.Liveness = runsheet.LivenessNone
	f.End = &runsheet.End{Kind: runsheet.EndExit, ExitCode: &code, At: now.Add(-ago)}
	return f
}

// finished sets a run finished with metrics.
func finished(s runsheet.Snapshot, i int, metrics runsheet.Metrics) *runsheet.Observed {
	return judged(s, i, ended(attempt(s.Sheet.Runs[i], time.Hour, 20, metrics), time.Hour-25*time.Second, 0))
}

// mixed is a sheet with a run of nearly every status.
func mixed() runsheet.Snapshot {
	s := uci()
	runs := s.Sheet.Runs
	finished(s, 0, runsheet.Metrics{"accuracy": 0.9312, "loss": 0.2})
	judged(s, 1, attempt(runs[1], 7500*time.Millisecond, 7, runsheet.Metrics{"accuracy": 0.93})).Claim.Devices = []string{"0", "1"}
	failed := ended(attempt(runs[2], time.Minute, 7, nil), 30*time.Second, 1)
	failed.End.Cause = runsheet.Cause{Kind: runsheet.CauseNoSpace, Text: "no space left on device"}
	judged(s, 2, failed)
	outdated := attempt(runs[3], time.Hour, 20, runsheet.Metrics{"accuracy": 0.9})
	outdated.Claim.Identity = "train --old"
	judged(s, 3, ended(outdated, 40*time.Minute, 0))
	judged(s, 4, runsheet.Facts{Progress: &runsheet.Progress{AsOf: now, Source: "epochs", Error: "runs/digits/mlp/seed_1/progress.json: 12 bytes: broken at \"{\\\"comp\""}})
	stuck := attempt(runs[5], 3*time.Hour, 3, nil)
	judged(s, 5, stuck)
	queued := attempt(runs[6], time.Second, 0, nil)
	queued.Start, queued.Progress = nil, nil
	judged(s, 6, queued)
	early := ended(attempt(runs[7], time.Hour, 12, runsheet.Metrics{"accuracy": 0.95}), 59*time.Minute, 0)
	early.Progress.EarlyStopped, early.Progress.EarlyStoppedAt = true, 12
	judged(s, 7, early)
	stopped := ended(attempt(runs[8], time.Hour, 5, nil), 59*time.Minute, 1)
	stopped.End.Kind, stopped.End.ExitCode = runsheet.EndStopped, nil
	judged(s, 8, stopped)
	s.Sheet.Runs[9].Progress.Total = 0
	exit := ended(attempt(runs[9], time.Hour, 0, nil), 59*time.Minute, 0)
	exit.Progress = nil
	judged(s, 9, exit)
	lost := attempt(runs[10], time.Hour, 5, nil)
	lost.Liveness, lost.Why = runsheet.LivenessUnknown, "gpu7 does not answer"
	judged(s, 10, lost)
	return s
}

func lines(s string) []string { return strings.Split(strings.TrimSuffix(s, "\n"), "\n") }
