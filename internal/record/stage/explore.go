package stage

import (
	"fmt"
	"slices"

	"runsheet/internal/record/recordtest"
)

// Bounds is how far an exploration goes; see recordtest.Explorer.
type Bounds struct {
	Preemptions, Faults int
	Runs                int    // at most; 0: as many as there are
	Stride              int    // only each so many-th step is departed from; 0 or 1: every one
	Random              bool   // the runs are drawn
	Seed                uint64 // of what is drawn
}

// maxSteps is far above what a run takes.
const maxSteps = 2000

// Scenarios returns the names of the scenarios, in order.
func Scenarios() []string {
	var names []string
	for _, s := range scenarios() {
		names = append(names, s.name)
	}
	slices.Sort(names)
	return names
}

// Explore explores one scenario within the bounds. change, which may be nil, changes the model of each run before the
// scenario is set. It returns a *recordtest.Violation for the first run in which a rule was broken, and another error
// where there is no such scenario.
func (b Bounds) Explore(name string, change func(*Model)) (recordtest.Stats, error) {
	all := scenarios()
	i := slices.IndexFunc(all, func(s scenario) bool { return s.name == name })
	if i < 0 {
		return recordtest.Stats{}, fmt.Errorf("there is no scenario %q", name)
	}
	setup := func(s *recordtest.Sim) {
		m := newModel(s)
		if change != nil {
			change(m)
		}
		all[i].set(m)
	}
	x := recordtest.Explorer{Preemptions: b.Preemptions, Faults: b.Faults, Steps: maxSteps, Runs: b.Runs, Stride: b.Stride}
	if b.Random {
		return x.Random(b.Seed, setup)
	}
	return x.Explore(setup)
}
