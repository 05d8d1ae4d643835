package observe

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"runsheet"
	"runsheet/internal/journal"
)

// Gone returns the finished runs that a journal tells of and the sheet no longer has. Only what the records in the work dirs
// still say counts: what was moved away or deleted is not missed.
func (o *Observer) Gone(ctx context.Context, sheet *runsheet.Sheet, events []journal.Event) runsheet.Gone {
	known := make(map[string]bool, len(sheet.Runs))
	for _, r := range sheet.Runs {
		known[r.WorkDir] = true
	}
	ran := map[string]string{} // the run of each work dir
	for _, e := range events {
		if e.Kind == journal.Claimed && !known[e.WorkDir] {
			ran[e.WorkDir] = e.Run
		}
	}
	var runs []runsheet.Run
	for _, dir := range slices.Sorted(maps.Keys(ran)) {
		shown := dir
		if below, ok := strings.CutPrefix(dir, sheet.Dir+string(filepath.Separator)); ok {
			shown = below
		}
		runs = append(runs, runsheet.Run{Name: ran[dir], WorkDir: dir, Shown: shown})
	}
	finished := o.finished(ctx, sheet, runs)
	if len(finished) == 0 {
		return runsheet.Gone{}
	}
	done := map[string]bool{}
	for _, r := range o.finished(ctx, sheet, sheet.Runs) {
		done[r.Name] = true
	}
	return runsheet.Missing(sheet, finished, done)
}

// finished returns those runs whose records say that they are finished, by any command.
func (o *Observer) finished(ctx context.Context, sheet *runsheet.Sheet, runs []runsheet.Run) (finished []runsheet.Run) {
	facts := o.all(runs, func(run runsheet.Run) runsheet.Facts {
		f, ok := o.recorded(ctx, run)
		if !ok || f.End == nil || o.another(ctx, sheet.Path, f.Claim.Sheet) {
			return runsheet.Facts{}
		}
		return f
	})
	for i, f := range facts {
		if f.Claim == nil {
			continue
		}
		run := runs[i]
		run.Command = f.Claim.Identity // that another one would be run now is not what is asked
		switch runsheet.Judge(run, f, sheet.Policy, time.Now()).Status {
		case runsheet.Finished, runsheet.Outdated:
			finished = append(finished, run)
		}
	}
	return finished
}
