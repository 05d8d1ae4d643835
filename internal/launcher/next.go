package launcher

import (
	"time"

	"runsheet"
	"runsheet/internal/journal"
	"runsheet/internal/plan"
)

// next returns the next try of a run that failed; nil: this launcher makes none.
func (l *Launcher) next(i int, f runsheet.Facts) *runsheet.Next {
	if l.opts.Once || l.stop != notStopping || l.broken != "" || !l.mayAct(i) {
		return nil
	}
	return l.ledger.next(l.sheet.Runs[i], f, l.sheet.Policy, l.sys.Clock.Now())
}

// next returns the next try of a run that failed in this session, by what the journal tells; nil: there is none.
func (l *ledger) next(run runsheet.Run, f runsheet.Facts, p runsheet.Policy, now time.Time) *runsheet.Next {
	e := l.entry(run.WorkDir)
	if !e.ended || e.gaveUp > f.Attempt || f.Claim == nil || f.Claim.Nonce != e.nonce {
		return nil // or what this end counts for is not written yet
	}
	if _, broken := plan.AllFailTheSame(l.ends); broken {
		return nil
	}
	at, ok := plan.Next(run, f, l.tries(run.WorkDir, f), p, now)
	if !ok {
		return nil
	}
	return &runsheet.Next{Attempt: f.Attempt + 1, At: at}
}

// TellNext gives the runs of a snapshot that failed their next try, as the launcher that holds the sheet is to make it by its
// journal. It is for those who look: the launcher's own snapshots have it.
func TellNext(events []journal.Event, s runsheet.Snapshot) {
	l := folded(events)
	if l.over {
		return
	}
	for i, o := range s.Runs {
		if o.Status == runsheet.Failed {
			s.Runs[i].Next = l.next(*o.Run, o.Facts, s.Sheet.Policy, s.AsOf)
		}
	}
}
