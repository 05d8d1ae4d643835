package scenario

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/journal"
	"runsheet/internal/progress"
	"runsheet/internal/prove/faultdisk"
	"runsheet/internal/record"
	"runsheet/internal/tracker"
)

// actor is a process of ours: a launcher or a supervisor.
type actor struct {
	*Stage
	disk durable.Disk
	who  *someone
	sys  record.System
	log  *journal.Writer
}

// actor makes a process that works on the disk of the scenario.
func (s *Stage) actor() *actor { return s.on(s.disk, s.times) }

func (s *Stage) on(disk durable.Disk, m *machine) *actor {
	who := m.someone()
	return &actor{Stage: s, disk: disk, who: who, sys: systemOn(disk, who)}
}

// killed lets a process work until it is killed right before the first operation that at names. The machine goes on:
// what it wrote can be seen by all, whether it is on the disk or not.
func (s *Stage) killed(at func(op faultdisk.Op) bool, work func(a *actor)) {
	d := faultdisk.New(s.disk, func(_ int, op faultdisk.Op) faultdisk.Fault {
		if at(op) {
			return faultdisk.Dies
		}
		return faultdisk.None
	})
	a := s.on(d, s.times)
	d.Run(func() { work(a) })
	a.who.gone()
}

// afterLink names the first sync of a directory after the link of a record with that name: the moment at which
// everybody sees the record, and a power cut takes it away.
func afterLink(name string) func(faultdisk.Op) bool {
	linked := false
	return func(op faultdisk.Op) bool {
		if op.Kind == faultdisk.Link && filepath.Base(op.Path) == name {
			linked = true
			return false
		}
		return linked
	}
}

// look is what a launcher knows of the run.
func (a *actor) look() (runsheet.Facts, error) {
	v, err := record.Look(a.sys, a.run.WorkDir)
	return runsheet.Facts{Attempt: v.Attempt, Claim: v.Claim, Start: v.Start, End: v.End, Request: v.Request}, err
}

// claim claims the attempt after what was seen.
func (a *actor) claim(seen runsheet.Facts) (runsheet.Claim, error) {
	c := runsheet.Claim{Run: a.run.Name, Nonce: record.NewNonce(), Session: "s", Sheet: a.sheet.Path, Executor: "local", Host: "here",
		Identity: a.run.Command, Command: a.run.Command, WorkDir: a.run.WorkDir, Dir: a.sheet.Dir, Progress: a.run.Progress, StopGrace: time.Second}
	next := key("claim", seen.Attempt+1)
	a.intend(next, fmt.Sprintf("%s by %d", c.Nonce, a.who.self.PID))
	c, err := record.Claim(a.sys, seen, 0, c)
	switch {
	case err == nil:
		a.ack(next, claimValue(c))
	case errors.Is(err, record.ErrTaken):
		a.ackFound(next) // somebody else's, and we act on it
	}
	return c, err
}

// begin takes an attempt and begins it, as a supervisor does.
func (a *actor) begin(attempt int) (*record.Tenure, error) {
	t, err := record.Take(a.sys, record.AttemptDir(a.run.WorkDir, attempt))
	if err != nil {
		if t != nil {
			t.Leave()
		}
		return nil, err
	}
	a.intend(key("start", attempt), startValue(runsheet.Start{Nonce: t.Claim.Nonce, Process: a.who.self}))
	if err := t.Begin(0); err != nil {
		if errors.Is(err, record.ErrOver) {
			a.ackFound(key("start", attempt))
		}
		t.Leave()
		return nil, err
	}
	a.ack(key("start", attempt), startValue(t.Start))
	return t, nil
}

// end writes the end of an attempt, and tries again as a supervisor does.
func (a *actor) end(t *record.Tenure, code int) error {
	e := runsheet.End{Kind: runsheet.EndExit, ExitCode: &code, Nonce: t.Claim.Nonce, By: a.who.self, At: a.sys.Clock.Now()}
	what := key("end", t.Claim.Attempt)
	a.intend(what, endValue(e))
	for try := 0; ; try++ {
		if verdict, err := t.Fence(); err == nil && verdict == record.TakenOver {
			if there, err := a.value(a.world, what); err == nil && there == endValue(e) {
				a.fail("the supervisor of attempt %d takes its own end for another's, and nobody makes it durable", t.Claim.Attempt)
			}
			t.Leave()
			return record.ErrOver
		}
		err := t.End(e)
		switch {
		case err == nil:
			a.ack(what, endValue(e))
			return nil
		case errors.Is(err, record.ErrOver):
			a.ackFound(what)
			return err
		case try == 3: // there is one fault, and it is over
			a.fail("the end of attempt %d could not be written although nothing is in the way any more: %v", t.Claim.Attempt, err)
			t.Leave()
			return err
		}
	}
}

// takeOver writes the end of an attempt for a supervisor that is gone. The end of another is acted upon as well.
func (a *actor) takeOver(attempt int) (runsheet.End, error) {
	var pid = a.who.self.PID
	v, err := record.LookAt(a.sys, a.run.WorkDir, attempt)
	if err != nil || v.Claim == nil {
		return runsheet.End{}, errors.Join(err, errors.New("nothing was claimed"))
	}
	a.intend(key("start", attempt), fmt.Sprintf("%s by %d, void true", v.Claim.Nonce, pid))
	for _, kind := range []runsheet.EndKind{runsheet.EndLost, runsheet.EndVoid} {
		a.intend(key("end", attempt), fmt.Sprintf("%s by %d, %s, exit code -1", v.Claim.Nonce, pid, kind))
	}
	e, err := record.TakeOver(context.Background(), a.sys, record.AttemptDir(a.run.WorkDir, attempt), record.Heir{})
	if err == nil {
		a.ack(key("end", attempt), endValue(e))
	}
	return e, err
}

// request asks something of the run.
func (a *actor) request(kind runsheet.RequestKind, n int) error {
	want := requestValue(runsheet.Request{Kind: kind, By: a.who.self})
	for i := n; i < n+3; i++ {
		a.intend(key("request", i), want)
	}
	r, err := record.Request(a.sys, a.run.WorkDir, kind, "ada")
	if err == nil {
		a.ack(key("request", r.Number), requestValue(r))
	}
	return err
}

// hold makes the actor the launcher of the sheet, with its journal open.
func (a *actor) hold() (release func(), err error) {
	lock, _, err := record.HoldSheet(a.disk, a.who, a.state)
	if err != nil {
		return nil, err
	}
	if _, err = journal.Read(a.disk, record.JournalPath(a.state)); err == nil {
		a.log, err = journal.Open(a.disk, a.state, record.JournalPath(a.state))
	}
	if err != nil {
		lock.Release()
		return nil, err
	}
	return func() {
		a.log.Close()
		lock.Release()
	}, nil
}

// note appends to the journal. The text tells each event from all others.
func (a *actor) note(e journal.Event) error {
	a.mu.Lock()
	e.Text = fmt.Sprintf("event %d of %d", a.facts.Version, a.who.self.PID)
	a.facts.Version++
	a.facts.maybe[e.Text] = true
	a.mu.Unlock()
	e.At, e.Session = a.sys.Clock.Now(), "s"
	err := a.log.Append(e)
	if err != nil {
		err = a.log.Append(e) // as a launcher does once a full disk has room again
	}
	if err == nil {
		a.mu.Lock()
		a.facts.Version++
		a.facts.events = append(a.facts.events, e.Text)
		a.mu.Unlock()
	}
	return err
}

func (a *actor) noteClaim(c runsheet.Claim) error {
	if err := record.Settle(a.sys, record.AttemptDir(c.WorkDir, c.Attempt)); err != nil {
		return err
	}
	return a.note(journal.Event{Kind: journal.Claimed, Run: c.Run, WorkDir: c.WorkDir, Attempt: c.Attempt, Nonce: c.Nonce, Process: &c.By})
}

func (a *actor) noteEnd(c runsheet.Claim, e runsheet.End) error {
	if err := record.Settle(a.sys, record.AttemptDir(c.WorkDir, c.Attempt)); err != nil {
		return err
	}
	return a.note(journal.Event{Kind: journal.Ended, Run: c.Run, WorkDir: c.WorkDir, Attempt: c.Attempt, Nonce: c.Nonce, End: e.Kind})
}

// progress reads the progress and compares it with what the evidence says.
func (a *actor) progress() error {
	before, err := a.readEpochs(a.world)
	if err != nil {
		return err
	}
	p := progress.New(a.disk, progressOptions(nil)).Get(context.Background(), a.run.WorkDir, a.run.Progress, false)
	if p.Error != "" {
		return errors.New(p.Error) // said, not hidden
	}
	if got := fmt.Sprint(p.Completed); got != before {
		a.fail("the progress is %s epochs, and the evidence says %s", got, before)
	}
	return nil
}

// progressOptions make a reading final at once: nothing in a scenario changes behind a stamp.
func progressOptions(damage func(string, error)) progress.Options {
	return progress.Options{OnDamage: damage, Tick: func(string, []tracker.Witness) time.Duration { return 0 }}
}
