package record_test

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

func TestTake(t *testing.T) {
	void := func(t *testing.T, sys record.System, dir, attempt string) {
		// What a launcher leaves that died in the middle of giving it up.
		data, _ := os.ReadFile(record.ClaimPath(attempt))
		c, err := record.DecodeClaim(data)
		if err != nil {
			t.Fatal(err)
		}
		start := `{"schema": "runsheet.start/1", "nonce": "` + c.Nonce + `", "pid": 1, "void": true}`
		if err := durable.WriteOnce(durable.OS(), "", record.StartPath(attempt), []byte(start)); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		before func(t *testing.T, sys record.System, dir, attempt string)
		want   error
	}{
		"fresh": {func(*testing.T, record.System, string, string) {}, nil},
		"held": {func(t *testing.T, sys record.System, dir, attempt string) {
			if _, err := record.Take(sys, attempt); err != nil {
				t.Fatal(err)
			}
		}, record.ErrHeld},
		"ended": {func(t *testing.T, sys record.System, dir, attempt string) {
			if _, err := record.TakeOver(t.Context(), sys, attempt, record.Heir{}); err != nil {
				t.Fatal(err)
			}
		}, record.ErrOver},
		"given up": {void, record.ErrOver},
		"begun by one that died": {func(t *testing.T, sys record.System, dir, attempt string) {
			tenure, err := record.Take(sys, attempt)
			if err != nil || tenure.Begin(0) != nil {
				t.Fatal(err)
			}
			tenure.Leave()
		}, record.ErrOver},
		"superseded": {func(t *testing.T, sys record.System, dir, attempt string) {
			record.Claim(sys, runsheet.Facts{Attempt: 1}, 1, runsheet.Claim{Nonce: "n", WorkDir: dir})
		}, record.ErrSuperseded},
		"stop asked": {func(t *testing.T, sys record.System, dir, attempt string) {
			if _, err := record.Request(sys, dir, runsheet.RequestStop, "ann"); err != nil {
				t.Fatal(err)
			}
		}, record.ErrStopAsked},
		"retry asked": {func(t *testing.T, sys record.System, dir, attempt string) {
			if _, err := record.Request(sys, dir, runsheet.RequestRetry, "ann"); err != nil {
				t.Fatal(err)
			}
		}, nil},
		"moved": {func(t *testing.T, sys record.System, dir, attempt string) {
			if err := replaceIn(record.ClaimPath(attempt), dir, dir+"2"); err != nil {
				t.Fatal(err)
			}
		}, record.ErrDamaged},
		"no claim": {func(t *testing.T, sys record.System, dir, attempt string) { os.Remove(record.ClaimPath(attempt)) }, os.ErrNotExist},
		"removed":  {func(t *testing.T, sys record.System, dir, attempt string) { os.RemoveAll(dir) }, os.ErrNotExist},
	} {
		t.Run(name, func(t *testing.T) {
			sys, dir := realSystem(t)
			_, attempt := claim(t, sys, dir)
			c.before(t, sys, dir, attempt)
			tenure, err := record.Take(sys, attempt)
			wantErr(t, "take", err, c.want)
			if (tenure != nil) != (c.want == nil || c.want == record.ErrStopAsked) {
				t.Errorf("tenure %v", tenure)
			}
			if tenure == nil {
				return
			}
			// Also one that was stopped before it began writes its end.
			if err := errors.Join(tenure.Begin(0), tenure.End(runsheet.End{Kind: runsheet.EndStopped})); err != nil {
				t.Error(err)
			}
			if live, why := record.Probe(sys, attempt, tenure.Claim, &tenure.Start); live != runsheet.LivenessGone {
				t.Errorf("after the end: %s %s", live, why)
			}
		})
	}
}

func TestBegin(t *testing.T) {
	t.Run("given up meanwhile", func(t *testing.T) {
		sys, dir := realSystem(t)
		_, attempt := claim(t, sys, dir)
		tenure, err := record.Take(sys, attempt)
		if err != nil {
			t.Fatal(err)
		}
		_, err = record.TakeOver(t.Context(), sys, attempt, record.Heir{})
		wantErr(t, "take over from one that holds the lock", err, record.ErrLive)
		wantErr(t, "begin", tenure.Begin(0), record.ErrOver)
		tenure.Leave()
		e, err := record.TakeOver(t.Context(), sys, attempt, record.Heir{})
		if err != nil || e.Kind != runsheet.EndVoid {
			t.Errorf("%+v, %v", e, err)
		}
	})
	t.Run("its reply was lost", func(t *testing.T) {
		sys, dir := realSystem(t)
		_, attempt := claim(t, sys, dir)
		tenure, err := record.Take(losingReply(sys), attempt)
		if err != nil {
			t.Fatal(err)
		}
		defer tenure.Leave()
		wantErr(t, "begin", tenure.Begin(7), syscall.EIO)
		if err := tenure.Begin(7); err != nil || tenure.Start.ProcessGroup != 7 || tenure.Start.Process != sys.Procs.Self() {
			t.Errorf("again: %v, %+v", err, tenure.Start)
		}
	})
	t.Run("begun by somebody else", func(t *testing.T) {
		sys, dir := realSystem(t)
		_, attempt := claim(t, sys, dir)
		tenure, err := record.Take(sys, attempt)
		if err != nil {
			t.Fatal(err)
		}
		defer tenure.Leave()
		start := `{"schema": "runsheet.start/1", "nonce": "` + tenure.Claim.Nonce + `", "pid": 1}`
		if err := durable.WriteOnce(durable.OS(), "", record.StartPath(attempt), []byte(start)); err != nil {
			t.Fatal(err)
		}
		wantErr(t, "begin", tenure.Begin(0), record.ErrOver)
	})
}

func TestFence(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(t *testing.T, sys record.System, dir string, tenure *record.Tenure)
		want record.Verdict
	}{
		"nothing": {func(*testing.T, record.System, string, *record.Tenure) {}, record.GoOn},
		"a foreign end": {func(t *testing.T, sys record.System, dir string, tenure *record.Tenure) {
			writeEnd(t, tenure, "1")
		}, record.TakenOver},
		"stop": {func(t *testing.T, sys record.System, dir string, tenure *record.Tenure) {
			record.Request(sys, dir, runsheet.RequestStop, "ann")
		}, record.StopAsked},
		"stop, then retry": {func(t *testing.T, sys record.System, dir string, tenure *record.Tenure) {
			record.Request(sys, dir, runsheet.RequestStop, "ann")
			record.Request(sys, dir, runsheet.RequestRetry, "ann")
		}, record.GoOn},
		"work dir removed": {func(t *testing.T, sys record.System, dir string, tenure *record.Tenure) { os.RemoveAll(dir) }, record.TakenOver},
		"work dir moved":   {func(t *testing.T, sys record.System, dir string, tenure *record.Tenure) { os.Rename(dir, dir+"2") }, record.TakenOver},
		"alive replaced": {func(t *testing.T, sys record.System, dir string, tenure *record.Tenure) {
			os.Remove(record.AlivePath(tenure.Dir))
			os.WriteFile(record.AlivePath(tenure.Dir), nil, 0o600)
		}, record.TakenOver},
		"work dir made anew": {func(t *testing.T, sys record.System, dir string, tenure *record.Tenure) {
			os.Rename(dir, dir+"2")
			begin(t, sys, dir)
		}, record.TakenOver},
	} {
		t.Run(name, func(t *testing.T) {
			sys, dir := realSystem(t)
			tenure, _ := begin(t, sys, dir)
			c.do(t, sys, dir, tenure)
			if got, err := tenure.Fence(); err != nil || got != c.want {
				t.Errorf("%v, %v, want %v", got, err, c.want)
			}
		})
	}
	t.Run("cannot be found out", func(t *testing.T) {
		sys, dir := realSystem(t)
		tenure, attempt := begin(t, sys, dir)
		os.WriteFile(record.EndPath(attempt), []byte("{"), 0o600)
		if got, err := tenure.Fence(); err == nil || got != record.GoOn {
			t.Errorf("%v, %v", got, err)
		}
	})
	t.Run("a request that it knew", func(t *testing.T) {
		sys, dir := realSystem(t)
		record.Request(sys, dir, runsheet.RequestStop, "ann")
		tenure, _ := begin(t, sys, dir)
		if got, err := tenure.Fence(); err != nil || got != record.GoOn {
			t.Errorf("%v, %v", got, err)
		}
	})
}

// writeEnd writes an end for an attempt in the name of a process with that pid.
func writeEnd(t *testing.T, tenure *record.Tenure, pid string) {
	t.Helper()
	end := `{"schema": "runsheet.end/1", "nonce": "` + tenure.Claim.Nonce + `", "kind": "lost", "forced": true, "by": {"pid": ` + pid + `}}`
	if err := durable.WriteOnce(durable.OS(), "", record.EndPath(tenure.Dir), []byte(end)); err != nil {
		t.Fatal(err)
	}
}

func TestEnd(t *testing.T) {
	t.Run("written by somebody else", func(t *testing.T) {
		sys, dir := realSystem(t)
		tenure, attempt := begin(t, sys, dir)
		writeEnd(t, tenure, "1")
		before, _ := os.ReadFile(record.EndPath(attempt))
		wantErr(t, "end", tenure.End(exited(0)), record.ErrOver)
		if after, _ := os.ReadFile(record.EndPath(attempt)); string(after) != string(before) {
			t.Errorf("changed to %s", after)
		}
		if live, _ := record.Probe(sys, attempt, tenure.Claim, &tenure.Start); live == runsheet.LivenessAlive {
			t.Error("the lock is still held")
		}
	})
	t.Run("work dir removed", func(t *testing.T) {
		sys, dir := realSystem(t)
		tenure, _ := begin(t, sys, dir)
		os.RemoveAll(dir)
		wantErr(t, "end", tenure.End(exited(0)), os.ErrNotExist)
	})
	t.Run("work dir claimed anew", func(t *testing.T) {
		sys, dir := realSystem(t)
		tenure, attempt := begin(t, sys, dir)
		os.RemoveAll(dir)
		begin(t, sys, dir)
		if err := tenure.End(exited(0)); err == nil {
			t.Error("ended somebody else's attempt")
		}
		if _, err := os.Stat(record.EndPath(attempt)); err == nil {
			t.Error("an end stands there")
		}
	})
	t.Run("longer than its room", func(t *testing.T) {
		sys, dir := realSystem(t)
		tenure, _ := begin(t, sys, dir)
		e := exited(1)
		e.Cause.Text = strings.Repeat("x", 100<<10)
		if err := tenure.End(e); err != nil {
			t.Fatal(err)
		}
		if v, err := record.Look(sys, dir); err != nil || len(v.End.Cause.Text) != 100<<10 {
			t.Errorf("%v", err)
		}
	})
	t.Run("nothing is left behind", func(t *testing.T) {
		sys, dir := realSystem(t)
		tenure, attempt := begin(t, sys, dir)
		if err := tenure.End(exited(0)); err != nil {
			t.Fatal(err)
		}
		var names []string
		entries, _ := os.ReadDir(attempt)
		for _, e := range entries {
			names = append(names, e.Name())
		}
		if got := strings.Join(names, " "); got != "alive claim.json end.json start.json" {
			t.Errorf("%s", got)
		}
	})
}
