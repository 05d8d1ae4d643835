package launcher

import (
	"context"
	"errors"
	"slices"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/journal"
	"runsheet/internal/record"
)

// unwrittenMost is the longest wait between two tries to write the journal.
const unwrittenMost = 5 * time.Second

// errUnwritten: the launcher was told to stop or to leave while its journal could not be written.
var errUnwritten = errors.New("the journal cannot be written")

// outwait appends an event that could not be appended for want of room, as soon as it can. Nothing else goes on until
// then: what the journal does not know was not done. It shows what lives meanwhile, and hears an interrupt.
func (l *Launcher) outwait(e journal.Event, err error) error {
	if !l.mayWait || !durable.NoRoom(err) && !durable.Starved(err) {
		return err
	}
	l.say(e.At, "nothing goes on until the journal can be written: "+withHint(err))
	for wait := time.Second; ; wait = min(2*wait, unwrittenMost) {
		if l.pause(wait) {
			l.unwritten = true
			return &wholeError{errUnwritten}
		}
		if err := l.stillHeld(); err != nil {
			return &wholeError{err}
		}
		if err = l.journal.Append(e); err == nil {
			l.say(l.sys.Clock.Now(), "the journal can be written again: it goes on")
			return nil
		}
		if !durable.NoRoom(err) && !durable.Starved(err) {
			return err
		}
		l.showLiving()
	}
}

// pause waits, and says whether the launcher was told meanwhile to stop or to leave.
func (l *Launcher) pause(wait time.Duration) (told bool) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-l.ctx.Done():
			return true
		case c := <-l.control:
			switch c {
			case Interrupt:
				l.interrupt()
				return true
			case Leave:
				return true
			}
		case <-timer.C:
			return false
		}
	}
}

// say tells the listener of what concerns all runs, and what the journal need not know.
func (l *Launcher) say(at time.Time, text string) {
	l.listener.Event(journal.Event{At: at, Kind: journal.Trouble, Text: text})
}

// showLiving shows what lives as it is now. What the launcher itself goes on from stays as it is.
func (l *Launcher) showLiving() {
	facts := slices.Clone(l.facts)
	for i, f := range facts {
		if f.Live() {
			facts[i] = l.observer.One(l.ctx, l.sheet.Runs[i])
		}
	}
	l.listener.Snapshot(func() runsheet.Snapshot { return l.snapshotOf(facts) })
}

// withoutJournal ends a launch whose journal cannot be written: after an interrupt it stops what lives, and waits for the
// ends, which their supervisors write. The next launcher finds them in the records.
func (l *Launcher) withoutJournal(ctx context.Context) Outcome {
	l.observeAll(ctx)
	left := l.stop == notStopping
	for !left {
		living := false
		for i, f := range l.facts {
			if !f.Live() || f.Liveness != runsheet.LivenessAlive || l.executors[f.Claim.Executor] == nil {
				continue
			}
			living = true
			e := l.executors[f.Claim.Executor]
			if err := e.Stop(ctx, record.AttemptDir(l.sheet.Runs[i].WorkDir, f.Attempt), *f.Claim, f.Start, runsheet.EndStopped, l.stop == atOnce); err != nil {
				l.say(l.sys.Clock.Now(), withHint(err))
			}
		}
		if !living {
			break
		}
		interrupts := l.stop
		left = l.pause(stopPoll) && l.stop == interrupts
		l.observeAll(ctx)
		l.listener.Snapshot(l.snapshot)
	}
	out := l.outcome(nil)
	out.Left = left
	return out
}
