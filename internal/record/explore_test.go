package record_test

import (
	"testing"

	"runsheet/internal/record/recordtest"
)

// oneMachine: two launchers with journals of their own on one machine.
func oneMachine(s *recordtest.Sim) *model {
	m := newModel(s)
	for _, name := range []string{"A", "B"} {
		m.Set("launcher "+name, "yes")
		m.launch(s.Start("h1", "b1", name), name, nil)
	}
	return m
}

func TestExploreOneMachine(t *testing.T) {
	for pre := 0; pre < 3; pre++ {
		for f := 0; f < 3; f++ {
			st, err := recordtest.Explorer{Preemptions: pre, Faults: f, Steps: 1000, Runs: 20000}.Explore(func(s *recordtest.Sim) { oneMachine(s) })
			t.Logf("%d %d: %v", pre, f, st)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}
