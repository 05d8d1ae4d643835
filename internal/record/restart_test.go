package record_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

const theBatch = "0123456789abcdef0123456789abcdef"

// queued claims an attempt that is to run in a job.
func queued(t *testing.T, sys record.System, workDir string) (runsheet.Claim, string) {
	t.Helper()
	c, err := record.Claim(sys, runsheet.Facts{}, 0, runsheet.Claim{Run: "run", Nonce: record.NewNonce(), WorkDir: workDir, Executor: "slurm",
		Batch: theBatch, Task: 3, Identity: "train", Command: "train", Resumed: "train --resume"})
	if err != nil {
		t.Fatal(err)
	}
	return c, record.AttemptDir(workDir, c.Attempt)
}

func preempted(runsheet.Claim, runsheet.Start) runsheet.Over {
	return runsheet.Over{Requeued: true, Kind: runsheet.EndPreempted, Cause: runsheet.Cause{Kind: runsheet.CausePreempted, Text: "started again"}}
}

// at is what the evidence says.
func at(completed int64) func(runsheet.Claim) *runsheet.Progress {
	return func(runsheet.Claim) *runsheet.Progress {
		return &runsheet.Progress{Completed: completed, Total: 20, Source: "epochs"}
	}
}

// TestRestart: a job that is started again goes on with the next attempt, on another machine and on the same one, however
// often, and whatever its earlier executions came to.
func TestRestart(t *testing.T) {
	sys, dir := realSystem(t)
	first, attempt := queued(t, sys, dir)
	if next, err := record.Restart(t.Context(), sys, attempt, preempted, at(0)); err != nil || next != attempt {
		t.Fatalf("not begun: %s, %v", next, err)
	}
	tenure, err := record.Take(sys, attempt)
	if err == nil {
		err = tenure.Begin(0)
	}
	if err != nil {
		t.Fatal(err)
	}
	node := onFS(otherBoot(sys), false)
	_, err = record.Restart(t.Context(), node, attempt, preempted, at(7))
	wantErr(t, "while its first execution holds the lock", err, record.ErrLive)
	tenure.Leave() // as the kernel does for the killed
	second, err := record.Restart(t.Context(), node, attempt, preempted, at(7))
	if err != nil || second != record.AttemptDir(dir, 2) {
		t.Fatalf("%s, %v", second, err)
	}
	v, err := record.LookAt(sys, dir, 1)
	if err != nil || v.End.Kind != runsheet.EndPreempted || v.End.Progress.Completed != 7 {
		t.Errorf("%+v, %v", v.End, err)
	}
	v, err = record.LookAt(sys, dir, 2)
	if c := v.Claim; err != nil || c.Nonce == first.Nonce || c.Command != "train --resume" || !c.Resume || c.Batch != theBatch || c.Task != 3 || c.Identity != "train" {
		t.Fatalf("%+v, %v", v.Claim, err)
	}
	// It died before it began, and then without any progress that could be gone on from.
	if again, err := record.Restart(t.Context(), node, attempt, preempted, at(7)); err != nil || again != second {
		t.Errorf("%s, %v", again, err)
	}
	if tenure, err = record.Take(sys, second); err == nil {
		err = tenure.Begin(0)
	}
	if err != nil {
		t.Fatal(err)
	}
	tenure.Leave()
	third, err := record.Restart(t.Context(), node, attempt, preempted, at(0))
	if err != nil {
		t.Fatal(err)
	}
	if v, err = record.LookAt(sys, dir, 3); err != nil || third != record.AttemptDir(dir, 3) || v.Claim.Command != "train" || v.Claim.Resume {
		t.Errorf("%s: %+v, %v", third, v.Claim, err)
	}
}

// TestRestartOfNothing: where a job is started again and there is nothing left to be done, it claims nothing.
func TestRestartOfNothing(t *testing.T) {
	for name, c := range map[string]struct {
		before func(t *testing.T, sys record.System, dir, attempt string)
		done   int64
		want   error
	}{
		"ended by itself": {before: func(t *testing.T, sys record.System, dir, attempt string) {
			tenure := taken(t, sys, attempt)
			if err := tenure.End(exited(1)); err != nil {
				t.Fatal(err)
			}
		}, want: record.ErrOver},
		"complete": {before: func(t *testing.T, sys record.System, dir, attempt string) { taken(t, sys, attempt).Leave() }, done: 20, want: record.ErrOver},
		"stopped by a person": {before: func(t *testing.T, sys record.System, dir, attempt string) {
			taken(t, sys, attempt).Leave()
			if _, err := record.Request(sys, dir, runsheet.RequestStop, "alice"); err != nil {
				t.Fatal(err)
			}
		}, want: record.ErrStopAsked},
		"somebody else went on": {before: func(t *testing.T, sys record.System, dir, attempt string) {
			tenure := taken(t, sys, attempt)
			if err := tenure.End(runsheet.End{Kind: runsheet.EndPreempted}); err != nil {
				t.Fatal(err)
			}
			claim(t, sys, dir)
		}, want: record.ErrOver},
		"called off": {before: func(t *testing.T, sys record.System, dir, attempt string) {
			if _, err := record.TakeOver(t.Context(), sys, attempt, record.Heir{}); err != nil {
				t.Fatal(err)
			}
		}, want: record.ErrOver},
	} {
		t.Run(name, func(t *testing.T) {
			sys, dir := realSystem(t)
			_, attempt := queued(t, sys, dir)
			c.before(t, sys, dir, attempt)
			before, err := record.Attempts(sys, dir)
			if err != nil {
				t.Fatal(err)
			}
			next, err := record.Restart(t.Context(), sys, attempt, preempted, at(c.done))
			if !errors.Is(err, c.want) {
				t.Errorf("%s, %v, want %v", next, err, c.want)
			}
			if after, err := record.Attempts(sys, dir); err != nil || len(after) != len(before) {
				t.Errorf("attempts %v, before %v, %v", after, before, err)
			}
		})
	}
	sys, dir := realSystem(t)
	if _, err := record.Restart(t.Context(), sys, record.AttemptDir(dir, 1), preempted, at(0)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of what nobody claimed: %v", err)
	}
}

// taken begins an attempt.
func taken(t *testing.T, sys record.System, attempt string) *record.Tenure {
	t.Helper()
	tenure, err := record.Take(sys, attempt)
	if err == nil {
		err = tenure.Begin(0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return tenure
}

// TestTakeOverByTheSchedulersWord: what nobody here can see is over when the scheduler says so, unless its lock is held.
func TestTakeOverByTheSchedulersWord(t *testing.T) {
	sys, dir := realSystem(t)
	_, attempt := queued(t, sys, dir)
	tenure := taken(t, sys, attempt)
	here := onFS(otherBoot(sys), false)
	word := runsheet.Over{Kind: runsheet.EndTimeLimit, Cause: runsheet.Cause{Kind: runsheet.CauseTimeLimit, Text: "too long"}}
	_, err := record.TakeOver(t.Context(), here, attempt, record.Heir{Over: &word})
	wantErr(t, "held", err, record.ErrLive)
	tenure.Leave()
	_, err = record.TakeOver(t.Context(), here, attempt, record.Heir{})
	wantErr(t, "without a word", err, record.ErrUnproven)
	command, err := durable.OpenLock(durable.OS(), "test", record.AlivePath(attempt))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := command.Try(record.CommandByte); err != nil || !got {
		t.Fatal(got, err)
	}
	_, err = record.TakeOver(t.Context(), here, attempt, record.Heir{Over: &word})
	wantErr(t, "the command outlived its job", err, record.ErrUnproven)
	command.Close()
	e, err := record.TakeOver(t.Context(), here, attempt, record.Heir{Over: &word})
	if err != nil || e.Kind != runsheet.EndTimeLimit || e.Cause != word.Cause || e.Forced {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestBatch(t *testing.T) {
	sys, dir := realSystem(t)
	state := filepath.Join(dir, ".runsheet", "runsheet.yaml")
	launch := func(task int, dir string) runsheet.Launch {
		return runsheet.Launch{Dir: dir, Claim: runsheet.Claim{Batch: theBatch, Task: task}}
	}
	path, err := record.WriteBatch(sys, state, []runsheet.Launch{launch(0, "/a"), launch(2, "/c\n\"c")})
	if err != nil {
		t.Fatal(err)
	}
	// Submitted again by a launcher that knows of a part: the list stands.
	if again, err := record.WriteBatch(sys, state, []runsheet.Launch{launch(2, "/c\n\"c")}); err != nil || again != path {
		t.Errorf("%s, %v", again, err)
	}
	for task, want := range map[int]string{0: "/a", 1: "", 2: "/c\n\"c", 3: "", -1: ""} {
		got, err := record.BatchTask(sys, path, task)
		if got != want || want == "" && !errors.Is(err, record.ErrDamaged) {
			t.Errorf("task %d: %q, %v", task, got, err)
		}
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
