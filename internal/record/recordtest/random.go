package recordtest

import (
	"fmt"
	"math/rand/v2"
)

// Random explores like Explore, but draws the runs: in each, Preemptions and Faults happen at random steps. The same
// seed gives the same runs.
func (e Explorer) Random(seed uint64, setup func(*Sim)) (Stats, error) {
	var st Stats
	rnd := rand.New(rand.NewPCG(seed, 0))
	length := 300
	for range e.Runs {
		st.Runs++
		at, err := e.draw(rnd, length, setup, &st)
		if err != nil {
			return st, &Violation{err, e.retell(at, setup)}
		}
		length = max(at.depth, 10)
	}
	return st, nil
}

func (e Explorer) draw(rnd *rand.Rand, length int, setup func(*Sim), st *Stats) (*trail, error) {
	s := begin(setup)
	defer s.end()
	at := &trail{preempts: int8(e.Preemptions), faults: int8(e.Faults)}
	events := map[int]bool{} // by step: true where it is to be a fault
	for i := range e.Preemptions + e.Faults {
		events[rnd.IntN(length)] = i < e.Faults
	}
	for ; ; st.Steps++ {
		fault, event := events[at.depth]
		all := s.choices(true)
		var fit []choice
		for _, c := range all {
			if event && (c.faults > 0) == fault && c.faults+c.preempts > 0 {
				fit = append(fit, c)
			}
		}
		st.Deepest = max(st.Deepest, at.depth)
		var c choice
		switch {
		case len(fit) > 0:
			c = fit[rnd.IntN(len(fit))]
		case len(all) == 0 || all[0].faults > 0:
			st.Finals++
			if s.Final != nil {
				return at, s.Final()
			}
			return at, nil
		default:
			c = all[0]
		}
		c.woke = s.woke
		if at.depth >= e.Steps {
			return at, fmt.Errorf("no end after %d steps", at.depth)
		}
		at = &trail{before: at, choice: c, depth: at.depth + 1}
		s.apply(c)
		if err := s.check(); err != nil {
			return at, err
		}
	}
}
