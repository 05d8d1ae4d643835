package record_test

import (
	"os"
	"strings"
	"testing"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

func TestTakeOverNotBegun(t *testing.T) {
	sys, dir := realSystem(t)
	c, attempt := claim(t, sys, dir)
	e, err := record.TakeOver(t.Context(), sys, attempt, record.Heir{Final: func() *runsheet.Progress {
		t.Error("evidence was read for an attempt that never began")
		return nil
	}})
	if err != nil || e.Kind != runsheet.EndVoid || e.Nonce != c.Nonce || e.Forced || e.Cause.Kind != "" {
		t.Fatalf("%+v, %v", e, err)
	}
	v, err := record.Look(sys, dir)
	if err != nil || !v.Start.Void || v.End.Kind != runsheet.EndVoid {
		t.Errorf("%+v, %v", v, err)
	}
	_, err = record.Take(sys, attempt)
	wantErr(t, "a late supervisor", err, record.ErrOver)
	again, err := record.TakeOver(t.Context(), sys, attempt, record.Heir{})
	if err != nil || !again.At.Equal(e.At) {
		t.Errorf("again: %+v, %v", again, err)
	}
	_, err = record.TakeOver(t.Context(), sys, record.AttemptDir(dir, 2), record.Heir{})
	wantErr(t, "of what nobody claimed", err, os.ErrNotExist)
}

func TestTakeOverFromTheLiving(t *testing.T) {
	sys, dir := realSystem(t)
	tenure, attempt := begin(t, sys, dir)
	for name, s := range map[string]record.System{"same boot": sys, "other boot": otherBoot(sys), "other boot, local": onFS(otherBoot(sys), true), "other machine": onFS(otherMachine(sys), true)} {
		_, err := record.TakeOver(t.Context(), s, attempt, record.Heir{Force: true})
		wantErr(t, name, err, record.ErrLive)
	}
	if err := tenure.End(exited(3)); err != nil {
		t.Fatal(err)
	}
	e, err := record.TakeOver(t.Context(), sys, attempt, record.Heir{Force: true})
	if err != nil || e.Kind != runsheet.EndExit || *e.ExitCode != 3 {
		t.Errorf("its own end: %+v, %v", e, err)
	}
}

// TestTakeOverWithoutLock: the supervisor is gone as far as its lock tells; what else proves it differs.
func TestTakeOverWithoutLock(t *testing.T) {
	for name, c := range map[string]struct {
		sys    func(record.System) record.System
		force  bool
		want   error
		forced bool
	}{
		"same boot":              {func(s record.System) record.System { return onFS(s, false) }, false, nil, false},
		"other namespace":        {func(s record.System) record.System { return onFS(otherNamespace(s), true) }, false, record.ErrUnproven, false},
		"other namespace, force": {func(s record.System) record.System { return onFS(otherNamespace(s), true) }, true, nil, true},
		"other boot, local":      {func(s record.System) record.System { return onFS(otherBoot(s), true) }, false, nil, false},
		"other boot, force":      {func(s record.System) record.System { return onFS(otherBoot(s), true) }, true, nil, false},
		"other machine, local":   {func(s record.System) record.System { return onFS(otherMachine(s), true) }, false, record.ErrUnproven, false},
		"other machine, force":   {func(s record.System) record.System { return onFS(otherMachine(s), true) }, true, nil, true},
		"other machine, shared":  {func(s record.System) record.System { return onFS(otherMachine(s), false) }, false, record.ErrUnproven, false},
		"no ids, local":          {func(s record.System) record.System { return onFS(unnamed(s), true) }, false, record.ErrUnproven, false},
		"shared":                 {func(s record.System) record.System { return onFS(otherBoot(s), false) }, false, record.ErrUnproven, false},
		"shared, force":          {func(s record.System) record.System { return onFS(otherBoot(s), false) }, true, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			sys, dir := realSystem(t)
			tenure, attempt := begin(t, sys, dir)
			tenure.Leave()
			heir := record.Heir{Force: c.force, Final: func() *runsheet.Progress { return &runsheet.Progress{Completed: 3} }}
			e, err := record.TakeOver(t.Context(), c.sys(sys), attempt, heir)
			wantErr(t, "take over", err, c.want)
			v, lerr := record.Look(sys, dir)
			if lerr != nil || (v.End == nil) != (c.want != nil) {
				t.Fatalf("%+v, %v", v, lerr)
			}
			if c.want == nil && (e.Kind != runsheet.EndLost || e.Forced != c.forced || e.Progress.Completed != 3 || e.Cause.Kind != runsheet.CauseLost) {
				t.Errorf("%+v", e)
			}
			if c.want != nil {
				// It gave the lock back.
				if live, _ := record.Probe(sys, attempt, tenure.Claim, &tenure.Start); live != runsheet.LivenessGone {
					t.Errorf("afterwards it is %s", live)
				}
			}
			if c.forced {
				// The old one comes back.
				again, err := tenure.Fence()
				if err == nil && again != record.TakenOver {
					t.Errorf("its fence says %v", again)
				}
			}
		})
	}
}

// TestTakeOverEndsOrphans: a supervisor is killed; its command has closed all that it inherited and runs on. Only its
// token tells whose it is.
func TestTakeOverEndsOrphans(t *testing.T) {
	sys, dir := realSystem(t)
	c, attempt := claim(t, sys, dir)
	supervisor, said := role(t, "supervisor", attempt)
	if said != "begun <nil>" {
		t.Fatal(said)
	}
	v, err := record.Look(sys, dir)
	if err != nil || v.Start == nil {
		t.Fatalf("%+v, %v", v, err)
	}
	probe := func() runsheet.Liveness {
		live, _ := record.Probe(sys, attempt, c, v.Start)
		return live
	}
	if got := probe(); got != runsheet.LivenessAlive {
		t.Fatalf("while its supervisor lives: %s", got)
	}
	_, err = record.TakeOver(t.Context(), sys, attempt, record.Heir{})
	wantErr(t, "while its supervisor lives", err, record.ErrLive)
	kill(t, supervisor)
	if got := probe(); got != runsheet.LivenessOrphan {
		t.Fatalf("its supervisor is gone: %s", got)
	}
	heir := record.Heir{Final: func() *runsheet.Progress {
		if left, err := sys.Procs.Find(c.Nonce, v.Start.ProcessGroup, v.Start.Process); err != nil || len(left) > 0 {
			t.Errorf("evidence is read while %v live (%v)", left, err)
		}
		return nil
	}}
	e, err := record.TakeOver(t.Context(), sys, attempt, heir)
	if err != nil || e.Kind != runsheet.EndLost || e.Forced {
		t.Fatalf("%+v, %v", e, err)
	}
	if got := probe(); got != runsheet.LivenessGone {
		t.Errorf("afterwards: %s", got)
	}
}

// TestTakeOverOnce: of many heirs one writes the end, and all return it.
func TestTakeOverOnce(t *testing.T) {
	sys, dir := realSystem(t)
	tenure, attempt := begin(t, sys, dir)
	tenure.Leave()
	ends := make(chan runsheet.End, 8)
	for range cap(ends) {
		go func() {
			for {
				e, err := record.TakeOver(t.Context(), record.NewSystem(durable.OS()), attempt, record.Heir{})
				if err == nil || t.Context().Err() != nil {
					ends <- e
					return
				}
			}
		}()
	}
	first := <-ends
	for range cap(ends) - 1 {
		if e := <-ends; !e.At.Equal(first.At) {
			t.Errorf("two ends: %+v and %+v", first, e)
		}
	}
}

func TestProbe(t *testing.T) {
	for name, c := range map[string]struct {
		begun func(t *testing.T, sys record.System, attempt string) *record.Tenure
		sys   func(record.System) record.System
		want  runsheet.Liveness
	}{
		"claimed, same boot":         {nil, func(s record.System) record.System { return onFS(s, false) }, runsheet.LivenessGone},
		"claimed, other boot, local": {nil, func(s record.System) record.System { return onFS(otherBoot(s), true) }, runsheet.LivenessGone},
		"claimed, shared":            {nil, func(s record.System) record.System { return onFS(otherBoot(s), false) }, runsheet.LivenessGone},
		"held":                       {take, func(s record.System) record.System { return s }, runsheet.LivenessAlive},
		"held, other boot":           {take, func(s record.System) record.System { return onFS(otherBoot(s), false) }, runsheet.LivenessAlive},
		"gone":                       {dead, func(s record.System) record.System { return s }, runsheet.LivenessGone},
		"gone, other boot, local":    {dead, func(s record.System) record.System { return onFS(otherBoot(s), true) }, runsheet.LivenessGone},
		"gone, other machine, local": {dead, func(s record.System) record.System { return onFS(otherMachine(s), true) }, runsheet.LivenessUnknown},
		"gone, no ids, local":        {dead, func(s record.System) record.System { return onFS(unnamed(s), true) }, runsheet.LivenessUnknown},
		"gone, shared":               {dead, func(s record.System) record.System { return onFS(otherBoot(s), false) }, runsheet.LivenessUnknown},
		"gone, other namespace":      {dead, func(s record.System) record.System { return onFS(otherNamespace(s), true) }, runsheet.LivenessUnknown},
		"alive cannot be read": {func(t *testing.T, _ record.System, attempt string) *record.Tenure {
			os.Mkdir(record.AlivePath(attempt), 0o700)
			return nil
		}, func(s record.System) record.System { return s }, runsheet.LivenessUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			sys, dir := realSystem(t)
			cl, attempt := claim(t, sys, dir)
			var start *runsheet.Start
			if c.begun != nil {
				if tenure := c.begun(t, sys, attempt); tenure != nil {
					start = &tenure.Start
				}
			}
			before, _ := os.ReadDir(attempt)
			got, why := record.Probe(c.sys(sys), attempt, cl, start)
			if got != c.want || (why != "") != (got == runsheet.LivenessUnknown) {
				t.Errorf("%s (%q), want %s", got, why, c.want)
			}
			if after, _ := os.ReadDir(attempt); len(after) != len(before) {
				t.Error("probing changed something")
			}
		})
	}
}

// TestRebooted: another boot id proves that a process is gone on the machine that it ran on, and only where nobody else can
// write. What an older version recorded names no machine, and proves nothing.
func TestRebooted(t *testing.T) {
	sys, dir := realSystem(t)
	self := sys.Procs.Self()
	old := self
	old.Machine = runsheet.Machine{}
	for _, c := range []struct {
		name string
		sys  record.System
		of   runsheet.Process
		want bool
		why  string
	}{
		{"booted since", onFS(otherBoot(sys), true), self, true, ""},
		{"another machine", onFS(otherMachine(sys), true), self, false, self.Host + ", and nothing proves that this is that machine"},
		{"an older record", onFS(otherBoot(sys), true), old, false, self.Host + ", and nothing proves that this is that machine"},
		{"two without ids", onFS(unnamed(sys), true), old, false, self.Host + ", and nothing proves that this is that machine"},
		{"shared", onFS(otherBoot(sys), false), self, false, self.Host + ", and this file system is shared"},
		{"another container", onFS(otherNamespace(sys), true), self, false, "another container of this machine"},
	} {
		got, why, err := record.Rebooted(c.sys, dir, c.of)
		if got != c.want || !strings.Contains(why, c.why) || err != nil {
			t.Errorf("%s: %t (%q), %v", c.name, got, why, err)
		}
	}
}

// TestOldRecords: a start without a machine, as older versions wrote it, can be read, and says nothing of one.
func TestOldRecords(t *testing.T) {
	s, err := record.DecodeStart([]byte(`{"schema": "runsheet.start/1", "nonce": "n", "host": "h", "boot_id": "b", "pid_namespace": "pid:[1]", "pid": 7, "start_time": 9}`))
	if err != nil || s.Machine != (runsheet.Machine{}) || s.PID != 7 {
		t.Errorf("%+v, %v", s, err)
	}
}

func take(t *testing.T, sys record.System, attempt string) *record.Tenure {
	t.Helper()
	tenure, err := record.Take(sys, attempt)
	if err == nil {
		err = tenure.Begin(0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tenure.Leave)
	return tenure
}

func dead(t *testing.T, sys record.System, attempt string) *record.Tenure {
	tenure := take(t, sys, attempt)
	tenure.Leave()
	return tenure
}
