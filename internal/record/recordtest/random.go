package recordtest

import (
	"context"
	"fmt"
	"math/rand/v2"
)

// maxSteps is far above what a drawn run takes.
const maxSteps = 20_000

// Random draws runs instead, with faults at steps that are drawn as well: in each, whoever acted last goes on with a
// probability that is drawn for the run. The same seed gives the same runs.
func (e Explorer) Random(ctx context.Context, seed uint64, runs int, setup func(*Sim)) (Stats, error) {
	s := newSim(setup)
	defer s.end()
	s.grow()
	var st Stats
	if s.failure != nil {
		return st, &Violation{s.failure, ""}
	}
	rnd := rand.New(rand.NewPCG(seed, 0))
	first, length := s.state, 300
	for ; st.Runs < runs; st.Runs++ {
		if err := ctx.Err(); err != nil {
			return st, err
		}
		var path []choice
		s.state = state{}
		s.copyFrom(&first)
		s.grow()
		err := e.draw(s, rnd, length, &path)
		st.Steps += len(path)
		st.Longest = max(st.Longest, len(path))
		st.Learned = s.Learned
		if err != nil {
			return st, &Violation{err, s.retell(&first, path)}
		}
		length = max(len(path), 10)
	}
	return st, nil
}

// draw draws one run.
func (e Explorer) draw(s *Sim, rnd *rand.Rand, length int, path *[]choice) error {
	steady := [...]float64{0, 0.5, 0.9, 0.99}[rnd.IntN(4)]
	events := map[int]bool{}
	for range e.Faults {
		events[rnd.IntN(length)] = true
	}
	var all, fit []option
	for {
		var some bool
		all, some = s.options(all[:0], events[len(*path)])
		if !some {
			return s.final()
		}
		if len(*path) >= maxSteps {
			return fmt.Errorf("no end after %d steps", len(*path))
		}
		fit = fit[:0]
		for _, o := range all {
			if o.kind.fault() {
				fit = append(fit, o)
			}
		}
		if len(fit) == 0 && len(*path) > 0 && rnd.Float64() < steady {
			for _, o := range all {
				if o.slot == (*path)[len(*path)-1].slot && o.kind == doStep {
					fit = append(fit, o)
				}
			}
		}
		if len(fit) == 0 {
			fit = all
		}
		o := fit[rnd.IntN(len(fit))]
		*path = append(*path, o.choice)
		if err := s.take(o.kind, o.effect); err != nil {
			return err
		}
		s.grow()
	}
}

// retell tells a run from its beginning.
func (s *Sim) retell(first *state, path []choice) string {
	t := &story{}
	s.copyFrom(first)
	s.grow()
	for _, c := range path {
		n := s.nodes[s.at[s.slots[c.slot].local]]
		t.tell(n, c.kind)
		s.take(c.kind, s.effect(n, c.kind))
		s.grow()
	}
	return t.String()
}
