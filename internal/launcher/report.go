package launcher

import (
	"context"
	"slices"
	"time"

	"runsheet"
	"runsheet/internal/journal"
	"runsheet/internal/record"
	"runsheet/internal/shell"
)

// report writes what changed since the journal's last word on each run: attempts that began, that ended, requests.
func (l *Launcher) report(ctx context.Context, i int) error {
	l.tellSilent(i, l.facts[i])
	if !l.facts[i].Silent.IsZero() {
		return nil
	}
	if err := l.followRestarts(ctx, i); err != nil || !l.facts[i].Silent.IsZero() {
		return err
	}
	f, run := l.facts[i], l.sheet.Runs[i]
	l.tellWaiting(i)
	e := l.ledger.entry(run.WorkDir)
	if f.RetryRequested() && e.request < f.Request.Number {
		ev := l.event(journal.Requested, i)
		ev.Text, ev.Request = string(f.Request.Kind), f.Request.Number
		delete(l.trouble, i)
		if err := l.note(ev); err != nil {
			return err
		}
	}
	if f.Claim == nil || f.Claim.Nonce != e.nonce {
		return nil
	}
	if f.Start != nil && !f.Start.Void && e.process == nil && !e.ended {
		ev := l.event(journal.Began, i)
		ev.Process, ev.Group = &f.Start.Process, f.Start.ProcessGroup
		if err := l.note(ev); err != nil {
			return err
		}
		if f.End == nil || f.End.Cause.Kind != runsheet.CauseShort {
			l.plenty(i)
		}
	}
	if f.End == nil || e.ended || f.Unread() {
		return nil
	}
	// Its supervisor may have been killed before it was durable: the journal must not know more than the records.
	dir := record.AttemptDir(run.WorkDir, f.Attempt)
	if err := done(ctx, l, i, func() error { return record.Settle(l.sys, dir) }); err != nil {
		if t := l.trouble[i]; t != nil && (t.final || l.sys.Clock.Now().Before(t.until)) {
			return nil // said already
		}
		return l.troubled(i, err)
	}
	ev := l.event(journal.Ended, i)
	f.Request = nil // what is asked for now does not say how it ended
	judged := runsheet.Judge(run, f, l.sheet.Policy, l.sys.Clock.Now())
	ev.End, ev.Cause, ev.Text = f.End.Kind, f.End.Cause, judged.Reason
	ev.OK = judged.Status == runsheet.Finished || judged.Status == runsheet.Outdated
	ev.Early = f.Claim.Session != l.ledger.session
	if p := f.Final(); p != nil && p.Error == "" {
		ev.Reached = p.Completed
	}
	if f.End.Kind == runsheet.EndVoid && ev.Cause.Kind == "" {
		ev.Cause = runsheet.Cause{Kind: runsheet.CauseLost, Text: "it had not begun"}
	}
	if err := l.write(&ev); err != nil {
		return err
	}
	ev.Next = l.next(i, f)
	l.listener.Event(ev)
	delete(l.uncounted, ev.Nonce)
	now := l.sys.Clock.Now()
	switch {
	case ev.Cause.Kind != runsheet.CauseShort:
		l.starved.until = time.Time{} // what it held is free
	case !ev.Early && l.lacks(i, now).What == "": // its supervisor said so
		l.starved.grow(now, "what a start needs", ev.Cause.Text)
	}
	return nil
}

// tellWaiting tells of an attempt that began, and does not run now: its job is suspended, or queued again. It tells as well
// of one of which nobody can say whether it lives: its run may wait for a person. A scheduler that is away may be back soon.
func (l *Launcher) tellWaiting(i int) {
	f := l.facts[i]
	waits := f.Live() && f.Waiting && f.Start != nil && !f.Start.Void
	unknown := f.Live() && f.Liveness == runsheet.LivenessUnknown && f.Claim.Batch == ""
	if (waits || unknown) && !l.waiting[i] {
		text := f.Why
		if unknown {
			text += "; once you know that it does not: `runsheet retry --force " + shell.Argument(l.sheet.Runs[i].Name) + "`"
		}
		l.tell(i, journal.Waiting, text)
	}
	if waits || unknown {
		l.waiting[i] = true
	} else {
		delete(l.waiting, i)
	}
}

// tellQueues tells what happened in the queues of the pool.
func (l *Launcher) tellQueues(ctx context.Context) {
	for _, e := range l.executors {
		q, ok := e.(runsheet.Queue)
		if !ok || !slices.ContainsFunc(l.sheet.Pool, func(p runsheet.PoolEntry) bool { return p.Kind == e.Name() }) {
			continue
		}
		waiting := func(yield func(runsheet.Claim) bool) {
			for _, f := range l.facts {
				if f.Queued() && f.Claim.Executor == e.Name() && !yield(*f.Claim) {
					return
				}
			}
		}
		for _, line := range q.News(ctx, waiting) {
			l.listener.Event(journal.Event{At: l.sys.Clock.Now(), Kind: journal.Queue, Text: line})
		}
	}
}
