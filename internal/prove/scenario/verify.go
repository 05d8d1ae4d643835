package scenario

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"runsheet"
	"runsheet/internal/check"
	"runsheet/internal/durable"
	"runsheet/internal/journal"
	"runsheet/internal/progress"
	"runsheet/internal/record"
)

// Verify holds what is left on disk against the facts, goes on from it as the next launcher does until the run has
// another attempt behind it, and holds all that against the facts and the rules once more. After a power cut the
// machine has another boot; otherwise only the processes are gone.
func (s *Stage) Verify(disk durable.Disk, facts Facts, powerCut bool) error {
	s.mu.Lock()
	wrong := s.wrong
	s.mu.Unlock()
	if wrong != nil {
		return wrong
	}
	next := &Stage{sheet: s.sheet, run: s.run, state: s.state, world: disk, disk: disk, times: s.times.restarted(powerCut), facts: facts.clone()}
	if err := next.holds(); err != nil {
		return fmt.Errorf("as it was left: %w", err)
	}
	if err := next.actor().goOn(true); err != nil {
		return fmt.Errorf("nobody can go on: %w", err)
	}
	if next.wrong != nil {
		return fmt.Errorf("going on: %w", next.wrong)
	}
	if err := next.holds(); err != nil {
		return fmt.Errorf("after going on: %w", err)
	}
	for _, v := range check.Sheet(context.Background(), disk, s.sheet) {
		if v.Severity == check.Broken {
			return fmt.Errorf("check: %s", v)
		}
	}
	return nil
}

// holds says whether every fact stands on the disk, and every document is whole.
func (s *Stage) holds() error {
	for _, key := range slices.Sorted(maps.Keys(s.facts.allowed)) {
		got, err := s.value(s.world, key)
		if err != nil {
			return fmt.Errorf("%s cannot be read: %w", key, err)
		}
		allowed := s.facts.allowed[key]
		if s.facts.open && len(allowed) > 1 {
			continue // somebody has gone on from there
		}
		if !allowed[got] {
			return fmt.Errorf("%s is %q, and was acknowledged as %q", key, cut(got), cutAll(sorted(allowed)))
		}
	}
	if err := s.journalHolds(); err != nil {
		return err
	}
	a := s.on(s.world, s.times)
	if _, err := a.look(); err != nil {
		return err
	}
	ns, err := record.Attempts(a.sys, s.run.WorkDir)
	if err != nil {
		return err
	}
	for _, n := range ns {
		if _, err := record.LookAt(a.sys, s.run.WorkDir, n); err != nil {
			return err
		}
	}
	var damage error
	p := progress.New(s.world, progressOptions(func(path string, err error) { damage = fmt.Errorf("%s: %w", path, err) })).
		Get(context.Background(), s.run.WorkDir, s.run.Progress, false)
	want, err := s.readEpochs(s.world)
	switch {
	case damage != nil || err != nil:
		return errors.Join(damage, err)
	case p.Error != "":
		return errors.New(p.Error)
	case fmt.Sprint(p.Completed) != want:
		return fmt.Errorf("the progress is %d epochs, and the evidence says %s", p.Completed, want)
	}
	return nil
}

// journalHolds says whether the journal has every event that was acknowledged, in order, and none twice or that nobody
// wrote.
func (s *Stage) journalHolds() error {
	events, err := journal.Read(s.world, record.JournalPath(s.state))
	if err != nil {
		return err
	}
	var there []string
	for _, e := range events {
		if !s.facts.maybe[e.Text] && !s.facts.open {
			return fmt.Errorf("the journal tells of %q, which nobody wrote", e.Text)
		}
		if slices.Contains(there, e.Text) {
			return fmt.Errorf("the journal tells of %q twice", e.Text)
		}
		there = append(there, e.Text)
	}
	rest := there
	for _, want := range s.facts.events {
		i := slices.Index(rest, want)
		if i < 0 {
			return fmt.Errorf("the journal has lost %q, which was acknowledged; it has %q", want, there)
		}
		rest = rest[i+1:]
	}
	return nil
}

func started() journal.Event { return journal.Event{Kind: journal.LauncherStarted} }

// goOn does what a launcher does that finds the run as it is: writes the ends of what is gone and notes them, and claims
// the next attempt. Where toTheEnd is set it also plays the supervisor, to the end of that attempt.
func (a *actor) goOn(toTheEnd bool) error {
	release, err := a.hold()
	if err != nil {
		return err
	}
	defer release()
	if err := a.note(started()); err != nil {
		return err
	}
	if err := a.catchUp(); err != nil {
		return err
	}
	seen, err := a.look()
	if err != nil {
		return err
	}
	if seen.StopRequested() {
		if !toTheEnd {
			return nil
		}
		if err := a.request(runsheet.RequestRetry, seen.Request.Number+1); err != nil {
			return err
		}
		if seen, err = a.look(); err != nil {
			return err
		}
	}
	c, err := a.claim(seen)
	if err != nil {
		return err
	}
	if err := a.noteClaim(c); err != nil || !toTheEnd {
		return err
	}
	supervisor := a.on(a.disk, a.times)
	t, err := supervisor.begin(c.Attempt)
	if err != nil {
		return err
	}
	if err := supervisor.progress(); err != nil {
		return err
	}
	if err := supervisor.end(t, 0); err != nil {
		return err
	}
	return a.catchUp()
}

// catchUp writes the end of the last attempt if it has none and its supervisor is gone, and brings the journal up to
// date with the records.
func (a *actor) catchUp() error {
	events, err := journal.Read(a.disk, record.JournalPath(a.state))
	if err != nil {
		return err
	}
	has := map[journal.Kind]map[string]bool{journal.Claimed: {}, journal.Ended: {}}
	for _, e := range events {
		if m := has[e.Kind]; m != nil {
			m[e.Nonce] = true
		}
	}
	ns, err := record.Attempts(a.sys, a.run.WorkDir)
	if err != nil {
		return err
	}
	for _, n := range ns {
		v, err := record.LookAt(a.sys, a.run.WorkDir, n)
		if err != nil {
			return err
		}
		if v.Claim == nil {
			continue
		}
		if !has[journal.Claimed][v.Claim.Nonce] {
			if err := a.noteClaim(*v.Claim); err != nil {
				return err
			}
		}
		if v.End == nil {
			e, err := a.takeOver(n)
			if err != nil {
				return err
			}
			v.End = &e
		}
		if has[journal.Ended][v.Claim.Nonce] {
			continue
		}
		if err := a.noteEnd(*v.Claim, *v.End); err != nil {
			return err
		}
		a.ack(key("end", n), endValue(*v.End))
	}
	return nil
}

// cut shortens a value for a message.
func cut(s string) string {
	if len(s) > 120 {
		return fmt.Sprintf("%s... (%d bytes)", s[:100], len(s))
	}
	return s
}

func cutAll(all []string) (out []string) {
	for _, s := range all {
		out = append(out, cut(s))
	}
	return out
}
