package recordtest

import (
	"fmt"
	"slices"
	"syscall"

	"runsheet"
	"runsheet/internal/proc"
)

// procs are the processes as one of them sees them.
type procs struct{ p *Proc }

func (s procs) Self() runsheet.Process { return s.p.Process }

func (s procs) Check(q runsheet.Process) proc.State {
	state, err := call(s.p, Step{"check", "", fmt.Sprint(q.PID)}, func() (proc.State, error) { return s.check(q), nil })
	if err != nil {
		return proc.Elsewhere
	}
	return state
}

func (s procs) check(q runsheet.Process) proc.State {
	if q.BootID != s.p.BootID || q.PIDNamespace != s.p.PIDNamespace {
		return proc.Elsewhere
	}
	if p := s.living(q); p != nil {
		return proc.Alive
	}
	return proc.Gone
}

func (s procs) living(q runsheet.Process) *Proc {
	p := s.p.world.known[s.p.world.get(place{kind: inProc, n: int64(q.PID)})]
	if p == nil || p.Process != q {
		return nil
	}
	return p
}

func (s procs) Find(nonce string, session int, _ runsheet.Process) ([]runsheet.Process, error) {
	found, err := call(s.p, Step{"find", "", nonce}, func() ([]runsheet.Process, error) {
		var found []runsheet.Process
		for _, pl := range []place{{kind: inToken, name: nonce}, {kind: inSession, n: int64(session)}} {
			for _, p := range s.p.world.listed(pl) {
				if p.BootID == s.p.BootID && p.PIDNamespace == s.p.PIDNamespace && p.PID != s.p.PID && !slices.Contains(found, p.Process) {
					found = append(found, p.Process)
				}
			}
		}
		slices.SortFunc(found, func(a, b runsheet.Process) int { return a.PID - b.PID })
		return found, nil
	})
	return slices.Clone(found), err
}

func (s procs) Signal(q runsheet.Process, sig syscall.Signal) error {
	return act(s.p, Step{"signal", sig.String(), fmt.Sprint(q.PID)}, func() error {
		if s.check(q) == proc.Elsewhere {
			return proc.ErrElsewhere
		}
		if p := s.living(q); p != nil && sig == syscall.SIGKILL {
			p.Kill()
		}
		return nil
	})
}
