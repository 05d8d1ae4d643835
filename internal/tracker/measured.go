package tracker

import (
	"fmt"

	"runsheet"
	"runsheet/internal/record"
)

// measured reads what the sheet's own command (`progress: {command: ...}`) printed last: a document as for
// RUNSHEET_PROGRESS. The supervisor of an attempt runs the command every ten seconds, and once more when the attempt is
// over; nobody else does, and views execute nothing.
type measured struct{}

func (measured) Name() string { return "command" }

func (measured) Logs() string { return "" }

func (measured) Recognises(*Evidence, runsheet.ProgressSpec) bool { return false }

func (t measured) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: t.Name(), Unit: unit(spec, "")}
	for i, s := range ev.sessions() {
		doc, err := ev.reportedFile(record.MeasuredPath(s.dir))
		if i > 0 && isBroken(err) {
			continue // the attempt is over, and another one follows it
		}
		if err != nil {
			return p, fmt.Errorf("the command of progress printed no document like {\"completed\": 3, \"total\": 10}: %w", err)
		}
		if doc != nil {
			p := doc.progress(spec)
			p.Source = t.Name()
			return p, nil
		}
	}
	return p, nil
}
