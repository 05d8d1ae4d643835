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
	facts := o.all(runs, func(run runsheet.Run) runsheet.Facts {
		f, ok := o.recorded(ctx, run)
		if !ok || f.End == nil || o.another(ctx, sheet.Path, f.Claim.Sheet) {
			return runsheet.Facts{}
		}
		return f
	})
	var finished []runsheet.Run
	for i, f := range facts {
		if f.Claim == nil {
			continue
		}
		runs[i].Command = f.Claim.Identity // that another one would be run now is not what is asked
		switch runsheet.Judge(runs[i], f, sheet.Policy, time.Now()).Status {
		case runsheet.Finished, runsheet.Outdated:
			finished = append(finished, runs[i])
		}
	}
	return runsheet.Missing(sheet, finished)
}
