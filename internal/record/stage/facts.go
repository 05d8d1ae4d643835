package stage

import (
	"fmt"

	"runsheet"
	"runsheet/internal/record"
	"runsheet/internal/record/recordtest"
)

type peek struct {
	state uint64
	host  string
}

// facts are runsheet.Facts, and whether the evidence says that the work is complete.
type facts struct {
	runsheet.Facts
	complete bool
}

func (f facts) String() string {
	s := fmt.Sprint(f.Attempt, f.Liveness, f.complete, f.Problem != "")
	if f.Claim != nil {
		s += f.Claim.Nonce
	}
	if f.Start != nil {
		s += fmt.Sprint(f.Start.Void, f.Start.PID)
	}
	if f.End != nil {
		s += string(f.End.Kind)
	}
	if f.Request != nil {
		s += fmt.Sprint(f.Request.Number)
	}
	return s
}

func (f facts) finished() bool {
	return f.complete || f.End != nil && f.End.ExitCode != nil && *f.End.ExitCode == 0
}

// observe is observe.Observer.One.
func (m *Model) observe(p *recordtest.Proc, sys record.System) facts {
	var f facts
	evidence := func() {
		p.Step(recordtest.Step{Op: "evidence"}, func() string {
			f.complete = m.Get("evidence") != ""
			return fmt.Sprint(f.complete)
		})
	}
	if m.EvidenceFirst {
		evidence()
	}
	f.Facts = records(sys)
	if !m.EvidenceFirst {
		evidence()
	}
	return f
}

// records is observe.Observer.records, with record.Probe as the executor's.
func records(sys record.System) runsheet.Facts {
	var f runsheet.Facts
	for range 3 {
		v, err := record.Look(sys, Work)
		if err != nil {
			return runsheet.Facts{Problem: err.Error()}
		}
		f = runsheet.Facts{Attempt: v.Attempt, Claim: v.Claim, Start: v.Start, End: v.End, Request: v.Request}
		if !f.Live() {
			return f
		}
		f.Liveness, f.Why = record.Probe(sys, record.AttemptDir(Work, f.Attempt), *f.Claim, f.Start)
		if f.Liveness == runsheet.LivenessAlive {
			if f.Start != nil {
				return f
			}
		} else if again, err := record.LookAt(sys, Work, f.Attempt); err == nil &&
			(v.Start == nil) == (again.Start == nil) && (v.End == nil) == (again.End == nil) {
			return f
		}
	}
	return f
}

// peek is what p would observe now, without a step.
func (m *Model) peek(p *recordtest.Proc) facts {
	k := peek{m.State(), p.Host + p.BootID}
	f, ok := m.peeks[k]
	if !ok {
		g := p.Ghost()
		f = m.observe(g, m.system(g))
		m.peeks[k] = f
	}
	return f
}
