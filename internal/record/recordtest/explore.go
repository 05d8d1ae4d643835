package recordtest

import "fmt"

// Explorer drives actors through every interleaving with a bounded number of preemptions and faults: each run from the
// beginning, with those that depart from the cheapest one early first, and none past a world that was reached before
// with at least as much left to spend. What is cheapest is fixed: who acts goes on until it must wait, then the first
// that can act does.
//
// A preemption is a departure from that: somebody else acts, an actor is suspended until no other can act, or a timer
// fires while somebody can act. A fault is the death of a mortal actor, or an error for one of its writes, with or
// without its effect.
type Explorer struct {
	Preemptions, Faults int
	Steps               int // at most in one run; more is an error: somebody turns in a circle
	Runs                int // at most; 0: as many as there are
	Stride              int // only each so many-th step is departed from the cheapest choice at; 0 or 1: every one
}

// Stats is what an exploration has done.
type Stats struct {
	Runs, States, Finals, Deepest int
	Steps                         int
	Whole                         bool // nothing was left out for want of Runs
}

// String renders the figures.
func (s Stats) String() string {
	return fmt.Sprintf("%d runs, %d worlds, %d outcomes, %d steps, deepest %d, whole: %v", s.Runs, s.States, s.Finals, s.Steps, s.Deepest, s.Whole)
}

// Violation is an interleaving in which something went wrong.
type Violation struct {
	Err   error
	Trace string // step by step
}

// Error returns what went wrong, and how it came to that.
func (v *Violation) Error() string { return v.Err.Error() + "\n" + v.Trace }

// Unwrap returns what went wrong.
func (v *Violation) Unwrap() error { return v.Err }

// trail is a sequence of choices, the last one first.
type trail struct {
	before           *trail
	choice           choice
	depth            int
	preempts, faults int8 // left after it
}

func (p *trail) choices() []choice {
	out := make([]choice, p.depth)
	for ; p.before != nil; p = p.before {
		out[p.depth-1] = p.choice
	}
	return out
}

// left is what there was to spend when a world was reached: of preemptions, by the faults left; -1: never reached.
type left [4]int8

// visit says whether a world is new with so much to spend, and remembers it.
func visit(seen map[uint64]left, sum uint64, preempts, faults int8) bool {
	l, ok := seen[sum]
	if !ok {
		l = left{-1, -1, -1, -1}
	}
	for f := int(faults); f < len(l); f++ {
		if l[f] >= preempts {
			return false
		}
	}
	l[faults] = preempts
	seen[sum] = l
	return true
}

// Explore explores what setup sets up. It returns a *Violation for the first run that fails.
func (e Explorer) Explore(setup func(*Sim)) (Stats, error) {
	var st Stats
	seen := map[uint64]left{}
	queue := []*trail{{preempts: int8(e.Preemptions), faults: int8(min(e.Faults, 3))}}
	for len(queue) > 0 {
		if e.Runs > 0 && st.Runs >= e.Runs {
			st.States = len(seen)
			return st, nil
		}
		at := queue[0]
		queue = queue[1:]
		st.Runs++
		var err error
		if at, err = e.run(at, setup, &queue, seen, &st); err != nil {
			return st, &Violation{err, e.retell(at, setup)}
		}
	}
	st.States, st.Whole = len(seen), true
	return st, nil
}

// run replays a path and goes on from its end with the cheapest choices, leaving the others for later.
func (e Explorer) run(at *trail, setup func(*Sim), queue *[]*trail, seen map[uint64]left, st *Stats) (*trail, error) {
	s := begin(setup)
	defer s.end()
	replay := at.choices()
	for i, c := range replay {
		s.apply(c)
		st.Steps++
		if i == len(replay)-1 {
			if err := s.check(); err != nil {
				return at, err
			}
		}
	}
	for {
		st.Deepest = max(st.Deepest, at.depth)
		all := s.choices(at.faults > 0)
		if !visit(seen, s.sum(), at.preempts, at.faults) {
			return at, nil
		}
		var next *trail
		for i := len(all) - 1; i >= 0; i-- {
			c := all[i]
			c.woke = s.woke
			p := &trail{at, c, at.depth + 1, at.preempts - c.preempts, at.faults - c.faults}
			if p.preempts < 0 || p.faults < 0 || i > 0 && e.Stride > 1 && p.depth%e.Stride != 0 {
				continue
			}
			if i == 0 {
				next = p
			} else {
				*queue = append(*queue, p)
			}
		}
		if next == nil || next.choice.kind != doStep && next.choice.kind != doTimer {
			if next != nil {
				*queue = append(*queue, next)
			}
			st.Finals++
			if s.Final != nil {
				return at, s.Final()
			}
			return at, nil
		}
		if at.depth >= e.Steps {
			return at, fmt.Errorf("no end after %d steps", at.depth)
		}
		at = next
		s.apply(at.choice)
		st.Steps++
		if err := s.check(); err != nil {
			return at, err
		}
	}
}

// retell runs a path once more and tells its story.
func (e Explorer) retell(at *trail, setup func(*Sim)) string {
	s := begin(setup)
	defer s.end()
	s.tracing = true
	for _, c := range at.choices() {
		s.apply(c)
	}
	return s.story()
}

func begin(setup func(*Sim)) *Sim {
	s := &Sim{World: New()}
	setup(s)
	s.Hook = s.hook
	s.settle()
	return s
}

func (s *Sim) check() error {
	if s.failure == nil && s.Check != nil {
		return s.Check()
	}
	return s.failure
}
