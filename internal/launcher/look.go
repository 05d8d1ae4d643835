package launcher

import (
	"context"
	"slices"
	"time"

	"runsheet"
	"runsheet/internal/journal"
	"runsheet/internal/proc"
	"runsheet/internal/record"
)

const (
	pollWatched = 2 * time.Second        // where inotify tells of changes: of files that grow it does not
	pollBlind   = time.Second            // where it cannot
	scanAtLeast = 30 * time.Second       // between two looks at all runs
	scanShare   = 200                    // such a look may take one part in so many of the time, by the clock and of one core
	scanStep    = 512                    // so many are looked at, at a time: what was known of all and what is new need not fit in memory together
	scanWaiting = 15 * time.Minute       // between two looks at what waits in a queue, and whose records nobody changes
	gather      = 30 * time.Millisecond  // events of one change come in a burst
	gatherShare = 10                     // a round of the loop may take one part in so many of the time, while there are changes
	doubtMost   = 30 * time.Second       // until records that cannot be read are taken to be damaged
	stopPoll    = 100 * time.Millisecond // while runs are being stopped
)

// current brings the facts up to date: of the runs that something was heard of and those that live, and now and then
// of all.
func (l *Launcher) current(ctx context.Context) []runsheet.Facts {
	now := l.sys.Clock.Now()
	if l.facts == nil || now.Sub(l.scanned) > scanWaiting || now.Sub(l.scanned) > l.untilScan() && !l.someWait() {
		l.observeAll(ctx)
		return l.facts
	}
	due := l.watch.heard()
	if now.Sub(l.scanned) > l.untilScan() && now.Sub(l.scannedRest) > l.untilScan() {
		// All but what waits in a queue: there may be ten thousand of those, and Slurm says when one begins.
		l.scannedRest = now
		for i := range l.facts {
			if !l.waits(ctx, i) {
				due[l.sheet.Runs[i].WorkDir] = true
			}
		}
	}
	for i, f := range l.facts {
		if f.Live() && !l.waits(ctx, i) || f.Restarts(now) || l.doubtful(i) {
			due[l.sheet.Runs[i].WorkDir] = true
		}
	}
	var which []int
	var runs []runsheet.Run
	for i, r := range l.sheet.Runs {
		if due[r.WorkDir] {
			which, runs = append(which, i), append(runs, r)
		}
	}
	for k, f := range l.observer.Observe(ctx, runs) {
		l.facts[which[k]] = l.explained(which[k], f)
	}
	for k := range l.strays {
		s := &l.strays[k]
		s.Facts = l.observer.One(ctx, *s.Run)
		s.Judgement = runsheet.Judge(*s.Run, s.Facts, l.sheet.Policy, now)
	}
	return l.facts
}

// waits says whether an attempt waits in a scheduler's queue, so that nothing of it can have changed but what it waits
// for, which the facts say afterwards.
func (l *Launcher) waits(ctx context.Context, i int) bool {
	f := &l.facts[i]
	if !f.Waiting || f.Start != nil {
		return false
	}
	q, ok := l.executors[f.Claim.Executor].(runsheet.Queue)
	if !ok {
		return false
	}
	why, ok := q.Waits(ctx, *f.Claim)
	if ok {
		f.Why = why
	}
	return ok
}

func (l *Launcher) observeAll(ctx context.Context) {
	began, spent := time.Now(), proc.CPUTime()
	if l.facts == nil {
		l.facts = make([]runsheet.Facts, len(l.sheet.Runs))
	}
	first := 0
	for some := range slices.Chunk(l.sheet.Runs, scanStep) {
		for k, f := range l.observer.Observe(ctx, some) {
			l.facts[first+k] = l.explained(first+k, f)
		}
		first += len(some)
	}
	l.scanned, l.scan = l.sys.Clock.Now(), max(time.Since(began), proc.CPUTime()-spent)
	l.scannedRest = l.scanned
}

// untilScan returns how long after a look at all runs the next one is due.
func (l *Launcher) untilScan() time.Duration { return max(scanAtLeast, scanShare*l.scan) }

// someWait says whether something waits in a scheduler's queue.
func (l *Launcher) someWait() bool {
	for _, f := range l.facts {
		if f.Waiting && f.Start == nil {
			return true
		}
	}
	return false
}

// look observes one run anew.
func (l *Launcher) look(ctx context.Context, i int) runsheet.Facts {
	l.facts[i] = l.explained(i, l.observer.One(ctx, l.sheet.Runs[i]))
	return l.facts[i]
}

// explained takes out of the facts what the journal knows better: where the records of an attempt are gone that nothing
// lives of, evidence no newer than its end is its own, and no sign that a stranger is at work.
func (l *Launcher) explained(i int, f runsheet.Facts) runsheet.Facts {
	e := l.ledger.entry(l.sheet.Runs[i].WorkDir)
	if f.Problem == "" {
		delete(l.doubts, i)
	} else if _, known := l.doubts[i]; !known {
		l.doubts[i] = l.sys.Clock.Now()
	}
	if f.Claim == nil && e.attempt > 0 && e.ended && !f.LastActivity.After(e.at) {
		f.LastActivity = time.Time{}
	}
	return f
}

// doubtful says whether the records of an attempt without an end cannot be read, and may be a moment later: they are
// being deleted, or the file system fails for now. The attempt may live, so nothing is decided yet.
func (l *Launcher) doubtful(i int) bool {
	since, ok := l.doubts[i]
	return ok && !l.ledger.entry(l.sheet.Runs[i].WorkDir).ended && l.sys.Clock.Now().Sub(since) < doubtMost
}

// report writes what changed since the journal's last word on each run: attempts that began, that ended, requests.
func (l *Launcher) report(i int) error {
	if err := l.followRestarts(i); err != nil {
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
	}
	if f.End == nil || e.ended {
		return nil
	}
	// Its supervisor may have been killed before it was durable: the journal must not know more than the records.
	if err := record.Settle(l.sys, record.AttemptDir(run.WorkDir, f.Attempt)); err != nil {
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
	return l.note(ev)
}

// tellWaiting tells of an attempt that began, and does not run now: its job is suspended, or queued again.
func (l *Launcher) tellWaiting(i int) {
	f := l.facts[i]
	waits := f.Live() && f.Waiting && f.Start != nil && !f.Start.Void
	if waits && !l.waiting[i] {
		l.tell(i, journal.Waiting, f.Why)
	}
	if waits {
		l.waiting[i] = true
	} else {
		delete(l.waiting, i)
	}
}

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
