package launcher

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// over says whether nothing is left to do or to wait for.
func (l *Launcher) over(actions []runsheet.Action) bool {
	for i, a := range actions {
		switch {
		case l.facts[i].Live() && (l.stop == notStopping || l.facts[i].Liveness != runsheet.LivenessUnknown):
			return false
		case l.doubtful(i) && !l.opts.Once:
			return false
		case l.stop == notStopping && l.facts[i].Unread() && !l.opts.Once:
			return false // how its attempt ended is still to be told
		case l.stop != notStopping || l.broken != "":
			continue // nothing more will be launched
		case (a.Verb == runsheet.VerbWait || a.Verb == runsheet.VerbLaunch) && l.mayAct(a.Run):
			return false
		}
	}
	return true
}

// stillHeld returns an error where the sheet is not ours any more: whoever removed our state directory lets another
// launcher in, and a project that was deleted is not to be made anew.
func (l *Launcher) stillHeld() error {
	held, err := l.lock.Held()
	if err != nil || held {
		return nil // what cannot be looked at now may be there again soon
	}
	return durable.WithHint(fmt.Errorf("nothing more is launched: %s was removed while this launcher was running", l.state),
		"the runs that live go on; run again to go on with the others")
}

func (l *Launcher) outcome(actions []runsheet.Action) Outcome {
	out := Outcome{Snapshot: l.snapshot(), Stopped: l.stop != notStopping, Broken: l.broken}
	for _, a := range actions {
		troubled := !l.mayAct(a.Run) && !l.facts[a.Run].Live() && (a.Verb == runsheet.VerbLaunch || a.Verb == runsheet.VerbWait)
		if a.Verb == runsheet.VerbGiveUp || troubled {
			out.GivenUp = append(out.GivenUp, l.sheet.Runs[a.Run].Name)
		}
	}
	return out
}

func (l *Launcher) snapshot() runsheet.Snapshot { return l.snapshotOf(l.facts) }

func (l *Launcher) snapshotOf(facts []runsheet.Facts) runsheet.Snapshot {
	s := runsheet.Snap(l.sheet, facts, l.sys.Clock.Now())
	for i, r := range l.sheet.Runs {
		if e := l.ledger.entry(r.WorkDir); e.vanished(facts[i]) {
			f := facts[i].Vanished(e.claim())
			s.Runs[i].Facts, s.Runs[i].Judgement = f, runsheet.Judge(r, f, l.sheet.Policy, s.AsOf)
		}
	}
	s.Strays = slices.Clone(l.strays)
	return s
}

// inTheWay says what to do about a state directory that cannot be used.
func (l *Launcher) inTheWay(what string, err error) error {
	if errors.Is(err, record.ErrLauncher) {
		return err
	}
	hint := "what stands in the way there must be moved away, and " + l.state + " must be a directory of yours"
	if errors.Is(err, fs.ErrPermission) {
		hint = l.state + " must be a directory that you may write to"
	}
	return durable.OrHint(fmt.Errorf("%s: %w", what, err), hint)
}
