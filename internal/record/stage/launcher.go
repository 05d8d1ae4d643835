package stage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"runsheet"
	"runsheet/internal/proc"
	"runsheet/internal/record"
	"runsheet/internal/record/recordtest"
)

// entry is what a journal says of the run: launcher.entry.
type entry struct {
	attempt          int
	nonce            string
	ended            bool
	claimer, process *runsheet.Process
	group            int
}

// launch adds a launcher with the journal of that name, which begins once ready is true.
func (m *Model) launch(p *recordtest.Proc, journal string, ready func() bool) {
	m.Go(p, true, func() {
		if ready != nil {
			m.Await(p, ready, false)
			p.Step(recordtest.Step{Op: "succeed"}, func() string { m.Set("launcher "+p.Name, "at work"); return "" })
		}
		(&launcher{m: m, p: p, sys: m.system(p), journal: journal}).run()
		p.Step(recordtest.Step{Op: "return"}, func() string { m.Set("launcher "+p.Name, ""); return "" })
	})
}

type launcher struct {
	m       *Model
	p       *recordtest.Proc
	sys     record.System
	journal string
	e       entry // what it knows of its journal
	claims  int
}

// changed is what a launcher that waits wakes up by: the facts are others than f.
func (l *launcher) changed(f facts) func() bool {
	want := f.String()
	return func() bool { return l.m.peek(l.p).String() != want }
}

// note writes the journal.
func (l *launcher) note(change func(*entry)) {
	l.p.Step(recordtest.Step{Op: "journal"}, func() string {
		change(&l.e)
		l.m.journals[l.journal] = l.e
		text, _ := json.Marshal([]any{l.e.attempt, l.e.nonce, l.e.ended, l.e.claimer, l.e.process, l.e.group})
		l.m.Set("journal "+l.journal, string(text))
		return ""
	})
}

func (l *launcher) noteClaim(c runsheet.Claim) {
	l.note(func(e *entry) {
		*e = entry{attempt: max(e.attempt, c.Attempt), nonce: c.Nonce, claimer: &c.By}
	})
}

// run is launcher.Launcher.loop for one run.
func (l *launcher) run() {
	l.p.Step(recordtest.Step{Op: "read-journal"}, func() string {
		var ok bool
		if l.e, ok = l.m.journals[l.journal]; !ok {
			l.e = entry{ended: true}
		}
		return l.m.Get("journal " + l.journal)
	})
	f := l.m.observe(l.p, l.sys)
	if f.Live() && f.Liveness == runsheet.LivenessAlive && l.e.nonce != f.Claim.Nonce {
		l.noteClaim(*f.Claim) // adopted
	}
	for {
		f = l.m.observe(l.p, l.sys)
		if f.Problem != "" {
			l.m.Await(l.p, l.changed(f), false)
			continue
		}
		l.report(f)
		if l.vanished(f) {
			if l.provedGone(l.p, l.sys) {
				l.note(func(e *entry) { e.ended = true })
			} else {
				g := l.p.Ghost()
				l.m.Await(l.p, func() bool { return l.changed(f)() || l.provedGone(g, l.m.system(g)) }, false)
			}
			continue
		}
		switch {
		case f.Live() && (f.Liveness == runsheet.LivenessAlive || f.Liveness == runsheet.LivenessUnknown):
			l.m.Await(l.p, l.changed(f), false)
		case f.Live():
			if f.Start == nil && !l.m.Await(l.p, l.changed(f), true) {
				continue // it began after all, or ended: the grace was not over
			}
			if !l.recover(f) {
				l.m.Await(l.p, l.changed(f), true)
			}
		case f.finished(), f.StopRequested(), max(f.Attempt, l.e.attempt) >= tries:
			return
		default:
			l.launch(f)
		}
	}
}

// report is launcher.Launcher.report.
func (l *launcher) report(f facts) {
	if f.Claim == nil || f.Claim.Nonce != l.e.nonce {
		return
	}
	if f.Start != nil && !f.Start.Void && l.e.process == nil && !l.e.ended {
		l.note(func(e *entry) { e.process, e.group = &f.Start.Process, f.Start.ProcessGroup })
	}
	if f.End != nil && !l.e.ended {
		l.note(func(e *entry) { e.ended = true })
	}
}

func (l *launcher) vanished(f facts) bool {
	return !l.m.NoJournal && !l.e.ended && (f.Claim == nil || f.Claim.Nonce != l.e.nonce && f.Attempt <= l.e.attempt)
}

// provedGone is launcher.Launcher.provedGone.
func (l *launcher) provedGone(p *recordtest.Proc, sys record.System) bool {
	who := l.e.process
	if who == nil {
		who = l.e.claimer
	}
	if sys.Procs.Check(*who) == proc.Elsewhere {
		return !l.m.Shared
	}
	if l.e.process != nil && sys.Procs.Check(*l.e.process) == proc.Alive {
		return false
	}
	find := func() ([]runsheet.Process, error) { return sys.Procs.Find(l.e.nonce, l.e.group, *who) }
	if p != l.p || l.e.process == nil { // a ghost ends nothing
		left, err := find()
		return err == nil && (len(left) == 0 || l.e.process != nil)
	}
	return proc.EndAll(context.Background(), sys.Procs, find, 0, sys.Clock) == nil
}

// recover is launcher.Launcher.recover.
func (l *launcher) recover(f facts) bool {
	if l.e.nonce != f.Claim.Nonce && f.Claim.Attempt >= l.e.attempt {
		l.noteClaim(*f.Claim)
	}
	return l.m.takeOver(l.p, l.sys, f.Attempt, record.Heir{}) == nil
}

func (m *Model) takeOver(p *recordtest.Proc, sys record.System, attempt int, heir record.Heir) error {
	dir := record.AttemptDir(Work, attempt)
	e, err := record.TakeOver(context.Background(), sys, dir, heir)
	if err == nil {
		m.acknowledge(dir, e)
	}
	return err
}

// launch is launcher.Launcher.launch.
func (l *launcher) launch(before facts) {
	seen := before
	if !l.m.LookOnce {
		seen = l.m.observe(l.p, l.sys)
	}
	if seen.String() != before.String() {
		return
	}
	l.claims++
	c := runsheet.Claim{Run: "run", Nonce: fmt.Sprintf("%s%d", l.p.Name, l.claims), Executor: "local", WorkDir: Work}
	floor := l.e.attempt
	if l.m.NoJournal {
		floor = 0
	}
	c, err := record.Claim(l.sys, seen.Facts, floor, c)
	if err != nil {
		if !errors.Is(err, record.ErrTaken) && !errors.Is(err, record.ErrLive) {
			l.m.Await(l.p, l.changed(seen), true)
		}
		return
	}
	l.noteClaim(c)
	l.p.Step(recordtest.Step{Op: "start", Path: c.Nonce}, func() string {
		l.m.supervise(l.p, c)
		if l.m.startTwice {
			l.m.supervise(l.p, c)
		}
		return ""
	})
}
