package stage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"

	"runsheet"
	"runsheet/internal/proc"
	"runsheet/internal/record"
	"runsheet/internal/record/recordtest"
)

// entry is what a journal says of the run: launcher.entry.
type entry struct {
	Attempt          int
	Nonce            string
	Ended            bool
	Claimer, Process *runsheet.Process
	Group            int
}

func (e entry) String() string {
	type plain entry
	return text(plain(e))
}

// parseEntry is the inverse of String; an empty journal knows of nothing that has no end.
func parseEntry(s string) (e entry) {
	if json.Unmarshal([]byte(s), &e) != nil {
		return entry{Ended: true}
	}
	return e
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

// await waits until the facts are others than f, and forgets all else.
func (l *launcher) await(f facts) {
	l.at("await", f)
	l.m.Await(l.p, l.changed(f), false)
}

// pause waits for that as well, but not for ever.
func (l *launcher) pause(f facts) {
	l.at("pause", f)
	l.m.Await(l.p, l.changed(f), true)
}

// note writes the journal.
func (l *launcher) note(change func(*entry)) {
	change(&l.e)
	text := l.e.String()
	l.p.Step(recordtest.Step{Op: "journal"}, func() string { l.m.Set("journal "+l.journal, text); return "" })
}

// at says that the launcher is at a place of its program from which on it depends on its journal and on what is given
// alone.
func (l *launcher) at(place string, what ...any) {
	l.p.Forget(place, l.e, l.claims, fmt.Sprint(what...))
}

func (l *launcher) noteClaim(c runsheet.Claim) {
	l.note(func(e *entry) {
		*e = entry{Attempt: max(e.Attempt, c.Attempt), Nonce: c.Nonce, Claimer: &c.By}
	})
}

// run is launcher.Launcher.loop for one run.
func (l *launcher) run() {
	l.e = parseEntry(l.p.Step(recordtest.Step{Op: "read-journal"}, func() string { return l.m.Get("journal " + l.journal) }))
	f := l.m.observe(l.p, l.sys, "first", l.e)
	if f.Live() && f.Liveness == runsheet.LivenessAlive && l.e.Nonce != f.Claim.Nonce {
		l.noteClaim(*f.Claim) // adopted
	}
	for {
		l.at("loop")
		f = l.m.observe(l.p, l.sys, "again", l.e, l.claims)
		l.at("observed", f.whole())
		if f.Problem != "" {
			l.await(f)
			continue
		}
		l.report(f)
		if l.vanished(f) {
			if l.provedGone() {
				l.note(func(e *entry) { e.Ended = true })
			} else {
				l.at("vanished", f)
				g := *l
				g.p = l.p.Ghost()
				g.sys = l.m.system(g.p)
				l.m.Await(l.p, func() bool { return l.changed(f)() || g.provedGone() }, false)
			}
			continue
		}
		switch {
		case f.Live() && (f.Liveness == runsheet.LivenessAlive || f.Liveness == runsheet.LivenessUnknown):
			l.await(f)
		case f.Live():
			if f.Start == nil && !l.m.Await(l.p, l.changed(f), true) {
				continue // it began after all, or ended: the grace was not over
			}
			if !l.recover(f) {
				l.pause(f)
			}
		case f.finished(), f.StopRequested(), max(f.Attempt, l.e.Attempt) >= l.m.Attempts:
			return
		default:
			l.launch(f)
		}
	}
}

// report is launcher.Launcher.report.
func (l *launcher) report(f facts) {
	if f.Claim == nil || f.Claim.Nonce != l.e.Nonce {
		return
	}
	if f.Start != nil && !f.Start.Void && l.e.Process == nil && !l.e.Ended {
		l.note(func(e *entry) { e.Process, e.Group = &f.Start.Process, f.Start.ProcessGroup })
	}
	if f.End != nil && !l.e.Ended {
		l.note(func(e *entry) { e.Ended = true })
	}
}

func (l *launcher) vanished(f facts) bool {
	return !l.m.NoJournal && !l.e.Ended && (f.Claim == nil || f.Claim.Nonce != l.e.Nonce && f.Attempt <= l.e.Attempt)
}

// provedGone is launcher.Launcher.provedGone; a ghost ends nothing.
func (l *launcher) provedGone() bool {
	who := l.e.Process
	if who == nil {
		who = l.e.Claimer
	}
	if l.sys.Procs.Check(*who) == proc.Elsewhere {
		gone, _, err := record.Rebooted(l.sys, path.Dir(Work), *who)
		return gone && err == nil
	}
	if l.e.Process != nil && l.sys.Procs.Check(*l.e.Process) == proc.Alive {
		return false
	}
	find := func() ([]runsheet.Process, error) { return l.sys.Procs.Find(l.e.Nonce, l.e.Group, *who) }
	if l.p.IsGhost() || l.e.Process == nil {
		left, err := find()
		return err == nil && (len(left) == 0 || l.e.Process != nil)
	}
	return proc.EndAll(context.Background(), l.sys.Procs, find, 0, l.sys.Clock) == nil
}

// recover is launcher.Launcher.recover.
func (l *launcher) recover(f facts) bool {
	if l.e.Nonce != f.Claim.Nonce && f.Claim.Attempt >= l.e.Attempt {
		l.noteClaim(*f.Claim)
	}
	return l.m.takeOver(l.p, l.sys, f.Attempt, record.Heir{}) == nil
}

func (m *Model) takeOver(p *recordtest.Proc, sys record.System, attempt int, heir record.Heir) error {
	dir := record.AttemptDir(Work, attempt)
	e, err := record.TakeOver(context.Background(), sys, dir, heir)
	if err == nil {
		m.acknowledge(p, dir, e)
	}
	return err
}

// launch is launcher.Launcher.launch.
func (l *launcher) launch(before facts) {
	seen := before
	if !l.m.LookOnce {
		l.at("before", before)
		seen = l.m.observe(l.p, l.sys, "before", l.e, l.claims, before.String())
	}
	if seen.String() != before.String() {
		return
	}
	l.claims++
	l.at("claim", seen.whole())
	c := runsheet.Claim{Run: "run", Nonce: fmt.Sprintf("%s%d", l.p.Name, l.claims), Executor: "local", WorkDir: Work}
	floor := l.e.Attempt
	if l.m.NoJournal {
		floor = 0
	}
	c, err := record.Claim(l.sys, seen.Facts, floor, c)
	switch {
	case errors.Is(err, record.ErrTaken):
		l.claims-- // nobody has seen its nonce
		return
	case errors.Is(err, record.ErrLive):
		return
	case err != nil:
		l.pause(seen)
		return
	}
	l.at("claimed", text(c))
	l.noteClaim(c)
	begin := []func(){l.m.supervisor(l.p, c)}
	if l.m.startTwice {
		begin = append(begin, l.m.supervisor(l.p, c))
	}
	l.p.Step(recordtest.Step{Op: "start", Path: c.Nonce}, func() string {
		for _, b := range begin {
			b()
		}
		return ""
	})
}
