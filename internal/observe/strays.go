package observe

import (
	"context"

	"runsheet"
	"runsheet/internal/journal"
)

// Strays returns the live attempts that a journal tells of and the sheet no longer has: they keep their slots, and are
// touched only by a person's stop.
func (o *Observer) Strays(ctx context.Context, sheet *runsheet.Sheet, events []journal.Event) []runsheet.Observed {
	known := make(map[string]bool, len(sheet.Runs))
	for _, r := range sheet.Runs {
		known[r.WorkDir] = true
	}
	open := map[string]string{} // work dir -> run
	var order []string
	for _, e := range events {
		switch {
		case known[e.WorkDir] || e.WorkDir == "":
		case e.Kind == journal.Claimed:
			if _, ok := open[e.WorkDir]; !ok {
				order = append(order, e.WorkDir)
			}
			open[e.WorkDir] = e.Run
		case e.Kind == journal.Ended:
			delete(open, e.WorkDir)
		}
	}
	var out []runsheet.Observed
	for _, dir := range order {
		name, ok := open[dir]
		if !ok {
			continue
		}
		delete(open, dir) // claimed, ended and claimed again: once is enough
		f := o.records(ctx, dir)
		if !f.Live() {
			continue
		}
		run := runsheet.Run{Name: name, WorkDir: dir, Shown: dir, Command: f.Claim.Identity, Progress: f.Claim.Progress}
		p := o.evidence(ctx, run, false)
		f.Progress, f.LastActivity = &p, p.LastActivity
		out = append(out, runsheet.Observed{Run: run, Facts: f, Judgement: runsheet.Judge(run, f, sheet.Policy, p.AsOf)})
	}
	return out
}
