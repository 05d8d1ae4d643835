package launcher

import (
	"runsheet"
	"runsheet/internal/journal"
	"runsheet/internal/record"
)

// followRestarts writes into the journal what happened to a run while a scheduler restarted its job: each execution but
// the first claims the next attempt by itself.
func (l *Launcher) followRestarts(i int) error {
	now, run := l.facts[i], l.sheet.Runs[i]
	e := l.ledger.entry(run.WorkDir)
	if now.Claim == nil || now.Claim.Batch == "" || now.Attempt <= e.attempt || e.nonce == "" {
		return nil
	}
	for n := e.attempt; n <= now.Attempt; n++ {
		v, err := record.LookAt(l.sys, run.WorkDir, n)
		if err != nil || v.Claim == nil || v.Claim.Batch != now.Claim.Batch || v.Claim.Task != now.Claim.Task {
			return nil // somebody else's: it is looked at again
		}
		if err := record.Settle(l.sys, record.AttemptDir(run.WorkDir, n)); err != nil {
			return l.troubled(i, err)
		}
		if v.Claim.Nonce != l.ledger.entry(run.WorkDir).nonce {
			if err := l.noteClaim(i, *v.Claim, false); err != nil {
				return err
			}
		}
		if n == now.Attempt || v.End == nil || l.ledger.entry(run.WorkDir).ended {
			continue
		}
		judged := runsheet.Judge(run, runsheet.Facts{Attempt: n, Claim: v.Claim, Start: v.Start, End: v.End}, l.sheet.Policy, l.sys.Clock.Now())
		ev := journal.Event{Kind: journal.Ended, Run: run.Name, WorkDir: run.WorkDir, Attempt: n, Nonce: v.Claim.Nonce,
			Host: v.Claim.Host, End: v.End.Kind, Cause: v.End.Cause, Text: judged.Reason, Early: v.Claim.Session != l.ledger.session}
		if p := v.End.Progress; p != nil && p.Error == "" {
			ev.Reached = p.Completed
		}
		if err := l.note(ev); err != nil {
			return err
		}
	}
	return nil
}
