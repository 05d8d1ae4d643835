package recordtest

import (
	"context"
	"fmt"
)

// Explorer drives actors through all interleavings of their steps, and all faults up to a number: the death of a mortal
// actor, or an error for one of its writes, with or without its effect. reduce.go says which of them it really goes
// through, and why none is missed.
type Explorer struct {
	Faults int
	Worlds int // at most; 0: as many as there are
}

// Stats is what an exploration has done.
type Stats struct {
	Worlds   int  // that were gone on from
	Steps    int  // that led from one to another, looks aside
	Finals   int  // worlds in which nobody could act
	Longest  int  // steps of the longest run
	Learned  int  // steps for which the programs were really run; the others are known to be the same
	Searches int  // how often it began anew, and once
	Runs     int  // that were drawn
	Whole    bool // every interleaving was explored, up to the order of independent steps
}

// String renders the figures.
func (s Stats) String() string {
	if s.Runs > 0 {
		return fmt.Sprintf("%d runs, %d steps, longest %d, %d learned", s.Runs, s.Steps, s.Longest, s.Learned)
	}
	return fmt.Sprintf("%d worlds, %d outcomes, %d steps, %d learned, %d searches, whole: %v", s.Worlds, s.Finals, s.Steps, s.Learned, s.Searches, s.Whole)
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

// maxCalm is how many calm steps there may be in a row.
const maxCalm = 10_000

// search is one search of the graph.
type search struct {
	*Sim
	Explorer
	first state
	seen  set
	trail []arrival // of each world that was reached
	todo  []waiting
	spare [][]int32
	stats *Stats
}

// arrival is how a world was reached at first: by which of the moves from which world.
type arrival struct{ before, move int32 }

// waiting is a world that is to be gone on from.
type waiting struct {
	state
	number int32
}

// Explore explores what setup sets up. It returns a *Violation for the first run that it finds to fail, and the
// context's error once that ends.
func (e Explorer) Explore(ctx context.Context, setup func(*Sim)) (Stats, error) {
	s := newSim(setup)
	defer s.end()
	s.grow()
	var st Stats
	var first state
	first.copyFrom(&s.state)
	if s.failure != nil {
		return st, &Violation{s.failure, ""}
	}
	for {
		st.Searches++
		st.Worlds, st.Steps, st.Finals = 0, 0, 0
		s.revise()
		s.load(&first)
		x := &search{Sim: s, Explorer: e, first: first, stats: &st}
		whole, err := x.run(ctx)
		st.Learned = s.Learned
		if err != nil || !s.refuted {
			st.Whole = whole
			return st, err
		}
	}
}

// run searches, and says whether nothing was left out for want of Worlds. Once what it trusts is wrong it goes on for a
// while to learn more, and ends early.
func (x *search) run(ctx context.Context) (whole bool, err error) {
	if err := x.check(); err != nil {
		return false, &Violation{err, ""}
	}
	if err := x.arrive(arrival{-1, 0}); err != nil {
		return false, err
	}
	enough := 0
	for len(x.todo) > 0 {
		if x.Worlds > 0 && x.stats.Worlds >= x.Worlds {
			return false, nil
		}
		if x.stats.Worlds++; x.stats.Worlds%1024 == 0 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		if x.refuted && enough == 0 {
			enough = 2*x.stats.Worlds + 1000
		}
		if x.refuted && x.stats.Worlds > enough {
			return false, nil
		}
		w := x.todo[len(x.todo)-1]
		x.todo = x.todo[:len(x.todo)-1]
		if err := x.goOn(w); err != nil {
			return false, err
		}
		x.spare = append(x.spare, w.at)
	}
	return true, nil
}

// goOn makes every move from a world.
func (x *search) goOn(w waiting) error {
	x.load(&w.state)
	all, some, err := x.moves(x.faults(x.Faults))
	if err == nil && !some {
		x.stats.Finals++
		err = x.final()
	}
	if err != nil {
		return x.violation(err, arrival{w.number, -1})
	}
	for i, m := range all {
		x.load(&w.state)
		x.stats.Steps++
		if err := x.make(m, nil); err != nil {
			return x.violation(err, arrival{w.number, int32(i)})
		}
		if err := x.arrive(arrival{w.number, int32(i)}); err != nil {
			return err
		}
	}
	return nil
}

// arrive takes the calm steps, and remembers the world that they lead to if it is new.
func (x *search) arrive(from arrival) error {
	n, err := x.settle(x.faults(x.Faults), nil)
	x.stats.Steps += n
	if err != nil {
		return x.violation(err, from)
	}
	if !x.seen.add(x.sum) {
		return nil
	}
	w := waiting{number: int32(len(x.trail))}
	if n := len(x.spare); n > 0 {
		w.at, x.spare = x.spare[n-1], x.spare[:n-1]
	}
	w.copyFrom(&x.state)
	x.todo = append(x.todo, w)
	x.trail = append(x.trail, from)
	return nil
}

// violation tells how it came to an error in a move from a world; -1: in that world.
func (x *search) violation(err error, last arrival) error {
	path := []arrival{last}
	for n := last.before; n >= 0; n = x.trail[n].before {
		path = append(path, x.trail[n])
	}
	t := &story{}
	x.load(&x.first)
	for i := len(path) - 2; i >= 0; i-- { // the last one is how the first world was reached
		x.settle(x.faults(x.Faults), t)
		if path[i].move < 0 {
			break
		}
		all, _, _ := x.moves(x.faults(x.Faults))
		x.make(all[path[i].move], t)
	}
	return &Violation{err, t.String()}
}
