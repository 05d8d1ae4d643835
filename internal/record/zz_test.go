package record_test
import ("testing";"runsheet/internal/record/recordtest";"runsheet/internal/record";"errors")
func TestZZ(t *testing.T) {
	setup := func(s *recordtest.Sim) { m := newModel(s); scenarios["two machines"](m)
		old := s.Check
		s.Check = func() error {
			if d, ok := m.File(record.EndPath(record.AttemptDir(work,1))); ok { if _, err := record.DecodeEnd(d); err==nil { return errors.New("forced") } }
			return old()
		}
	}
	st, err := recordtest.Explorer{Preemptions:1, Steps:2000}.Explore(setup)
	t.Log(st, err)
}
