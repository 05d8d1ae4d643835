package recordtest

import "fmt"

// ready says whether an actor can make its step.
func (a *actor) ready() bool { return !a.done && !a.asleep && (a.wait == nil || a.wait()) }

// kind is what is done to an actor.
type kind uint8

const (
	doStep kind = iota
	doTimer
	doSleep
	doCrash
	doRefuse
	doLose
)

var kindNames = [...]string{"", " [its timer]", " [is suspended before this]", " [dies before this]", " [refused]", " [reply lost]"}

// choice is one thing that may come next, and what it costs.
type choice struct {
	pid              int
	kind             kind
	preempts, faults int8
	woke             bool // those who were suspended are woken before it
}

// choices lists what may come next, the cheapest first.
func (s *Sim) choices(faulty bool) []choice {
	var out, timers, dear []choice
	s.woke = false
	s.refresh()
	some := s.current != nil
	if some {
		out = append(out, choice{pid: s.current.p.PID})
	}
	for _, slow := range []bool{false, true} {
		for _, a := range s.actors {
			if a != s.current && a.slow == slow && a.ready() {
				out = append(out, choice{pid: a.p.PID, preempts: cost(some)})
				some = true
			}
		}
		if !some && s.wake() {
			out = s.choices(faulty)
			s.woke = true
			return out
		}
	}
	for _, a := range s.actors {
		if a.done {
			continue
		}
		here := cost(some && a.p.PID != out[0].pid && (a.wait == nil || s.current != nil))
		if a.wait != nil && a.timer && !a.wait() {
			timers = append(timers, choice{pid: a.p.PID, kind: doTimer, preempts: cost(some)})
		}
		if !a.mortal || !faulty {
			continue
		}
		dear = append(dear, choice{a.p.PID, doCrash, here, 1, false})
		if a.wait == nil && (a.step.Op == "write-once" || a.step.Op == "link") {
			dear = append(dear, choice{a.p.PID, doRefuse, here, 1, false}, choice{a.p.PID, doLose, here, 1, false})
		}
	}
	if len(out) > 1 {
		out = append(out, choice{pid: out[0].pid, kind: doSleep, preempts: 1})
	}
	return append(append(out, timers...), dear...)
}

// wake wakes those who were suspended, and says whether there were any.
func (s *Sim) wake() (any bool) {
	for _, a := range s.actors {
		any = any || a.asleep && !a.done
		a.asleep = false
	}
	return any
}

// refresh forgets who acted last once it cannot go on: to go on with somebody else is no preemption then.
func (s *Sim) refresh() {
	if s.current != nil && !s.current.ready() {
		s.current = nil
	}
}

// sum is a hash of all that the rest of the run depends on.
func (s *Sim) sum() uint64 {
	sum := s.Sum()
	if s.current != nil {
		sum ^= hash("current", s.current.p.Name)
	}
	for _, a := range s.actors {
		if a.asleep && !a.done {
			sum ^= hash("asleep", a.p.Name, fmt.Sprint(a.p.PID))
		}
	}
	return sum
}

func cost(b bool) int8 {
	if b {
		return 1
	}
	return 0
}

// apply lets a choice happen.
func (s *Sim) apply(c choice) {
	var a *actor
	for _, b := range s.actors {
		if b.p.PID == c.pid && !b.done {
			a = b
		}
	}
	if s.tracing {
		s.trace = append(s.trace, fmt.Sprintf("%3d %s: %s%s", len(s.trace)+1, a.p.Name, a.step, kindNames[c.kind]))
	}
	if c.woke {
		s.wake()
	}
	s.current = a
	switch c.kind {
	case doCrash:
		a.p.Kill()
		s.settle()
		return
	case doSleep:
		a.asleep, s.current = true, nil
		return
	case doTimer:
		a.timed = true
	case doRefuse:
		a.fate = Refuse
	case doLose:
		a.fate = Lose
	}
	if _, ok := a.next(); !ok {
		a.done = true
	}
	s.settle()
}
