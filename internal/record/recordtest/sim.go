package recordtest

import "fmt"

// Sim is a world with actors in it, who act one step after the other in an order that the Explorer chooses.
type Sim struct {
	*World
	// Check is called wherever something has changed that it reads: an error ends the exploration. It depends on the
	// world alone.
	Check func() error
	// Final is called where nobody can act any more. It depends on the world alone.
	Final func() error

	Learned int // steps for which a program was really run

	actors  map[string]*actor
	slots   []*slot // one for each pid that an actor has had
	nodes   []*node // by number; 0 is nowhere
	budget  int32   // the place where the faults are counted
	gone    int32   // the text that stands where a dead process was
	failure error
	keep    state   // to come back to
	sound   *branch // what Check says
	ended   *branch // what Final says
	learnt
}

// slot is one pid, of which there is one actor at a time.
type slot struct {
	pid         int
	local, life int32  // places
	bit         uint64 // the actor among others
}

func newSim(setup func(*Sim)) *Sim {
	s := &Sim{World: New(), actors: map[string]*actor{}, nodes: []*node{nil}}
	s.facts = map[uint64]*fact{}
	s.budget, s.gone = s.number(place{kind: inBudget}), s.intern(dead)
	setup(s)
	return s
}

// Go lets a process run a program from its beginning, in a step of somebody or before the first one; at its end the
// process exits. A mortal one may be killed before any of its steps, or may be told of an error. Whatever the program
// depends on must be in the name of the process.
func (s *Sim) Go(p *Proc, mortal bool, program func()) {
	a := s.actors[p.key()]
	if a == nil {
		a = &actor{p: p, mortal: mortal, program: program, nodes: map[nodeKey]*node{}, slot: s.slotOf(p.PID)}
		p.actor = a
		s.actors[p.key()] = a
		a.rewind(s, nil)
		a.root = a.at
	}
	if p.Dead() {
		p.Enter()
	}
	if a.root == nil {
		p.Kill()
		return
	}
	s.put(a.slot.local, a.root.number)
}

func (s *Sim) slotOf(pid int) *slot {
	for _, l := range s.slots {
		if l.pid == pid {
			return l
		}
	}
	l := &slot{pid: pid, local: s.number(localOf(pid)), life: s.number(place{kind: inProc, n: int64(pid)}), bit: 1 << min(len(s.slots), others)}
	s.slots = append(s.slots, l)
	return l
}

func localOf(pid int) place { return place{kind: inLocal, n: int64(pid)} }

// leave takes a process that was killed out of its program.
func (w *World) leave(p *Proc) { w.put(w.number(localOf(p.PID)), 0) }

// Await lets a process wait until cond holds. With timer set it may as well go on before; then Await returns true.
// cond may depend on the world alone, and on variables of the program that do not change later. Nobody is waited for to
// wake up: where cond holds no more by the time at which the process looks, it must come back to wait for the same.
func (s *Sim) Await(p *Proc, cond func() bool, timer bool) (timedOut bool) {
	a := p.actor.ask(question{step: Step{Op: "wait"}, wait: cond, timer: timer})
	timedOut, _ = a.value.(bool)
	return timedOut
}

// Fail ends the exploration with an error, as Check would. It is called in a step, or before the first one.
func (s *Sim) Fail(format string, args ...any) {
	if s.failure == nil {
		s.failure = fmt.Errorf(format, args...)
	}
}

// end lets all coroutines go.
func (s *Sim) end() {
	for _, a := range s.actors {
		if a.stop != nil {
			a.stop()
		}
	}
}
