package stage

import (
	"fmt"
	"path/filepath"

	"runsheet"
	"runsheet/internal/record"
	"runsheet/internal/record/recordtest"
)

// before holds that nobody ends a supervisor that owns its attempt.
func (m *Model) before(_ *recordtest.Proc, step recordtest.Step) {
	if step.Op != "signal" || m.disturbed() {
		return
	}
	for _, q := range m.Procs() {
		if step.Path == fmt.Sprint(q.PID) && m.owns(q.Process) {
			m.Fail("%s owns its attempt, and is sent %s", q.Name, step.Label)
		}
	}
}

// after holds the rules about what is written: nothing is claimed once the work is complete (records before evidence),
// and an end is written under the supervisor's byte.
func (m *Model) after(p *recordtest.Proc, step recordtest.Step, err error) {
	switch {
	case err != nil:
	case step.Op == "write-once" && step.Label == "claim":
		if m.Get("evidence") != "" && m.Get("removed") == "" && m.Get("late") == "" {
			m.Fail("claimed although the work is complete: %s", step.Path)
		}
	case step.Op == "write-once" && step.Label == "takeover", step.Op == "link":
		data, _ := m.File(step.Path)
		m.ended(p, step.Path, data)
	}
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

// owns says whether a process is the supervisor by whom an attempt without an end began.
func (m *Model) owns(q runsheet.Process) bool {
	for n := 1; n <= m.Attempts+1; n++ {
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
func (m *Model) acknowledge(p *recordtest.Proc, dir string, e runsheet.End) {
	p.Step(recordtest.Step{Op: "acknowledged", Path: dir}, func() string { m.Set("ended "+dir, describe(e)); return "" })
}

func describe(e runsheet.End) string { return fmt.Sprint(e.Nonce, " ", e.Kind, " by ", e.By.PID) }

// check holds the invariants, after every step.
func (m *Model) check() error {
	var living []string
	for _, p := range m.Procs() {
		nonce := m.Get(fmt.Sprint("command ", p.PID))
		if nonce == "" || p.Dead() {
			continue
		}
		forced := false
		for n := 1; n <= m.Attempts+1; n++ {
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
	for n := 1; n <= m.Attempts+1; n++ {
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
			if f := m.observe(g, g.System()); m.certain || f.Liveness != runsheet.LivenessUnknown { // for a person
				return fmt.Errorf("%s waits for ever: %v", p.Name, f)
			}
		}
	}
	return nil
}
