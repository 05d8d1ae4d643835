package stage

import (
	"errors"
	"fmt"
	"strconv"

	"runsheet"
	"runsheet/internal/record"
	"runsheet/internal/record/recordtest"
)

// supervise is supervise.Main as a process of its own.
func (m *Model) supervise(parent *recordtest.Proc, c runsheet.Claim) {
	token := c.Nonce
	if m.NoToken {
		token = ""
	}
	p := parent.Spawn(fmt.Sprintf("supervisor %s(%d)", c.Nonce, c.Attempt), token)
	s := &supervisor{m: m, p: p, sys: m.system(p), dir: record.AttemptDir(Work, c.Attempt), token: token}
	m.Go(p, true, s.run)
}

type supervisor struct {
	m     *Model
	p     *recordtest.Proc
	sys   record.System
	dir   string
	token string
	t     *record.Tenure
	asked int // the number of the stop that stood there before it began; 0: none
}

func (s *supervisor) run() {
	s.p.Step(recordtest.Step{Op: "begin"}, func() string { s.asked = mustAtoi(s.m.Get("stop")); return fmt.Sprint(s.asked) })
	t, err := record.Take(s.sys, s.dir)
	s.t = t
	if errors.Is(err, record.ErrStopAsked) {
		if t.Begin(0) != nil {
			t.Leave()
			return
		}
		s.end(runsheet.End{Kind: runsheet.EndStopped})
		return
	}
	if err != nil {
		return
	}
	var cmd *recordtest.Proc
	s.p.Step(recordtest.Step{Op: "gate"}, func() string {
		cmd = s.p.Spawn(fmt.Sprintf("command %s(%d)", t.Claim.Nonce, t.Claim.Attempt), s.token)
		if !s.m.NoToken {
			cmd.Session = cmd.PID
		}
		return ""
	})
	if err := t.Begin(cmd.PID); err != nil {
		s.p.Step(recordtest.Step{Op: "call-off"}, func() string { cmd.Kill(); return "" })
		t.Leave()
		return
	}
	s.p.Step(recordtest.Step{Op: "release"}, func() string { s.m.release(s, cmd); return "" })
	kind, away := runsheet.EndKind(""), false
	for kind == "" {
		s.m.Await(s.p, func() bool { return cmd.Dead() || s.fenceSees() }, false)
		dead := false
		s.p.Step(recordtest.Step{Op: "wait4"}, func() string { dead = cmd.Dead(); return fmt.Sprint(dead) })
		if dead {
			break
		}
		over := s.fenceSees()
		verdict, err := t.Fence()
		if over && err == nil {
			s.p.Step(recordtest.Step{Op: "fenced"}, func() string {
				s.m.Set("fenced "+t.Claim.Nonce, "yes")
				if verdict == record.GoOn {
					s.m.Set("missed "+t.Claim.Nonce, "yes")
				}
				return ""
			})
		}
		if err != nil || verdict == record.GoOn {
			continue
		}
		kind, away = runsheet.EndStopped, verdict == record.TakenOver
		s.p.Step(recordtest.Step{Op: "kill-all"}, func() string { cmd.Kill(); return "" })
	}
	if away {
		t.Leave()
		return
	}
	e := runsheet.End{Kind: kind}
	if kind == "" {
		code := s.m.codes[cmd.PID]
		e.Kind, e.ExitCode = runsheet.EndExit, &code
	}
	s.end(e)
}

// end is supervise's writeEnd.
func (s *supervisor) end(e runsheet.End) {
	for {
		err := s.t.End(e)
		if err == nil {
			e.By, e.Nonce = s.p.Process, s.t.Claim.Nonce
			s.m.acknowledge(s.dir, e)
		}
		if err == nil || errors.Is(err, record.ErrOver) {
			return
		}
		if verdict, err := s.t.Fence(); err == nil && verdict == record.TakenOver {
			s.t.Leave()
			return
		}
	}
}

// fenceSees is when the next look over the fence is worth a step: there is something to see. A fence that is looked
// over for nothing changes nothing.
func (s *supervisor) fenceSees() bool {
	if _, ok := s.m.File(record.EndPath(s.dir)); ok {
		return s.m.Get("fenced "+s.t.Claim.Nonce) == ""
	}
	claim, ok := s.m.File(record.ClaimPath(s.dir))
	if c, err := record.DecodeClaim(claim); !ok || err != nil || c.Nonce != s.t.Claim.Nonce {
		return s.m.Get("fenced "+s.t.Claim.Nonce) == ""
	}
	return s.m.Get("fenced "+s.t.Claim.Nonce) == "" && s.m.Get("stop") != "" && s.t.Claim.Request < mustAtoi(s.m.Get("stop"))
}

func mustAtoi(s string) int { n, _ := strconv.Atoi(s); return n }

// release lets the command live.
func (m *Model) release(s *supervisor, cmd *recordtest.Proc) {
	c := s.t.Claim
	if c.Request < s.asked {
		m.Fail("%s began after a stop was asked for", s.p.Name)
	}
	if data, ok := m.File(record.StartPath(s.dir)); ok {
		start, err := record.DecodeStart(data)
		if err != nil || start.Nonce != c.Nonce || start.Process != s.p.Process || start.Void {
			m.Fail("%s began without a start of its own: %s", s.p.Name, data)
		}
	} else if m.Get("removed") == "" {
		m.Fail("%s began without a start", s.p.Name)
	}
	key := fmt.Sprint("began ", c.Attempt)
	if other := m.Get(key); other != "" {
		m.Fail("attempt %d began twice: %s and %s", c.Attempt, other, c.Nonce)
	}
	m.Set(key, c.Nonce)
	m.Set(fmt.Sprint("command ", cmd.PID), c.Nonce)
	start := m.GoSlowly
	if m.Hasty {
		start = func(p *recordtest.Proc, program func()) { m.Go(p, false, program) }
	}
	start(cmd, func() {
		code := 1
		if c.Attempt == m.finishAt {
			if !m.BadExit {
				code = 0
			}
			cmd.Step(recordtest.Step{Op: "complete"}, func() string {
				m.Set("evidence", "complete")
				if m.forced(c) {
					m.Set("late", "yes") // whoever saw that it was let go may have looked at the evidence before
				}
				return ""
			})
		}
		cmd.Step(recordtest.Step{Op: "exit"}, func() string { m.codes[cmd.PID] = code; cmd.Kill(); return "" })
	})
}
