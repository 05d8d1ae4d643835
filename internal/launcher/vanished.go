package launcher

import (
	"context"
	"fmt"
	"path/filepath"

	"runsheet"
	"runsheet/internal/journal"
	"runsheet/internal/proc"
	"runsheet/internal/record"
)

// settleVanished deals with attempts whose records are gone, because somebody deleted the work dir: the journal alone
// knows of them. Once nothing of such an attempt lives, for certain, the journal gets its end; until then nothing is
// claimed for the run. A supervisor whose work dir was taken away ends its command by itself. Looking and ending goes on
// beside the loop, which hears of the outcome in wait.
func (l *Launcher) settleVanished(ctx context.Context) {
	for i, r := range l.sheet.Runs {
		e := l.ledger.entry(r.WorkDir)
		if !e.vanished(l.facts[i]) || l.recovering[i] || !l.mayAct(i) || l.opts.Once && l.unproved[i] {
			continue // also what was looked at once, and nothing is waited for
		}
		l.recovering[i] = true
		who, dir := *e, r.WorkDir
		asked := l.facts[i].Request
		released := asked != nil && asked.Releases == e.nonce
		go func() {
			gone, err := l.provedGone(ctx, dir, &who, released)
			if !gone && err == nil && !l.opts.Once {
				l.sys.Clock.Wait(ctx, pollBlind) // until it is looked at again
			}
			l.recovered <- recovery{run: i, err: err, sought: true, vanished: gone}
		}()
	}
}

// buried writes the end of an attempt whose records are gone into the journal.
func (l *Launcher) buried(i int) error {
	r, e := l.sheet.Runs[i], l.ledger.entry(l.sheet.Runs[i].WorkDir)
	return l.note(journal.Event{Kind: journal.Ended, Run: r.Name, WorkDir: r.WorkDir, Attempt: e.attempt, Nonce: e.nonce,
		End: runsheet.EndLost, Text: "its records were removed",
		Cause: runsheet.Cause{Kind: runsheet.CauseLost, Text: "its records were removed, or its work dir"}})
}

// provedGone says whether nothing of an attempt lives, ending what its dead supervisor left behind. released is a person's
// word for it, which counts where nobody here can tell, and only there.
func (l *Launcher) provedGone(ctx context.Context, workDir string, e *entry, released bool) (bool, error) {
	if e.batch != "" {
		seen := l.inQueue(ctx, record.AttemptDir(workDir, e.attempt), e.claim())
		return seen == runsheet.LivenessGone || seen == runsheet.LivenessUnknown && released, nil
	}
	who := e.process
	if who == nil {
		who = e.claimer
	}
	if who == nil && released {
		return true, nil
	}
	if who == nil {
		return false, fmt.Errorf("attempt %d is gone from %s, and the journal does not say who claimed it", e.attempt, workDir)
	}
	if l.sys.Procs.Check(*who) == proc.Elsewhere {
		if released {
			return true, nil
		}
		gone, _, err := record.Rebooted(l.sys, filepath.Dir(l.state), *who)
		return gone, err
	}
	supervised := e.process != nil && l.sys.Procs.Check(*e.process) == proc.Alive
	if supervised {
		return false, nil
	}
	find := func() ([]runsheet.Process, error) { return l.sys.Procs.Find(e.nonce, e.group, *who) }
	if e.process == nil {
		// It was not seen to begin: its supervisor, if there is one, carries the token and looks after itself.
		left, err := find()
		return len(left) == 0, err
	}
	if err := proc.EndAll(ctx, l.sys.Procs, find, l.sheet.Policy.StopGrace, l.sys.Clock); err != nil {
		return false, err
	}
	return true, nil
}

// inQueue says whether an attempt that was claimed for a queue lives, by the word of its scheduler. What was noted of its
// submission lies beside the sheet.
func (l *Launcher) inQueue(ctx context.Context, attemptDir string, c runsheet.Claim) runsheet.Liveness {
	c.Sheet, c.Dir = l.sheet.Path, l.sheet.Dir
	for _, e := range l.executors {
		if q, ok := e.(runsheet.Queue); ok {
			return q.Probe(ctx, attemptDir, c, nil).Liveness
		}
	}
	return runsheet.LivenessUnknown // the pool has no queue any more
}
