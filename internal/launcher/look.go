package launcher

import (
	"context"
	"slices"
	"time"

	"runsheet"
	"runsheet/internal/observe"
	"runsheet/internal/proc"
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
	l.arrivals, _ = observe.Arrivals()
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
		if f.Live() && !l.waits(ctx, i) || f.Restarts(now) || l.doubtful(i) || f.Reading || !f.Silent.IsZero() {
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
	for k, f := range l.glance(ctx, runs) {
		l.facts[which[k]] = l.explained(which[k], f)
	}
	for k := range l.strays {
		s := &l.strays[k]
		s.Facts = known(l.observer.Glance(ctx, []runsheet.Run{*s.Run})[0], s.Facts)
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
	seen, ok := q.Waits(ctx, *f.Claim)
	if ok {
		f.Why, f.Never = seen.Why, seen.Never
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
		for k, f := range l.glance(ctx, some) {
			l.facts[first+k] = l.explained(first+k, f)
		}
		first += len(some)
	}
	l.scanned = l.sys.Clock.Now()
	took, spent := time.Since(began), proc.CPUTime()-spent
	if l.scan = max(took, spent); l.observer.Busy() || l.someSilent() { // what goes on beside it, or is waited for in vain, is not its work
		l.scan = min(took, spent)
	}
	l.scannedRest = l.scanned
}

// untilScan returns how long after a look at all runs the next one is due.
func (l *Launcher) untilScan() time.Duration { return max(scanAtLeast, scanShare*l.scan) }

// glance looks at runs without waiting for what takes long. One that waits for nothing afterwards waits now.
func (l *Launcher) glance(ctx context.Context, runs []runsheet.Run) []runsheet.Facts {
	if l.opts.Once {
		return l.observer.Observe(ctx, runs)
	}
	return l.observer.Glance(ctx, runs)
}

func (l *Launcher) someSilent() bool {
	return slices.ContainsFunc(l.facts, func(f runsheet.Facts) bool { return !f.Silent.IsZero() })
}

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
	l.facts[i] = l.explained(i, l.observer.GlanceAnew(ctx, l.sheet.Runs[i]))
	return l.facts[i]
}

// known returns facts with what was known before of what they do not tell: all of it where the file system does not answer,
// and what the evidence of a live attempt said where that is being read.
func known(f, before runsheet.Facts) runsheet.Facts {
	if !f.Silent.IsZero() {
		if before.Progress == nil {
			before.Progress = f.Progress
		}
		return before.Unheard(f.Silent)
	}
	if p := before.Progress; f.Reading && f.Live() && p != nil && p.Error == "" {
		f.Progress = p
		if before.LastActivity.After(f.LastActivity) {
			f.LastActivity = before.LastActivity
		}
	}
	return f
}

// explained takes out of the facts what the journal knows better: where the records of an attempt are gone that nothing
// lives of, evidence no newer than its end is its own, and no sign that a stranger is at work.
func (l *Launcher) explained(i int, f runsheet.Facts) runsheet.Facts {
	e := l.ledger.entry(l.sheet.Runs[i].WorkDir)
	f = known(f, l.facts[i])
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
