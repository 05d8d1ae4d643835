package stage

import (
	"encoding/json"
	"fmt"

	"runsheet"
	"runsheet/internal/record"
	"runsheet/internal/record/recordtest"
)

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

// whole is all of them.
func (f facts) whole() string {
	return fmt.Sprint(text(f.Facts), f.complete)
}

// text renders a value, with what its pointers point to.
func text(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}

func (f facts) finished() bool {
	return f.complete || f.End != nil && f.End.ExitCode != nil && *f.End.ExitCode == 0
}

// observe is observe.Observer.One. What the caller knows besides is given, so that p can forget how it came to see what
// it saw.
func (m *Model) observe(p *recordtest.Proc, sys record.System, knows ...any) facts {
	var f facts
	evidence := func() {
		f.complete = p.Step(recordtest.Step{Op: "evidence"}, func() string { return m.Get("evidence") }) != ""
	}
	if m.EvidenceFirst {
		evidence()
	}
	f.Facts = records(sys, func(seen ...any) { p.Forget(text(seen), f.complete, text(knows)) })
	if !m.EvidenceFirst {
		evidence()
	}
	return f
}

// records is observe.Observer.records, with record.Probe as the executor's.
func records(sys record.System, only func(seen ...any)) runsheet.Facts {
	var f runsheet.Facts
	for i := range 3 {
		v, err := record.Look(sys, Work)
		if err != nil {
			return runsheet.Facts{Problem: err.Error()}
		}
		f = runsheet.Facts{Attempt: v.Attempt, Claim: v.Claim, Start: v.Start, End: v.End, Request: v.Request}
		only("looked", i, f)
		if !f.Live() {
			return f
		}
		f.Liveness, f.Why = record.Probe(sys, record.AttemptDir(Work, f.Attempt), *f.Claim, f.Start)
		only("probed", i, f)
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
	g := p.Ghost()
	return m.observe(g, m.system(g))
}
