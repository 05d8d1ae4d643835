package stage

import (
	"errors"
	"fmt"
	"strconv"

	"runsheet"
	"runsheet/internal/record"
	"runsheet/internal/record/recordtest"
)

// supervisor returns supervise.Main as a process of its own, and lets it begin.
func (m *Model) supervisor(parent *recordtest.Proc, c runsheet.Claim) (begin func()) {
	token := c.Nonce
	if m.NoToken {
		token = ""
	}
	p := parent.Spawn(fmt.Sprintf("supervisor %s(%d)", c.Nonce, c.Attempt), token)
	return func() {
		m.Go(p, true, func() {
			(&supervisor{m: m, p: p, sys: m.system(p), dir: record.AttemptDir(Work, c.Attempt), token: token}).run()
		})
	}
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
	s.asked = mustAtoi(s.p.Step(recordtest.Step{Op: "begin"}, func() string { return s.m.Get("stop") }))
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
	s.p.Forget("taken", text(t.Claim), s.asked)
	cmd := s.p.Spawn(fmt.Sprintf("command %s(%d)", t.Claim.Nonce, t.Claim.Attempt), s.token)
	if !s.m.NoToken {
		cmd.Session = cmd.PID
	}
	s.p.Step(recordtest.Step{Op: "gate"}, func() string { s.m.command(s.p, cmd, t.Claim); return "" })
	if err := t.Begin(cmd.PID); err != nil {
		s.p.Step(recordtest.Step{Op: "call-off"}, func() string { cmd.Kill(); return "" })
		t.Leave()
		return
	}
	s.p.Step(recordtest.Step{Op: "release"}, func() string { s.m.release(s, cmd); return "" })
	e, away := runsheet.End{}, false
	for e.Kind == "" {
		s.p.Forget("loop", text(t.Claim))
		s.m.Await(s.p, func() bool { return cmd.Dead() || s.fenceSees() }, false)
		if code := s.p.Step(recordtest.Step{Op: "wait4"}, func() string { return s.m.exited(cmd) }); code != "" {
			n := mustAtoi(code)
			e.Kind, e.ExitCode = runsheet.EndExit, &n
			break
		}
		over := s.p.Step(recordtest.Step{Op: "fence"}, func() string { return fmt.Sprint(s.fenceSees()) }) == "true"
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
		e.Kind, away = runsheet.EndStopped, verdict == record.TakenOver
		s.p.Step(recordtest.Step{Op: "kill-all"}, func() string { cmd.Kill(); return "" })
	}
	if away {
		t.Leave()
		return
	}
	s.end(e)
}

// end is supervise's writeEnd.
func (s *supervisor) end(e runsheet.End) {
	for {
		s.p.Forget("end", text(s.t.Claim), text(e))
		err := s.t.End(e)
		if err == nil {
			e.By, e.Nonce = s.p.Process, s.t.Claim.Nonce
			s.m.acknowledge(s.p, s.dir, e)
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
}

// command lets a command begin as a gate: a shell that waits until it is released, or until its supervisor is gone.
func (m *Model) command(supervisor, cmd *recordtest.Proc, c runsheet.Claim) {
	released := func() bool { return m.Get(fmt.Sprint("command ", cmd.PID)) != "" }
	m.Go(cmd, false, func() {
		m.Await(cmd, func() bool { return released() || supervisor.Dead() }, false)
		if cmd.Step(recordtest.Step{Op: "gate"}, func() string { return fmt.Sprint(released()) }) != "true" {
			return
		}
		code := "1"
		if c.Attempt == m.finishAt {
			if !m.BadExit {
				code = "0"
			}
			cmd.Step(recordtest.Step{Op: "complete"}, func() string {
				m.Set("evidence", "complete")
				if m.forced(c) {
					m.Set("late", "yes") // whoever saw that it was let go may have looked at the evidence before
				}
				return ""
			})
		}
		cmd.Step(recordtest.Step{Op: "exit"}, func() string { m.Set(fmt.Sprint("code ", cmd.PID), code); cmd.Kill(); return "" })
	})
}

// exited returns the exit code of a command, or that of the signal that killed it; "": it lives.
func (m *Model) exited(cmd *recordtest.Proc) string {
	switch code := m.Get(fmt.Sprint("code ", cmd.PID)); {
	case !cmd.Dead():
		return ""
	case code == "":
		return "137"
	default:
		return code
	}
}
