package record_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"runsheet"
	"runsheet/internal/proc"
	"runsheet/internal/record"
	"runsheet/internal/record/recordtest"
)

const (
	work  = "/w/run"
	tries = 3 // attempts, after which the launchers of the model give up
)

// model is one run with its launchers, supervisors and commands, as internal/launcher, internal/observe and
// internal/supervise drive the records.
type model struct {
	*recordtest.Sim
	// wrap breaks a process's view of the world, for mutants.
	wrap func(*recordtest.Proc, record.System) record.System
	// What the model does wrong, for mutants.
	evidenceFirst, lookOnce, noJournal, noToken bool
	startTwice                                  bool // the executor starts every supervisor twice
	finishAt                                    int  // the attempt that completes the work; 0: none
	hasty                                       bool // commands do not wait for the others
	badExit                                     bool // it exits 1 all the same

	journals map[string]entry
	codes    map[int]int // exit codes by pid
	peeks    map[peek]facts
	checked  uint64 // the last state that was checked
}

type peek struct {
	state uint64
	host  string
}

// entry is what a journal says of the run: launcher.entry.
type entry struct {
	attempt          int
	nonce            string
	ended            bool
	claimer, process *runsheet.Process
	group            int
}

func newModel(s *recordtest.Sim) *model {
	m := &model{Sim: s, finishAt: 2, journals: map[string]entry{}, codes: map[int]int{}, peeks: map[peek]facts{}}
	s.Check, s.Final = m.check, m.final
	if err := s.MkdirAll(work); err != nil {
		s.Fail("%v", err)
	}
	return m
}

func (m *model) system(p *recordtest.Proc) record.System {
	sys := p.System()
	sys.FS = claims{sys.FS, m}
	if m.wrap != nil {
		sys = m.wrap(p, sys)
	}
	return sys
}

// claims sees to it that nothing is claimed once the work is complete: rule 6, records before evidence.
type claims struct {
	record.FS
	m *model
}

func (f claims) WriteOnce(label, path string, data []byte) error {
	err := f.FS.WriteOnce(label, path, data)
	if err == nil && label == "claim" && f.m.Get("evidence") != "" && f.m.Get("removed") == "" {
		f.m.Fail("claimed although the work is complete: %s", path)
	}
	return err
}

// launch adds a launcher with the journal of that name, which begins once ready is true.
func (m *model) launch(p *recordtest.Proc, journal string, ready func() bool) {
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
	m       *model
	p       *recordtest.Proc
	sys     record.System
	journal string
	e       entry // what it knows of its journal
	claims  int
}

// facts are runsheet.Facts, and whether the evidence says that the work is complete.
type facts struct {
	runsheet.Facts
	complete bool
}

func (f facts) String() string {
	s := fmt.Sprint(f.Attempt, f.Liveness, f.complete, f.Problem != "")
	if f.Claim != nil {
		s += f.Claim.Nonce
	}
	if f.Start != nil {
		s += fmt.Sprint(f.Start.Void, f.Start.PID)
	}
	if f.End != nil {
		s += string(f.End.Kind)
	}
	if f.Request != nil {
		s += fmt.Sprint(f.Request.Number)
	}
	return s
}

func (f facts) finished() bool {
	return f.complete || f.End != nil && f.End.ExitCode != nil && *f.End.ExitCode == 0
}

// observe is observe.Observer.One.
func (m *model) observe(p *recordtest.Proc, sys record.System) facts {
	var f facts
	evidence := func() {
		p.Step(recordtest.Step{Op: "evidence"}, func() string {
			f.complete = m.Get("evidence") != ""
			return fmt.Sprint(f.complete)
		})
	}
	if m.evidenceFirst {
		evidence()
	}
	f.Facts = records(sys)
	if !m.evidenceFirst {
		evidence()
	}
	return f
}

// records is observe.Observer.records, with record.Probe as the executor's.
func records(sys record.System) runsheet.Facts {
	var f runsheet.Facts
	for range 3 {
		v, err := record.Look(sys, work)
		if err != nil {
			return runsheet.Facts{Problem: err.Error()}
		}
		f = runsheet.Facts{Attempt: v.Attempt, Claim: v.Claim, Start: v.Start, End: v.End, Request: v.Request}
		if !f.Live() {
			return f
		}
		f.Liveness, f.Why = record.Probe(sys, record.AttemptDir(work, f.Attempt), *f.Claim, f.Start)
		if f.Liveness == runsheet.LivenessAlive {
			if f.Start != nil {
				return f
			}
		} else if again, err := record.LookAt(sys, work, f.Attempt); err == nil &&
			(v.Start == nil) == (again.Start == nil) && (v.End == nil) == (again.End == nil) {
			return f
		}
	}
	return f
}

// peek is what p would observe now, without a step.
func (m *model) peek(p *recordtest.Proc) facts {
	k := peek{m.State(), p.Host + p.BootID}
	f, ok := m.peeks[k]
	if !ok {
		g := p.Ghost()
		f = m.observe(g, m.system(g))
		m.peeks[k] = f
	}
	return f
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
	return !l.m.noJournal && !l.e.ended && (f.Claim == nil || f.Claim.Nonce != l.e.nonce && f.Attempt <= l.e.attempt)
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

func (m *model) takeOver(p *recordtest.Proc, sys record.System, attempt int, heir record.Heir) error {
	dir := record.AttemptDir(work, attempt)
	e, err := record.TakeOver(context.Background(), sys, dir, heir)
	if err == nil {
		m.acknowledge(dir, e)
	}
	return err
}

// launch is launcher.Launcher.launch.
func (l *launcher) launch(before facts) {
	seen := before
	if !l.m.lookOnce {
		seen = l.m.observe(l.p, l.sys)
	}
	if seen.String() != before.String() {
		return
	}
	l.claims++
	c := runsheet.Claim{Run: "run", Nonce: fmt.Sprintf("%s%d", l.p.Name, l.claims), Executor: "local", WorkDir: work}
	floor := l.e.attempt
	if l.m.noJournal {
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

// supervise is supervise.Main as a process of its own.
func (m *model) supervise(parent *recordtest.Proc, c runsheet.Claim) {
	token := c.Nonce
	if m.noToken {
		token = ""
	}
	p := parent.Spawn(fmt.Sprintf("supervisor %s(%d)", c.Nonce, c.Attempt), token)
	s := &supervisor{m: m, p: p, sys: m.system(p), dir: record.AttemptDir(work, c.Attempt), token: token}
	m.Go(p, true, s.run)
}

type supervisor struct {
	m     *model
	p     *recordtest.Proc
	sys   record.System
	dir   string
	token string
	t     *record.Tenure
	asked int // the number of the stop that stood there before it began; 0: none
}

func (s *supervisor) run() {
	s.p.Step(recordtest.Step{Op: "begin"}, func() string { s.asked = mustAtoi(s.m.Get("stop")); return fmt.Sprint(s.asked) })
	t, err := record.Take(s.sys, s.dir)
	s.t = t
	if errors.Is(err, record.ErrStopAsked) {
		if t.Begin(0) != nil {
			t.Leave()
			return
		}
		s.end(runsheet.End{Kind: runsheet.EndStopped})
		return
	}
	if err != nil {
		return
	}
	var cmd *recordtest.Proc
	s.p.Step(recordtest.Step{Op: "gate"}, func() string {
		cmd = s.p.Spawn(fmt.Sprintf("command %s(%d)", t.Claim.Nonce, t.Claim.Attempt), s.token)
		if !s.m.noToken {
			cmd.Session = cmd.PID
		}
		return ""
	})
	if err := t.Begin(cmd.PID); err != nil {
		s.p.Step(recordtest.Step{Op: "call-off"}, func() string { cmd.Kill(); return "" })
		t.Leave()
		return
	}
	s.p.Step(recordtest.Step{Op: "release"}, func() string { s.m.release(s, cmd); return "" })
	kind, away := runsheet.EndKind(""), false
	for kind == "" {
		s.m.Await(s.p, func() bool { return cmd.Dead() || s.fenceSees() }, false)
		dead := false
		s.p.Step(recordtest.Step{Op: "wait4"}, func() string { dead = cmd.Dead(); return fmt.Sprint(dead) })
		if dead {
			break
		}
		over := s.fenceSees()
		verdict, err := t.Fence()
		if over && err == nil {
			s.p.Step(recordtest.Step{Op: "fenced"}, func() string {
				s.m.Set("fenced "+t.Claim.Nonce, "yes")
				if verdict == record.GoOn {
					s.m.Set("missed "+t.Claim.Nonce, "yes")
				}
				return ""
			})
		}
		if err != nil || verdict == record.GoOn {
			continue
		}
		kind, away = runsheet.EndStopped, verdict == record.TakenOver
		s.p.Step(recordtest.Step{Op: "kill-all"}, func() string { cmd.Kill(); return "" })
	}
	if away {
		t.Leave()
		return
	}
	e := runsheet.End{Kind: kind}
	if kind == "" {
		code := s.m.codes[cmd.PID]
		e.Kind, e.ExitCode = runsheet.EndExit, &code
	}
	s.end(e)
}

// end is supervise's writeEnd.
func (s *supervisor) end(e runsheet.End) {
	for {
		err := s.t.End(e)
		if err == nil {
			e.By, e.Nonce = s.p.Process, s.t.Claim.Nonce
			s.m.acknowledge(s.dir, e)
		}
		if err == nil || errors.Is(err, record.ErrOver) {
			return
		}
		if verdict, err := s.t.Fence(); err == nil && verdict == record.TakenOver {
			s.t.Leave()
			return
		}
	}
}

// fenceSees is when the next look over the fence is worth a step: there is something to see. A fence that is looked
// over for nothing changes nothing.
func (s *supervisor) fenceSees() bool {
	if _, ok := s.m.File(record.EndPath(s.dir)); ok {
		return s.m.Get("fenced "+s.t.Claim.Nonce) == ""
	}
	claim, ok := s.m.File(record.ClaimPath(s.dir))
	if c, err := record.DecodeClaim(claim); !ok || err != nil || c.Nonce != s.t.Claim.Nonce {
		return s.m.Get("fenced "+s.t.Claim.Nonce) == ""
	}
	return s.m.Get("fenced "+s.t.Claim.Nonce) == "" && s.m.Get("stop") != "" && s.t.Claim.Request < mustAtoi(s.m.Get("stop"))
}

func mustAtoi(s string) int { n, _ := strconv.Atoi(s); return n }

// release lets the command live.
func (m *model) release(s *supervisor, cmd *recordtest.Proc) {
	c := s.t.Claim
	if c.Request < s.asked {
		m.Fail("%s began after a stop was asked for", s.p.Name)
	}
	if data, ok := m.File(record.StartPath(s.dir)); ok {
		start, err := record.DecodeStart(data)
		if err != nil || start.Nonce != c.Nonce || start.Process != s.p.Process || start.Void {
			m.Fail("%s began without a start of its own: %s", s.p.Name, data)
		}
	} else if m.Get("removed") == "" {
		m.Fail("%s began without a start", s.p.Name)
	}
	key := fmt.Sprint("began ", c.Attempt)
	if other := m.Get(key); other != "" {
		m.Fail("attempt %d began twice: %s and %s", c.Attempt, other, c.Nonce)
	}
	m.Set(key, c.Nonce)
	m.Set(fmt.Sprint("command ", cmd.PID), c.Nonce)
	start := m.GoSlowly
	if m.hasty {
		start = func(p *recordtest.Proc, program func()) { m.Go(p, false, program) }
	}
	start(cmd, func() {
		code := 1
		if c.Attempt == m.finishAt {
			if !m.badExit {
				code = 0
			}
			cmd.Step(recordtest.Step{Op: "complete"}, func() string { m.Set("evidence", "complete"); return "" })
		}
		cmd.Step(recordtest.Step{Op: "exit"}, func() string { m.codes[cmd.PID] = code; cmd.Kill(); return "" })
	})
}

// acknowledge is what an end amounts to once somebody was told that it is durable.
func (m *model) acknowledge(dir string, e runsheet.End) {
	m.Set("ended "+dir, describe(e))
}

func describe(e runsheet.End) string { return fmt.Sprint(e.Nonce, " ", e.Kind, " by ", e.By.PID) }

// check holds the invariants, after every step.
func (m *model) check() error {
	if state := m.State(); m.checked == state { // nothing has changed but what somebody has seen
		return nil
	} else {
		m.checked = state
	}
	var living []string
	for _, p := range m.Procs() {
		nonce := m.Get(fmt.Sprint("command ", p.PID))
		if nonce == "" || p.Dead() {
			continue
		}
		forced := false
		for n := 1; n <= tries+1; n++ {
			if data, ok := m.File(record.EndPath(record.AttemptDir(work, n))); ok {
				e, err := record.DecodeEnd(data)
				if err != nil || e.Nonce != nonce {
					continue
				}
				// A person let go of it without proof: until its supervisor looks over the fence, it may live.
				if forced = e.Forced && m.Get("missed "+nonce) == ""; !forced {
					return fmt.Errorf("attempt %d has the end %s, and %s lives", n, describe(e), p.Name)
				}
			}
		}
		if !forced {
			living = append(living, p.Name)
		}
	}
	if len(living) > 1 {
		return fmt.Errorf("two live commands: %q", living)
	}
	for n := 1; n <= tries+1; n++ {
		dir := record.AttemptDir(work, n)
		if told := m.Get("ended " + dir); told != "" && m.Get("removed") == "" {
			data, _ := m.File(record.EndPath(dir))
			e, err := record.DecodeEnd(data)
			if err != nil || describe(e) != told {
				return fmt.Errorf("the end of attempt %d was %s, and is %s now (%v)", n, told, describe(e), err)
			}
		}
	}
	return nil
}

// final holds what must be so once nobody can act: no launcher waits for ever, and no command lives on.
func (m *model) final() error {
	for _, p := range m.Procs() {
		switch {
		case p.Dead():
		case m.Get(fmt.Sprint("command ", p.PID)) != "":
			return fmt.Errorf("%s lives for ever", p.Name)
		case m.Get("launcher "+p.Name) != "":
			g := p.Ghost()
			if f := m.observe(g, g.System()); f.Liveness != runsheet.LivenessUnknown { // for a person
				return fmt.Errorf("%s waits for ever: %v", p.Name, f)
			}
		}
	}
	return nil
}
