package launcher

import (
	"cmp"
	"context"
	"errors"

	"runsheet"
	"runsheet/internal/diagnose"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// claimed is an attempt that was claimed and is to be started.
type claimed struct {
	run    int
	launch runsheet.Launch
}

// batches are the attempts that wait for their batch to be full: those of one batch go to one host, and ask for the same.
type batches struct{ open []*batch }

type batch struct {
	name      string
	host      string
	resources runsheet.Resources
	of        []claimed
}

// place returns the batch that the next attempt of this kind belongs to.
func (b *batches) place(host string, r runsheet.Resources) *batch {
	for _, x := range b.open {
		if x.host == host && x.resources == r {
			return x
		}
	}
	x := &batch{name: record.NewNonce(), host: host, resources: r}
	b.open = append(b.open, x)
	return x
}

// take removes a batch and returns what is in it.
func (b *batches) take(x *batch) []claimed {
	for i := range b.open {
		if b.open[i] == x {
			b.open = append(b.open[:i], b.open[i+1:]...)
			break
		}
	}
	return x.of
}

// launch claims the next attempt of a run, and starts it, or its batch where that is full now. Directly before the
// claim, it looks at the run once more.
func (l *Launcher) launch(ctx context.Context, a runsheet.Action, waiting *batches) (changed bool, err error) {
	if err := l.ready(ctx); err != nil {
		var whole *wholeError
		if !errors.As(err, &whole) && (durable.Starved(err) || durable.NoRoom(err)) {
			return false, err
		}
		return false, &wholeError{err}
	}
	if err := l.stillHeld(); err != nil {
		return false, &wholeError{err}
	}
	if err := spareFiles(); err != nil {
		return false, err
	}
	i, run, before := a.Run, l.sheet.Runs[a.Run], l.facts[a.Run]
	seen := l.look(ctx, i)
	if !l.same(run, before, seen) {
		return seen.Silent.IsZero() && !seen.Reading, l.report(ctx, i) // or it is looked at when more is known
	}
	to := l.pool[a.Host]
	c := runsheet.Claim{Run: run.Name, Nonce: record.NewNonce(), Session: l.ledger.session, Sheet: l.sheet.Path,
		Executor: to.Executor, Host: a.Host, Devices: a.Devices, Identity: run.Command, Command: run.Command,
		Activate: run.Activate, Resume: a.Resume, Fresh: a.Fresh, WorkDir: run.WorkDir, Dir: cmp.Or(run.Dir, l.sheet.Dir), Env: l.sheet.Env,
		Progress: run.Progress, StopGrace: l.sheet.Policy.StopGrace, Resources: asked(run.Resources, l.sheet.Pool, a.Host)}
	if a.Resume {
		c.Command = run.Resumed
	}
	if run.Identity != run.Command {
		c.Written = run.Identity
	}
	l.codeNow(ctx).note(&c)
	var b *batch
	if to.Queue {
		b = waiting.place(a.Host, run.Resources)
		c.Batch, c.Task, c.Resumed = b.name, len(b.of), run.Resumed
	} else {
		c.TimeLimit = run.Resources.Time
	}
	floor := l.ledger.entry(run.WorkDir).attempt
	c, err = tried(ctx, l, i, func() (runsheet.Claim, error) { return record.Claim(l.sys, seen, floor, c) })
	if err != nil {
		if errors.Is(err, errSilent) && b != nil { // its place in the batch may be taken
			return l.start(ctx, waiting.take(b))
		}
		if errors.Is(err, record.ErrTaken) || errors.Is(err, record.ErrLive) {
			l.look(ctx, i)
			return true, nil
		}
		if errors.Is(err, durable.ErrNoLinks) {
			return false, &wholeError{err}
		}
		return false, err
	}
	// From here on a supervisor may live: the journal knows of it first.
	elsewhere := seen.End != nil && seen.End.Failure() && seen.Claim.Nonce != l.ledger.entry(run.WorkDir).nonce
	if err := l.noteClaim(i, c, elsewhere); err != nil {
		return false, &wholeError{err}
	}
	this := claimed{i, runsheet.Launch{Dir: record.AttemptDir(run.WorkDir, c.Attempt), Claim: c, Resources: run.Resources, Sheet: l.sheet.Name}}
	if a.Fresh {
		aside := this.launch.Dir
		if seen.Attempt > 0 {
			aside = record.AttemptDir(run.WorkDir, seen.Attempt)
		}
		if err := l.setAside(ctx, i, aside); err != nil {
			return true, l.callOff(ctx, this, err)
		}
	}
	if b == nil {
		return l.start(ctx, []claimed{this})
	}
	if b.of = append(b.of, this); len(b.of) < to.Batch {
		return false, nil
	}
	return l.start(ctx, waiting.take(b))
}

// asked returns the resources of an attempt in a place of the pool. The place may have a time limit for runs without one.
func asked(r runsheet.Resources, pool []runsheet.PoolEntry, host string) runsheet.Resources {
	for _, entry := range pool {
		if r.Time == 0 && entry.Name != "" && entry.Name == host {
			r.Time = entry.Time
		}
	}
	return r
}

// startRest starts what waits for its batch to be full.
func (l *Launcher) startRest(ctx context.Context, waiting *batches) (changed bool, err error) {
	for _, b := range waiting.open {
		ch, err := l.start(ctx, b.of)
		if err != nil {
			return true, err
		}
		changed = changed || ch
	}
	return changed, nil
}

// start starts attempts of one executor that were claimed. It says whether some of them could not be started.
func (l *Launcher) start(ctx context.Context, of []claimed) (changed bool, err error) {
	if len(of) == 0 {
		return false, nil
	}
	launches := make([]runsheet.Launch, len(of))
	for k, c := range of {
		launches[k] = c.launch
	}
	executor := l.executors[launches[0].Claim.Executor]
	errs, err := tried(ctx, l, of[0].run, func() ([]error, error) { return executor.Start(ctx, launches), nil })
	if err != nil {
		return false, nil // they were started, or never will be: that is seen when it answers
	}
	for k, c := range of {
		if errs[k] != nil {
			changed = true
			if err := l.callOff(ctx, c, errs[k]); err != nil {
				return true, err
			}
			continue
		}
		delete(l.trouble, c.run)
		l.look(ctx, c.run)
		if err := l.report(ctx, c.run); err != nil {
			return true, err
		}
	}
	return changed, nil
}

// callOff gives up an attempt that was claimed, not started, and never will be: so that the next one may be claimed,
// after a while. Its end says why.
func (l *Launcher) callOff(ctx context.Context, c claimed, why error) error {
	if errors.Is(why, errSilent) {
		return nil // nothing will start it, and who looks at it when that answers finds out
	}
	cause := runsheet.Cause{Kind: runsheet.CauseNotStarted, Text: diagnose.Clean(withHint(why))}
	short, refused := l.fellShort(c.run, why), errors.Is(why, runsheet.ErrRefused)
	switch {
	case short:
		cause.Kind = runsheet.CauseShort
	case refused:
		cause.Kind = runsheet.CauseRefused
	}
	_, err := tried(ctx, l, c.run, func() (runsheet.End, error) {
		return record.TakeOver(ctx, l.sys, c.launch.Dir, record.Heir{Why: cause})
	})
	if errors.Is(err, errSilent) {
		return nil
	}
	l.look(ctx, c.run)
	if err := l.report(ctx, c.run); err != nil {
		return err
	}
	if short && err != nil {
		l.uncounted[c.launch.Claim.Nonce] = true
	}
	if short && (err == nil || l.fellShort(c.run, err)) {
		return nil // its end is written as soon as that can be done
	}
	if refused && err == nil {
		return nil // another place in the pool is tried, or none is left: the plan knows
	}
	why = errors.Join(why, err)
	if t := l.putOff(c.run, why); err != nil || t.final {
		return l.complain(c.run, t, why)
	}
	return nil
}

// submitAgain puts what an earlier launcher claimed for a queue, and did not live to put there, into it, as soon as it is
// known that it is not there: the claim stands, and however often its job is submitted, one supervisor owns the attempt.
func (l *Launcher) submitAgain(ctx context.Context) error {
	if l.stop != notStopping || l.broken != "" {
		return nil
	}
	byBatch := map[string][]claimed{}
	for i, f := range l.facts {
		if t := l.trouble[i]; t != nil && (t.final || l.sys.Clock.Now().Before(t.until)) {
			continue
		}
		if f.Unsubmitted() && !f.StopRequested() {
			r := l.sheet.Runs[i]
			if _, refused := l.refusal(i); refused {
				continue
			}
			if ok, err := l.learn(ctx, i); err != nil {
				return err
			} else if !ok {
				continue
			}
			byBatch[f.Claim.Batch] = append(byBatch[f.Claim.Batch], claimed{i, runsheet.Launch{
				Dir: record.AttemptDir(r.WorkDir, f.Attempt), Claim: *f.Claim, Resources: r.Resources, Sheet: l.sheet.Name}})
		}
	}
	for _, of := range byBatch {
		if l.executors[of[0].launch.Claim.Executor] == nil {
			continue
		}
		if _, err := l.start(ctx, of); err != nil {
			return err
		}
	}
	return nil
}
