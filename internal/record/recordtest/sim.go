package recordtest

import (
	"fmt"
	"iter"
	"strings"
)

// Sim is one run of some actors in a world, one step after the other in an order that the Explorer chooses.
type Sim struct {
	*World
	// Check is called after every step: an error ends the run, and the exploration.
	Check func() error
	// Final is called when nobody can act any more.
	Final func() error

	actors  []*actor
	current *actor // who acted last, if it can go on
	failure error
	woke    bool // by the last listing of choices
	tracing bool
	trace   []string
}

// actor is a process with a program, as a coroutine: it stands before its next step until it is told to go on.
type actor struct {
	p      *Proc
	mortal bool
	slow   bool
	next   func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
	step   Step
	wait   func() bool // nil: it need not wait
	timer  bool        // it need not wait for ever
	timed  bool        // the timer it was
	fate   Fate
	primed bool
	done   bool
	asleep bool // suspended, until nobody else can act but the slow ones
}

// Go lets a process run a program; at its end the process exits. A mortal one may be killed before any of its steps, or may be told of an error.
func (s *Sim) Go(p *Proc, mortal bool, program func()) {
	a := &actor{p: p, mortal: mortal}
	a.next, a.stop = iter.Pull(func(yield func(struct{}) bool) {
		a.yield = yield
		Run(program)
		p.Kill()
	})
	s.actors = append(s.actors, a)
}

// GoSlowly is Go for a process that acts only when no other can, unless it is preferred; it never dies by itself.
func (s *Sim) GoSlowly(p *Proc, program func()) {
	s.Go(p, false, program)
	s.actors[len(s.actors)-1].slow = true
}

// Await lets a process wait until cond holds. With timer set it may as well go on before; then Await returns true.
// cond may depend on the state of the world, and on what the process has seen, alone.
func (s *Sim) Await(p *Proc, cond func() bool, timer bool) (timedOut bool) {
	a := s.actor(p)
	a.wait, a.timer, a.timed = cond, timer, false
	a.step = Step{Op: "wait"}
	alive := a.yield(struct{}{})
	a.wait = nil
	if !alive || p.dead {
		panic(Died{p})
	}
	p.saw("wait", fmt.Sprint(a.timed))
	return a.timed
}

// Fail ends the run with an error, as Check would.
func (s *Sim) Fail(format string, args ...any) {
	if s.failure == nil {
		s.failure = fmt.Errorf(format, args...)
	}
}

func (s *Sim) actor(p *Proc) *actor {
	for _, a := range s.actors {
		if a.p == p && !a.done {
			return a
		}
	}
	return nil
}

// hook makes an actor stand before its step.
func (s *Sim) hook(p *Proc, step Step) Fate {
	a := s.actor(p)
	if a == nil {
		return Done // what setup does
	}
	a.step, a.fate = step, Done
	a.yield(struct{}{}) // false once it is dead, and its step will see that
	return a.fate
}

// settle brings new actors to their first step, and lets dead ones go.
func (s *Sim) settle() {
	for i := 0; i < len(s.actors); i++ {
		a := s.actors[i]
		if a.p.dead && !a.done {
			a.stop()
			a.done = true
		}
		if !a.done && !a.primed {
			a.primed = true
			_, ok := a.next()
			a.done = !ok
		}
	}
	if s.current != nil && s.current.done {
		s.current = nil
	}
}

// end lets all coroutines go.
func (s *Sim) end() {
	for _, a := range s.actors {
		if !a.done {
			a.p.Kill()
			a.stop()
			a.done = true
		}
	}
}

func (s *Sim) story() string { return strings.Join(s.trace, "\n") }
