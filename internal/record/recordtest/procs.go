package recordtest

import (
	"fmt"
	"syscall"

	"runsheet"
	"runsheet/internal/proc"
)

// Proc is one process of the world.
type Proc struct {
	runsheet.Process
	Name    string
	Token   string // RUNSHEET_TOKEN in its environment; empty: none
	Session int    // 0: nobody's

	world    *World
	children int
	open     []*lock
	seen     uint64
	dead     bool
	ghost    bool // sees without being seen: no step, no trace
}

// Died is what a step of a process that is dead panics with. Run recovers it.
type Died struct{ *Proc }

// Run runs the program of a process until its end or the death of the process, and says whether it died.
func Run(program func()) (died bool) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(Died); !ok {
				panic(r)
			}
			died = true
		}
	}()
	program()
	return false
}

// Start makes a process without a parent on a host that was booted under the given id. Hosts are told by their names.
func (w *World) Start(host, boot, name string) *Proc {
	p := &Proc{Name: name, world: w}
	p.Host, p.BootID, p.PIDNamespace, p.PID = host, boot, "pid:[1]", 100+len(w.procs)
	return w.enter(p)
}

// Spawn makes a child of p. Its pid depends on nothing but how many children p had before it. It is not a step by
// itself.
func (p *Proc) Spawn(name, token string) *Proc {
	p.children++
	c := &Proc{Name: name, Token: token, world: p.world, Process: p.Process}
	c.PID = p.PID*100 + p.children
	return p.world.enter(c)
}

func (w *World) enter(p *Proc) *Proc {
	p.StartTime = uint64(p.PID)
	w.procs = append(w.procs, p)
	w.toggle("proc", fmt.Sprint(p.PID))
	return p
}

// Ghost returns a system as p sees it now, whose calls are no steps and leave no trace in what p has seen. It is for
// looking only.
func (p *Proc) Ghost() *Proc {
	return &Proc{Process: p.Process, Name: p.Name, world: p.world, ghost: true}
}

// World returns the world of the process.
func (p *Proc) World() *World { return p.world }

// Dead says whether the process is gone.
func (p *Proc) Dead() bool { return p.dead }

// Kill ends the process, whatever it is doing: its locks are free, its children live on.
func (p *Proc) Kill() {
	if p.dead {
		return
	}
	p.dead = true
	for _, d := range p.open {
		d.free()
	}
	p.world.toggle("proc", fmt.Sprint(p.PID))
}

// Crash ends every process of a host.
func (w *World) Crash(host string) {
	for _, p := range w.procs {
		if p.Host == host {
			p.Kill()
		}
	}
}

type procs struct{ p *Proc }

func (s procs) Self() runsheet.Process { return s.p.Process }

func (s procs) Check(q runsheet.Process) (state proc.State) {
	err := s.p.step(Step{"check", "", fmt.Sprint(q.PID)}, func() (string, error) {
		state = s.check(q)
		return state.String(), nil
	})
	if err != nil {
		return proc.Elsewhere
	}
	return state
}

func (s procs) check(q runsheet.Process) proc.State {
	if q.BootID != s.p.BootID || q.PIDNamespace != s.p.PIDNamespace {
		return proc.Elsewhere
	}
	for _, p := range s.p.world.procs {
		if p.Process == q && !p.dead {
			return proc.Alive
		}
	}
	return proc.Gone
}

func (s procs) Find(nonce string, session int, _ runsheet.Process) (found []runsheet.Process, err error) {
	err = s.p.step(Step{"find", "", nonce}, func() (string, error) {
		for _, p := range s.p.world.procs {
			ours := p.Token == nonce && nonce != "" || p.Session == session && session > 0
			if ours && !p.dead && p.BootID == s.p.BootID && p.PIDNamespace == s.p.PIDNamespace && p.PID != s.p.PID {
				found = append(found, p.Process)
			}
		}
		return fmt.Sprint(len(found), found), nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

func (s procs) Signal(q runsheet.Process, sig syscall.Signal) error {
	return s.p.step(Step{"signal", sig.String(), fmt.Sprint(q.PID)}, func() (string, error) {
		if s.check(q) == proc.Elsewhere {
			return "", proc.ErrElsewhere
		}
		for _, p := range s.p.world.procs {
			if p.Process == q && sig == syscall.SIGKILL {
				p.Kill()
			}
		}
		return "", nil
	})
}
