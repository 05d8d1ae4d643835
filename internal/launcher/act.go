package launcher

import (
	"context"
	"errors"
	"slices"

	"runsheet"
	"runsheet/internal/journal"
	"runsheet/internal/record"
)

// act does what was decided, run by run; what goes wrong with one leaves the others alone. It says whether something
// turned out to be other than it was when the plan was made, so that a new one is wanted at once.
func (l *Launcher) act(ctx context.Context, actions []runsheet.Action) (again bool, err error) {
	if l.stop != notStopping {
		return false, l.endAll(ctx, runsheet.Facts.Live)
	}
	if l.broken != "" { // what waits in a queue would only fail in the same way
		if err := l.endAll(ctx, runsheet.Facts.Queued); err != nil {
			return false, err
		}
	}
	var waiting batches
	for _, a := range inOrder(actions) {
		if t := l.trouble[a.Run]; t != nil && (t.final || l.sys.Clock.Now().Before(t.until)) {
			continue
		}
		changed, err := l.one(ctx, a, &waiting)
		if err != nil {
			var whole *wholeError
			if errors.Is(err, errUnwritten) {
				return false, err
			}
			if errors.As(err, &whole) {
				_, serr := l.startRest(ctx, &waiting)
				return false, errors.Join(err, serr)
			}
			if l.fellShort(a.Run, err) {
				again = true // others may have what this one has not
				continue
			}
			if err := l.troubled(a.Run, err); err != nil {
				return false, err
			}
			changed = changed || a.Verb == runsheet.VerbLaunch // its place is for another one
		}
		again = again || changed
		if len(l.control) > 0 && l.stop == notStopping {
			break // an interrupt need not wait for the rest of a thousand launches
		}
	}
	changed, err := l.startRest(ctx, &waiting)
	return again || changed, err
}

// inOrder returns the actions in the order in which they are to be done: what failed before goes into a queue, too, after
// what did not.
func inOrder(actions []runsheet.Action) []runsheet.Action {
	if !slices.ContainsFunc(actions, func(a runsheet.Action) bool { return a.Again }) {
		return actions
	}
	out := slices.Clone(actions)
	slices.SortStableFunc(out, func(a, b runsheet.Action) int {
		switch {
		case a.Again == b.Again:
			return 0
		case a.Again:
			return 1
		}
		return -1
	})
	return out
}

// wholeError is an error that concerns every run.
type wholeError struct{ error }

func (e *wholeError) Unwrap() error { return e.error }

// one does one action. What it claims is started at once, or waits for its batch to be full.
func (l *Launcher) one(ctx context.Context, a runsheet.Action, waiting *batches) (changed bool, err error) {
	switch a.Verb {
	case runsheet.VerbLaunch:
		if l.broken != "" {
			return false, nil
		}
		return l.launch(ctx, a, waiting)
	case runsheet.VerbEnd:
		f := l.facts[a.Run]
		e := l.executors[f.Claim.Executor]
		if e == nil || a.Kind == runsheet.EndVoid && l.opts.Once && !f.Never { // who does not wait for the end does not use the room, either
			return false, nil
		}
		if l.ledger.entry(l.sheet.Runs[a.Run].WorkDir).told != f.Claim.Nonce {
			ev := l.event(journal.Stopping, a.Run)
			ev.Text = a.Reason
			if err := l.note(ev); err != nil {
				return false, &wholeError{err}
			}
		}
		return false, e.Stop(ctx, record.AttemptDir(l.sheet.Runs[a.Run].WorkDir, f.Attempt), *f.Claim, f.Start, a.Kind, false)
	case runsheet.VerbRecover:
		return false, l.recover(ctx, a.Run)
	case runsheet.VerbGiveUp:
		if l.ledger.entry(l.sheet.Runs[a.Run].WorkDir).gaveUp == l.facts[a.Run].Attempt+1 {
			return false, nil // said already
		}
		if l.doubtful(a.Run) {
			return false, nil
		}
		ev := l.event(journal.GaveUp, a.Run)
		ev.Text = a.Reason
		if a.NoHost {
			ev.Cause.Kind = runsheet.CauseNoHost
		}
		if err := l.note(ev); err != nil {
			return false, &wholeError{err}
		}
	}
	return false, nil
}

// same says whether two looks at a run tell the same story, as far as launching it is concerned.
func (l *Launcher) same(run runsheet.Run, a, b runsheet.Facts) bool {
	now := l.sys.Clock.Now()
	number := func(f runsheet.Facts) int {
		if f.Request == nil {
			return 0
		}
		return f.Request.Number
	}
	return a.Attempt == b.Attempt && a.Live() == b.Live() && number(a) == number(b) &&
		runsheet.Judge(run, a, l.sheet.Policy, now).Status == runsheet.Judge(run, b, l.sheet.Policy, now).Status &&
		(a.Progress != nil && a.Progress.Completed > 0) == (b.Progress != nil && b.Progress.Completed > 0)
}

// recover writes the end of an attempt whose supervisor is gone. Orphans may take their grace, so it goes on beside
// the loop, which hears of the outcome in wait.
func (l *Launcher) recover(ctx context.Context, i int) error {
	if l.recovering[i] {
		return nil
	}
	run, f := l.sheet.Runs[i], l.facts[i]
	e := l.ledger.entry(run.WorkDir)
	if e.nonce != f.Claim.Nonce && f.Claim.Attempt >= e.attempt {
		dir := record.AttemptDir(run.WorkDir, f.Attempt)
		if err := done(ctx, l, i, func() error { return record.Settle(l.sys, dir) }); err != nil {
			return l.troubled(i, err)
		}
		if err := l.noteClaim(i, *f.Claim, false); err != nil {
			return &wholeError{err}
		}
	}
	why := l.why(i)
	l.recovering[i] = true
	go func() {
		_, err := record.TakeOver(ctx, l.sys, record.AttemptDir(run.WorkDir, f.Attempt), record.Heir{
			Grace: f.Claim.StopGrace, Over: f.Over, Why: why,
			Final: func() *runsheet.Progress { return l.observer.One(ctx, run).Progress },
		})
		if errors.Is(err, record.ErrLive) || errors.Is(err, record.ErrUnproven) {
			err = nil
			l.sys.Clock.Wait(ctx, pollBlind) // until it is looked at again
		}
		l.recovered <- recovery{run: i, err: err}
	}()
	return nil
}

// why returns why the attempt of a run is given up that has not begun, as far as that is known.
func (l *Launcher) why(i int) (c runsheet.Cause) {
	if why, refused := l.refusal(i); refused {
		c = runsheet.Cause{Kind: runsheet.CauseRefused, Text: why}
	}
	if l.uncounted[l.facts[i].Claim.Nonce] {
		c = runsheet.Cause{Kind: runsheet.CauseShort, Text: "it could not be started, nor called off, before there was room"}
	}
	return c
}

// recovery is what came of recovering a run.
type recovery struct {
	run      int
	err      error
	sought   bool // the records of its attempt are gone, and it was looked for
	vanished bool // nothing lives of it
}

// endAll asks the attempts that are chosen to end; called again until none is left.
func (l *Launcher) endAll(ctx context.Context, chosen func(runsheet.Facts) bool) error {
	for i, f := range l.facts {
		if !chosen(f) {
			continue
		}
		dir := record.AttemptDir(l.sheet.Runs[i].WorkDir, f.Attempt)
		switch {
		case f.Liveness == runsheet.LivenessOrphan || f.Liveness == runsheet.LivenessGone:
			if err := l.recover(ctx, i); err != nil {
				return err
			}
		case f.Liveness == runsheet.LivenessAlive && l.executors[f.Claim.Executor] != nil:
			if err := l.executors[f.Claim.Executor].Stop(ctx, dir, *f.Claim, f.Start, runsheet.EndStopped, l.stop == atOnce); err != nil {
				if err := l.troubled(i, err); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
