package tracker

import (
	"errors"

	"runsheet"
)

// evaluation is one JSON document, written when all is done: complete when it parses.
type evaluation struct{}

const evaluationName = "evaluation_scores.json"

func (evaluation) Name() string { return "evaluation" }

func (evaluation) Logs() string { return "eval_*.log" }

func (evaluation) file(spec runsheet.ProgressSpec) string {
	if len(spec.Files) > 0 {
		return spec.Files[0]
	}
	return evaluationName
}

// Recognises says whether the document is there, in whatever state.
func (e evaluation) Recognises(ev *Evidence, spec runsheet.ProgressSpec) bool {
	rel := e.file(spec)
	ev.Witness(rel)
	st, err := ev.Look(rel)
	return err != nil || st.Kind != Absent
}

// Read returns 1 of 1 when the document parses. An empty or half-written one is 0 of 1 while it may still be being
// written; broken for good it is an error. An empty one is only ever 0 of 1: it was opened, and nothing is lost.
func (e evaluation) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: e.Name(), Total: 1, Unit: unit(spec, e.Name())}
	rel := e.file(spec)
	ev.Witness(rel)
	var m runsheet.Metrics
	there := false
	moving, err := ev.steadily(rel, func() error {
		st, err := ev.Look(rel)
		if there = err == nil && st.Kind != Absent && !(st.Kind == Regular && st.Size == 0); !there {
			return err
		}
		m, err = ev.scores(rel)
		return err
	})
	switch broken := (*brokenError)(nil); {
	case absent(err):
		return p, nil // removed in between, as the witness will show
	case errors.As(err, &broken) && moving:
		ev.moving = true
		return p, nil
	case err != nil:
		return p, err
	case there:
		p.Completed, p.Metrics = 1, m
		st, _ := ev.Look(rel)
		p.Recent = append(p.Recent, stampTime(st.MTime))
	}
	return p, nil
}

// unit returns the unit of the sheet, or the tracker's own.
func unit(spec runsheet.ProgressSpec, own string) string {
	if spec.Unit != "" {
		return spec.Unit
	}
	return own
}
