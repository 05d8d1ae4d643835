package launcher

import (
	"context"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/journal"
	"runsheet/internal/record"
)

// wait returns when there may be something to do: something was heard, a time has come, or a control arrived. It says
// whether the launcher is to leave.
func (l *Launcher) wait(ctx context.Context, actions []runsheet.Action) (leave bool, err error) {
	if l.follow() {
		return false, nil // something may have happened before it was watched
	}
	now := l.sys.Clock.Now()
	next := latest(l.scanned, l.scannedRest).Add(l.untilScan())
	for _, a := range actions {
		if a.Verb == runsheet.VerbWait && !a.Until.IsZero() && a.Until.Before(next) {
			next = a.Until
		}
	}
	for _, f := range l.facts {
		if f.Liveness == runsheet.LivenessAlive && f.Start != nil {
			at := now.Add(runsheet.StuckAfter(f.Progress, l.sheet.Policy) - f.Idle(now) + time.Millisecond)
			if at.After(now) && at.Before(next) {
				next = at // when it will be stuck, if nothing moves
			}
		}
	}
	for _, t := range l.trouble {
		if !t.final && t.until.Before(next) {
			next = t.until
		}
	}
	poll := time.Duration(0)
	for i, f := range l.facts {
		switch {
		case !f.Live() && !f.Restarts(now):
			continue
		case l.stop != notStopping:
			poll = stopPoll
		case !l.watch.follows(l.sheet.Runs[i].WorkDir):
			poll = pollBlind
		case poll == 0:
			poll = pollWatched
		}
		if poll == stopPoll {
			break
		}
	}
	if poll == 0 && len(l.recovering) > 0 {
		poll = pollBlind
	}
	for i := range l.doubts {
		if l.doubtful(i) && (poll == 0 || poll > pollBlind) {
			poll = pollBlind
		}
	}
	if l.stop == notStopping && poll > 0 {
		poll = max(poll, min(scanShare*l.turn, scanAtLeast)) // thousands of runs take their time
	}
	if poll > 0 && now.Add(poll).Before(next) {
		next = now.Add(poll)
	}
	timer := time.NewTimer(max(next.Sub(now), time.Millisecond))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return true, nil
	case c := <-l.control:
		switch c {
		case Leave:
			return true, nil
		case Look:
			l.scanned = time.Time{}
		case Interrupt:
			return false, l.interrupt()
		}
	case <-l.watch.changes():
		time.Sleep(max(gather, min(gatherShare*l.turn, time.Second)))
	case r := <-l.recovered:
		delete(l.recovering, r.run)
		if r.sought && !r.vanished && !l.unproved[r.run] {
			l.tell(r.run, journal.Waiting, l.ledger.tries(l.sheet.Runs[r.run].WorkDir, l.facts[r.run]).Open)
		}
		l.unproved[r.run] = !r.vanished
		if r.vanished {
			err = l.buried(r.run)
		}
		l.look(ctx, r.run) // after the burial, which explains what is there
		if f := l.facts[r.run]; durable.NoRoom(r.err) && f.Claim != nil && (f.Start == nil || f.Start.Void) {
			l.uncounted[f.Claim.Nonce] = true // where there is no room, who did not begin is not to blame
		}
		if err == nil && r.err != nil {
			err = l.troubled(r.run, r.err)
		}
		return false, err
	case <-timer.C:
	}
	return false, nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// interrupt takes an interrupt in.
func (l *Launcher) interrupt() error {
	if l.stop < atOnce {
		l.stop++
	}
	text := "stopping the runs; interrupt again not to wait for them"
	if l.stop == atOnce {
		text = "killing the runs"
	}
	l.listener.Event(journal.Event{At: l.sys.Clock.Now(), Kind: journal.Stopping, Text: text})
	return nil
}

// follow moves the watches along with the attempts that live, and says whether there are new ones.
func (l *Launcher) follow() bool {
	want := map[string][]string{}
	for i, f := range l.facts {
		if f.Live() && !f.Waiting { // nothing happens below what waits in a queue
			dir := l.sheet.Runs[i].WorkDir
			want[dir] = []string{dir, record.AttemptDir(dir, f.Attempt)}
		}
	}
	return l.watch.follow(want)
}
