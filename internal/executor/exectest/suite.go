// Package exectest holds the contract that every executor passes, and an executor that lives in the test's own process.
// It is for tests alone.
package exectest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// patience is how long a condition is waited for before a test fails: machines are busy, and whole suites run side by side.
const patience = 4 * time.Minute

// Suite checks that an executor keeps its contract. newExecutor returns a fresh one for each test; sleeper is a command
// that it can run which lasts until it is ended, quick one that exits with code 3 at once. What the claims say beside the
// command is changed by edit.
func Suite(t *testing.T, newExecutor func(t *testing.T) runsheet.Executor, sleeper, quick string, edit ...func(*runsheet.Claim)) {
	ctx := context.Background()
	begin := func(t *testing.T, command string) (runsheet.Executor, string, runsheet.Claim) {
		e := newExecutor(t)
		dir, c := Claimed(t, e.Name(), command, edit...)
		if err := Start(ctx, e, dir, c); err != nil {
			t.Fatal(err)
		}
		return e, dir, c
	}

	t.Run("runs to its end", func(t *testing.T) {
		e, dir, c := begin(t, quick)
		v := AwaitEnd(t, dir)
		if v.End.Kind != runsheet.EndExit || v.End.ExitCode == nil || *v.End.ExitCode != 3 {
			t.Errorf("end %+v, want exit 3", v.End)
		}
		if v.Start == nil || v.Start.Nonce != c.Nonce || v.Start.Void {
			t.Errorf("start %+v", v.Start)
		}
		// The lock goes with the end, or a moment later.
		Await(t, "the lock to be free", func() bool {
			return e.Probe(ctx, dir, c, v.Start).Liveness == runsheet.LivenessGone
		})
	})

	t.Run("lives until it is stopped", func(t *testing.T) {
		e, dir, c := begin(t, sleeper)
		s := AwaitStart(t, dir)
		if seen := e.Probe(ctx, dir, c, s); seen.Liveness != runsheet.LivenessAlive {
			t.Fatalf("it is %s: %s", seen.Liveness, seen.Why)
		}
		for range 2 { // asking twice is no error, and changes nothing
			if err := e.Stop(ctx, dir, c, s, runsheet.EndStopped, false); err != nil {
				t.Fatal(err)
			}
		}
		if v := AwaitEnd(t, dir); v.End.Kind != runsheet.EndStopped {
			t.Errorf("end %+v, want stopped", v.End)
		}
		if err := e.Stop(ctx, dir, c, s, runsheet.EndStopped, true); err != nil {
			t.Errorf("stop of what is over: %v", err)
		}
	})

	t.Run("ends as stuck", func(t *testing.T) {
		e, dir, c := begin(t, sleeper)
		if err := e.Stop(ctx, dir, c, AwaitStart(t, dir), runsheet.EndStuck, false); err != nil {
			t.Fatal(err)
		}
		if v := AwaitEnd(t, dir); v.End.Kind != runsheet.EndStuck {
			t.Errorf("end %+v, want stuck", v.End)
		}
	})

	t.Run("starts once", func(t *testing.T) {
		e, dir, c := begin(t, sleeper)
		s := AwaitStart(t, dir)
		if err := Start(ctx, e, dir, c); err != nil {
			t.Fatal(err)
		}
		if err := e.Stop(ctx, dir, c, s, runsheet.EndStopped, true); err != nil {
			t.Fatal(err)
		}
		if v := AwaitEnd(t, dir); *v.Start != *s {
			t.Errorf("it was begun again: %+v, before %+v", v.Start, s)
		}
	})

	t.Run("does not begin what was given up", func(t *testing.T) {
		e := newExecutor(t)
		dir, c := Claimed(t, e.Name(), quick, edit...)
		sys := record.NewSystem(durable.OS())
		if _, err := record.TakeOver(ctx, sys, dir, record.Heir{}); err != nil {
			t.Fatal(err)
		}
		if err := Start(ctx, e, dir, c); err != nil {
			t.Fatal(err)
		}
		Await(t, "the supervisor to leave", func() bool {
			return e.Probe(ctx, dir, c, nil).Liveness == runsheet.LivenessGone
		})
		if v := AwaitEnd(t, dir); !v.Start.Void || v.End.Kind != runsheet.EndVoid {
			t.Errorf("start %+v, end %+v", v.Start, v.End)
		}
	})

	t.Run("cannot start where there is nothing", func(t *testing.T) {
		e := newExecutor(t)
		dir, c := Claimed(t, e.Name(), quick, edit...)
		if err := os.RemoveAll(filepath.Dir(filepath.Dir(dir))); err != nil {
			t.Fatal(err)
		}
		if err := Start(ctx, e, dir, c); err == nil {
			t.Error("it says that it started a supervisor in a directory that is gone")
		}
	})
}

// Start starts one attempt.
func Start(ctx context.Context, e runsheet.Executor, dir string, c runsheet.Claim) error {
	return e.Start(ctx, []runsheet.Launch{{Dir: dir, Claim: c}})[0]
}

// Claimed claims the first attempt of a run in a new work dir. What the claim says beside the command is changed by
// edit.
func Claimed(t testing.TB, executor, command string, edit ...func(*runsheet.Claim)) (attemptDir string, c runsheet.Claim) {
	t.Helper()
	c = runsheet.Claim{
		Run: "run", Nonce: record.NewNonce(), Session: "session", Executor: executor, Host: "localhost", Identity: command,
		Command: command, WorkDir: filepath.Join(t.TempDir(), "work"), Dir: t.TempDir(),
		Progress: runsheet.ProgressSpec{Tracker: "auto"}, StopGrace: 5 * time.Second,
	}
	for _, f := range edit {
		f(&c)
	}
	c, err := record.Claim(record.NewSystem(durable.OS()), runsheet.Facts{}, 0, c)
	if err != nil {
		t.Fatal(err)
	}
	return record.AttemptDir(c.WorkDir, c.Attempt), c
}

// AwaitStart waits until an attempt has begun.
func AwaitStart(t testing.TB, attemptDir string) *runsheet.Start {
	t.Helper()
	return awaitView(t, attemptDir, "a start", func(v record.View) bool { return v.Start != nil }).Start
}

// AwaitEnd waits until an attempt has ended.
func AwaitEnd(t testing.TB, attemptDir string) record.View {
	t.Helper()
	return awaitView(t, attemptDir, "an end", func(v record.View) bool { return v.End != nil })
}

func awaitView(t testing.TB, attemptDir, what string, done func(record.View) bool) (v record.View) {
	t.Helper()
	workDir := filepath.Dir(filepath.Dir(filepath.Dir(attemptDir)))
	sys := record.NewSystem(durable.OS())
	Await(t, what, func() bool {
		var err error
		if v, err = record.LookAt(sys, workDir, 1); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		return done(v)
	})
	return v
}

// Await waits for a condition, and fails the test where it does not come.
func Await(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}
