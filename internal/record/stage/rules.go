package stage

import (
	"fmt"
	"path/filepath"
	"syscall"

	"runsheet"
	"runsheet/internal/proc"
	"runsheet/internal/record"
	"runsheet/internal/record/recordtest"
)

// witness holds the rules about what is written: nothing is claimed once the work is complete (records before
// evidence), and an end is written under the supervisor's byte.
type witness struct {
	record.FS
	m *Model
	p *recordtest.Proc
}

func (f witness) WriteOnce(label, path string, data []byte) error {
	err := f.FS.WriteOnce(label, path, data)
	if err == nil && label == "claim" && f.m.Get("evidence") != "" && f.m.Get("removed") == "" && f.m.Get("late") == "" {
		f.m.Fail("claimed although the work is complete: %s", path)
	}
	if err == nil && label == "takeover" {
		f.m.ended(f.p, path, data)
	}
	return err
}

func (f witness) Prepare(label, dir string, size int) (record.Spare, error) {
	s, err := f.FS.Prepare(label, dir, size)
	if err != nil {
		return nil, err
	}
	return witnessed{s, f}, nil
}

type witnessed struct {
	record.Spare
	f witness
}

func (s witnessed) WriteOnce(path string, data []byte) error {
	err := s.Spare.WriteOnce(path, data)
	if err == nil {
		s.f.m.ended(s.f.p, path, data)
	}
	return err
}

// ended is called in the very step in which p wrote an end. An attempt that never began has no supervisor to keep away.
func (m *Model) ended(p *recordtest.Proc, path string, data []byte) {
	if e, err := record.DecodeEnd(data); err == nil && e.Kind == runsheet.EndVoid || m.disturbed() {
		return
	}
	held := false
	lock, err := p.Ghost().System().Locks.Probe("rule", record.AlivePath(filepath.Dir(path)))
	if err == nil {
		held, err = lock.Held(record.SupervisorByte)
	}
	if err != nil || !held {
		m.Fail("%s wrote %s, and nobody held the supervisor's byte (%v)", p.Name, path, err)
	}
}

// disturbed says whether somebody from outside took locks or records away, after which a byte is no witness.
func (m *Model) disturbed() bool { return m.Get("dropped") != "" || m.Get("removed") != "" }

// guard holds that nobody ends a supervisor that owns its attempt.
type guard struct {
	proc.Procs
	m *Model
}

func (g guard) Signal(q runsheet.Process, sig syscall.Signal) error {
	for _, p := range g.m.Procs() {
		if p.Process == q && !p.Dead() && g.m.owns(q) && !g.m.disturbed() {
			g.m.Fail("%s owns its attempt, and is sent %v", p.Name, sig)
		}
	}
	return g.Procs.Signal(q, sig)
}

// owns says whether a process is the supervisor by whom an attempt without an end began.
func (m *Model) owns(q runsheet.Process) bool {
	for n := 1; n <= tries+1; n++ {
		dir := record.AttemptDir(Work, n)
		data, _ := m.File(record.StartPath(dir))
		_, over := m.File(record.EndPath(dir))
		if s, err := record.DecodeStart(data); err == nil && s.Process == q && !s.Void && !over {
			return true
		}
	}
	return false
}

// forced says whether a person let go of an attempt without proof: then nobody waits for what its command may yet do.
func (m *Model) forced(c runsheet.Claim) bool {
	data, _ := m.File(record.EndPath(record.AttemptDir(Work, c.Attempt)))
	e, err := record.DecodeEnd(data)
	return err == nil && e.Nonce == c.Nonce && e.Forced
}

// acknowledge is what an end amounts to once somebody was told that it is durable.
func (m *Model) acknowledge(dir string, e runsheet.End) {
	m.Set("ended "+dir, describe(e))
}

func describe(e runsheet.End) string { return fmt.Sprint(e.Nonce, " ", e.Kind, " by ", e.By.PID) }

// check holds the invariants, after every step.
func (m *Model) check() error {
	if state := m.State(); m.checked == state { // nothing has changed but what somebody has seen
		return nil
	} else {
		m.checked = state
	}
	var living []string
	for _, p := range m.Procs() {
		nonce := m.Get(fmt.Sprint("command ", p.PID))
		if nonce == "" || p.Dead() {
			continue
		}
		forced := false
		for n := 1; n <= tries+1; n++ {
			if data, ok := m.File(record.EndPath(record.AttemptDir(Work, n))); ok {
				e, err := record.DecodeEnd(data)
				if err != nil || e.Nonce != nonce {
					continue
				}
				// A person let go of it without proof: until its supervisor looks over the fence, it may live.
				if forced = e.Forced && m.Get("missed "+nonce) == ""; !forced {
					return fmt.Errorf("attempt %d has the end %s, and %s lives", n, describe(e), p.Name)
				}
			}
		}
		if !forced {
			living = append(living, p.Name)
		}
	}
	if len(living) > 1 {
		return fmt.Errorf("two live commands: %q", living)
	}
	for n := 1; n <= tries+1; n++ {
		dir := record.AttemptDir(Work, n)
		if told := m.Get("ended " + dir); told != "" && m.Get("removed") == "" {
			data, _ := m.File(record.EndPath(dir))
			e, err := record.DecodeEnd(data)
			if err != nil || describe(e) != told {
				return fmt.Errorf("the end of attempt %d was %s, and is %s now (%v)", n, told, describe(e), err)
			}
		}
	}
	return nil
}

// final holds what must be so once nobody can act: no launcher waits for ever, and no command lives on.
func (m *Model) final() error {
	for _, p := range m.Procs() {
		switch {
		case p.Dead():
		case m.Get(fmt.Sprint("command ", p.PID)) != "":
			return fmt.Errorf("%s lives for ever", p.Name)
		case m.Get("launcher "+p.Name) != "":
			g := p.Ghost()
			if f := m.observe(g, g.System()); f.Liveness != runsheet.LivenessUnknown { // for a person
				return fmt.Errorf("%s waits for ever: %v", p.Name, f)
			}
		}
	}
	return nil
}
