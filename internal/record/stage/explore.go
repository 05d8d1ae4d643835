package stage

import (
	"context"
	"fmt"
	"slices"

	"runsheet/internal/record/recordtest"
)

// Bounds is how far an exploration goes; see recordtest.Explorer.
type Bounds struct {
	Attempts int    // after which launchers give up; 0: three
	Faults   int    // at most
	Worlds   int    // at most; 0: as many as there are
	Runs     int    // so many runs are drawn; 0: every interleaving is explored
	Seed     uint64 // of what is drawn
}

// Scenarios returns the names of the scenarios, in order.
func Scenarios() []string {
	var names []string
	for _, s := range scenarios() {
		names = append(names, s.name)
	}
	slices.Sort(names)
	return names
}

// Explore explores one scenario within the bounds. change, which may be nil, changes the model before the scenario is
// set. It returns a *recordtest.Violation for the first run in which a rule was broken, the context's error once that
// ends, and another error where there is no such scenario.
func (b Bounds) Explore(ctx context.Context, name string, change func(*Model)) (recordtest.Stats, error) {
	all := scenarios()
	i := slices.IndexFunc(all, func(s scenario) bool { return s.name == name })
	if i < 0 {
		return recordtest.Stats{}, fmt.Errorf("there is no scenario %q", name)
	}
	setup := func(s *recordtest.Sim) {
		m := newModel(s)
		if b.Attempts > 0 {
			m.Attempts = b.Attempts
		}
		if change != nil {
			change(m)
		}
		all[i].set(m)
	}
	x := recordtest.Explorer{Faults: b.Faults, Worlds: b.Worlds}
	if b.Runs > 0 {
		return x.Random(ctx, b.Seed, b.Runs, setup)
	}
	return x.Explore(ctx, setup)
}
