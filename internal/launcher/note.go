package launcher

import (
	"context"
	"errors"
	"fmt"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/journal"
	"runsheet/internal/record"
)

// note writes an event to the journal and tells the listener.
func (l *Launcher) note(e journal.Event) error {
	err := l.write(&e)
	if err == nil {
		l.listener.Event(e)
	}
	return err
}

// write writes an event to the journal.
func (l *Launcher) write(to *journal.Event) error {
	to.At, to.Session = l.sys.Clock.Now(), l.ledger.session
	e := *to
	if l.unwritten {
		return &wholeError{errUnwritten}
	}
	err := l.journal.Append(e)
	if err != nil {
		err = l.outwait(e, err)
	}
	var whole *wholeError
	if errors.As(err, &whole) {
		return err
	}
	if err != nil {
		what := "restore the file system"
		if hint := durable.Hint(err); hint != "" {
			what = hint
		}
		return &wholeError{durable.WithHint(fmt.Errorf("the launcher cannot go on without its journal: %w", err),
			what+"; then run again: attempts that live go on meanwhile and will be adopted")}
	}
	l.ledger.fold(e)
	return nil
}

// tell tells the listener of a run what the journal need not know.
func (l *Launcher) tell(i int, kind journal.Kind, text string) {
	e := l.event(kind, i)
	e.At, e.Text = l.sys.Clock.Now(), text
	l.listener.Event(e)
}

// event begins an event about a run's last attempt.
func (l *Launcher) event(kind journal.Kind, i int) journal.Event {
	e := journal.Event{Kind: kind, Run: l.sheet.Runs[i].Name, WorkDir: l.sheet.Runs[i].WorkDir}
	if f := l.facts[i]; f.Claim != nil {
		e.Attempt, e.Nonce, e.Host, e.Devices = f.Attempt, f.Claim.Nonce, f.Claim.Host, f.Claim.Devices
	}
	return e
}

// noteClaim writes a claim that is durable into the journal. again: the attempt before it failed, and the journal does not
// know that.
func (l *Launcher) noteClaim(i int, c runsheet.Claim, again bool) error {
	by := c.By // the ledger keeps it, and must not keep the claim
	return l.note(journal.Event{Again: again, Kind: journal.Claimed, Run: l.sheet.Runs[i].Name, WorkDir: l.sheet.Runs[i].WorkDir, Attempt: c.Attempt,
		Nonce: c.Nonce, Host: c.Host, Devices: c.Devices, Batch: c.Batch, Task: c.Task, Process: &by})
}

// learn makes sure that the journal has the claim of a run's last attempt, or its end would not count: it may be that of a
// launcher with another journal, or of one that died before it could write ours.
func (l *Launcher) learn(ctx context.Context, i int) (ok bool, err error) {
	f := l.facts[i]
	if l.ledger.entry(l.sheet.Runs[i].WorkDir).nonce == f.Claim.Nonce {
		return true, nil
	}
	dir := record.AttemptDir(l.sheet.Runs[i].WorkDir, f.Attempt)
	if err := done(ctx, l, i, func() error { return record.Settle(l.sys, dir) }); err != nil {
		return false, l.troubled(i, err)
	}
	return true, l.noteClaim(i, *f.Claim, false)
}
