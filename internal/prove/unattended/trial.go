package unattended

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"runsheet"
	"runsheet/internal/diagnose"
	"runsheet/internal/durable"
	"runsheet/internal/observe"
	"runsheet/internal/plan"
	"runsheet/internal/proc"
	"runsheet/internal/progress"
	"runsheet/internal/record"
)

// way is how a program comes to its end too early.
type way int

const (
	killed   way = iota // by SIGKILL
	raises              // exits 1, with a traceback
	quits               // exits 0
	vanishes            // with its supervisor, as the machine goes down
)

var ways = []way{killed, raises, quits, vanishes}

func (w way) String() string { return [...]string{"SIGKILL", "exit 1", "exit 0", "power cut"}[w] }

// traceback is what a program prints that exits 1.
const traceback = "Traceback (most recent call last):\n  File \"train.py\", line 12, in <module>\n    main()\nRuntimeError: the loss exploded\n"

// begins with this: the cause of the end goes first.
func (w way) cause() string {
	return [...]string{"ended by SIGKILL", "exited 1", "exited 0", "lost"}[w]
}

// trial is one program that dies at one point in one way, and is tried again.
type trial struct {
	t     truth
	at    point
	way   way
	again bool // the second attempt begins anew; otherwise it goes on
	warm  int  // after so many steps somebody looked, and what he saw was kept; -1: nobody did
}

func (t trial) String() string {
	second := "the next attempt goes on"
	if t.again {
		second = "the next attempt begins anew"
	}
	looked := ""
	if t.warm >= 0 {
		looked = fmt.Sprintf(", looked at after step %d", t.warm)
	}
	return fmt.Sprintf("%s, dies by %s: %s%s; %s", t.t.k.name, t.way, t.at.describe(t.t.steps), looked, second)
}

// found is what is wrong with a trial; its kind is for counting.
type found struct {
	kind, text string
}

func (f found) Error() string { return f.text }

func wrong(kind, format string, args ...any) error { return found{kind, fmt.Sprintf(format, args...)} }

// world is where trials take place.
type world struct {
	dir  string
	disk durable.Disk
	sys  record.System
}

func newWorld(dir string) *world {
	disk := quick{durable.OS()}
	sys := record.NewSystem(disk)
	sys.Procs = others{sys.Procs}
	return &world{dir, disk, sys}
}

// others are the processes of the machine, of which none belongs to an attempt: the programs of the trials are no
// processes.
type others struct{ proc.Procs }

func (others) Find(string, int, runsheet.Process) ([]runsheet.Process, error) { return nil, nil }

// scene is one trial under way.
type scene struct {
	*world
	trial
	run   runsheet.Run
	clock clock
	cache *progress.Cache
	seen  *observe.Observer
	place place
	facts runsheet.Facts
}

// clock is the time, and what was waited for in vain: nobody waits in a trial.
type clock struct{ ahead time.Duration }

func (c *clock) now() time.Time { return time.Now().Add(c.ahead) }

func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.ahead += d
	return ctx.Err()
}

// do goes through the trial; the error is a found where the trial was done, and something is wrong.
func (w *world) do(t trial) error {
	dir, err := os.MkdirTemp(w.dir, "run-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s := &scene{world: w, trial: t}
	s.run = runsheet.Run{Name: "run", Params: []runsheet.Param{{Key: "seed", Value: "1"}}, WorkDir: dir, Shown: "run", Command: "train", Resumed: "train --resume", Progress: t.t.k.spec}
	s.place = place{workDir: dir, clock: time.Now().Add(-time.Hour)}
	s.renew()
	if err := s.first(); err != nil {
		return err
	}
	over, err := s.judgeFirst()
	if err != nil || over {
		return err
	}
	if err := s.second(); err != nil {
		return err
	}
	return s.judgeSecond()
}

// renew gives the scene a cache that remembers nothing: another process.
func (s *scene) renew() {
	s.cache = progress.New(s.disk, progress.Options{Now: s.clock.now, Sleep: s.clock.sleep})
	s.seen = observe.New(s.disk, s.cache)
}

// claim claims the next attempt and begins it, as a launcher and its supervisor do.
func (s *scene) claim() (*record.Tenure, error) {
	c, err := record.Claim(s.sys, s.facts, 0, runsheet.Claim{Run: s.run.Name, Nonce: record.NewNonce(), Session: "prove", Executor: "local", Host: "localhost",
		Identity: s.run.Command, Command: s.run.Command, WorkDir: s.run.WorkDir, Dir: s.run.WorkDir, Progress: s.run.Progress})
	if err != nil {
		return nil, err
	}
	t, err := record.Take(s.sys, record.AttemptDir(s.run.WorkDir, c.Attempt))
	if err != nil {
		return nil, err
	}
	s.place.attemptDir = t.Dir
	return t, t.Begin(0)
}

// first lets the first attempt die.
func (s *scene) first() error {
	t, err := s.claim()
	if err != nil {
		return err
	}
	if s.warm >= 0 {
		if err := s.place.writeUpTo(s.t.steps, point{step: s.warm, n: lengthOf(s.t.steps, s.warm)}); err != nil {
			return err
		}
		s.lookLate()
		for k := s.warm + 1; k <= s.at.step; k++ {
			n, left := len(s.t.steps[k].data), nothing
			if k == s.at.step {
				n, left = s.at.n, s.at.leaves
			}
			if err := s.place.writePart(s.t.steps[k], n, left); err != nil {
				return err
			}
		}
	} else if err := s.place.writeUpTo(s.t.steps, s.at); err != nil {
		return err
	}
	if s.way == raises {
		if err := s.place.write(step{path: ourLog, data: traceback}); err != nil {
			return err
		}
	}
	if s.way == vanishes {
		t.Leave()
		_, err := record.TakeOver(context.Background(), s.sys, t.Dir, record.Heir{Final: func() *runsheet.Progress {
			s.clock.ahead = 0
			p := s.cache.Get(context.Background(), s.run.WorkDir, t.Claim.Progress, false)
			return &p
		}})
		return err
	}
	return s.end(t, s.way)
}

// lookLate looks long after the last change, so that what is seen is kept.
func (s *scene) lookLate() {
	s.clock.ahead = time.Hour
	s.cache.Get(context.Background(), s.run.WorkDir, s.run.Progress, false)
	s.clock.ahead = 0
}

// end writes the end of an attempt, as its supervisor does.
func (s *scene) end(t *record.Tenure, w way) error {
	code := 0
	e := runsheet.End{Kind: runsheet.EndExit, ExitCode: &code, At: s.sys.Clock.Now()}
	switch w {
	case killed:
		e.Kind, e.ExitCode, e.Signal = runsheet.EndSignal, nil, "SIGKILL"
	case raises:
		code = 1
	}
	spec := t.Claim.Progress
	spec.Exited = w == quits
	s.clock.ahead = 0
	p := s.cache.Get(context.Background(), s.run.WorkDir, spec, false)
	e.Progress = &p
	e.Cause = s.cause(e)
	return t.End(e)
}

// cause is why the attempt failed, as supervise says it.
func (s *scene) cause(e runsheet.End) runsheet.Cause {
	known := e.Progress.Error == "" && e.Progress.Total > 0
	if e.Progress.Complete() || e.ExitCode != nil && *e.ExitCode == 0 && !known {
		return runsheet.Cause{}
	}
	ended := diagnose.Ended{Kind: e.Kind, ExitCode: e.ExitCode, Signal: e.Signal}
	if known {
		ended.Incomplete = e.Progress.String()
	}
	tail, err := os.ReadFile(record.LogPath(s.place.attemptDir))
	if err != nil {
		tail = nil
	}
	return diagnose.Why(ended, tail)
}

// observe looks at the run, at once or long after, and judges it.
func (s *scene) observe(recompute bool) runsheet.Judgement {
	s.clock.ahead = 0
	if recompute {
		s.facts = s.seen.Recompute(context.Background(), []runsheet.Run{s.run})[0]
	} else {
		s.facts = s.seen.One(context.Background(), s.run)
	}
	return runsheet.Judge(s.run, s.facts, policy, s.clock.now())
}

// policy is the sheet's.
var policy = runsheet.Policy{Jobs: 1, Retries: 2, ActivityWindow: 10 * time.Minute, StopGrace: time.Second}

// judgeFirst judges what is said once the first attempt has died; over: the work was complete, or nobody can know better.
func (s *scene) judgeFirst() (over bool, err error) {
	s.renew()
	j := s.observe(false)
	p := s.facts.Progress
	least, most := s.t.bounds(s.at)
	complete := s.t.after[s.at.step+1].Complete() && s.at.step >= 0
	switch {
	case j.Status == runsheet.Finished && complete && (!s.at.torn(s.t.steps) || most >= s.t.total):
		return true, nil
	case j.Status == runsheet.Finished && s.way == quits && p.Error == "" && (p.Total == 0 || p.Guessed) && !s.at.torn(s.t.steps):
		return true, nil // the exit code is the only witness
	case j.Status == runsheet.Finished && s.way == quits && p.Error == "" && (p.Total == 0 || p.Guessed) && !s.t.steps[s.at.step].doc:
		return true, nil // a line that was never finished says nothing
	case j.Status != runsheet.Failed:
		return false, wrong(string(j.Status), "after attempt 1 it is %s (%s), not failed", j.Status, j.Reason)
	}
	if !strings.HasPrefix(j.Reason, s.way.cause()) {
		return false, wrong("cause", "after attempt 1 the reason does not begin with %q: %s", s.way.cause(), j.Reason)
	}
	if s.way == raises && !strings.Contains(j.Reason, "RuntimeError: the loss exploded") {
		return false, wrong("cause", "after attempt 1 the reason does not name the exception: %s", j.Reason)
	}
	if f := s.facts.Final(); f != nil && (f.Completed < least && !s.guesses() || f.Completed > most) {
		return false, wrong("count", "after attempt 1 it is at %d, and the evidence holds %d to %d (%s)", f.Completed, least, most, j.Reason)
	}
	if st := s.at.step; s.at.torn(s.t.steps) && s.t.steps[st].doc && !s.readable() {
		name := path.Base(strings.TrimPrefix(s.t.steps[st].path, "@"))
		if i := strings.Index(j.Reason, name+" is broken"); i <= 0 {
			return false, wrong("file", "after attempt 1 the reason does not name %s, which is broken: %s", name, j.Reason)
		}
	}
	tries := plan.Tries{Failed: 1, Last: s.facts.End.At, Cause: s.facts.End.Cause}
	if s.way == vanishes {
		tries = plan.Tries{Lost: 1, Last: s.facts.End.At, Cause: s.facts.End.Cause}
	}
	a := plan.Decide(plan.Input{Runs: []runsheet.Run{s.run}, Facts: []runsheet.Facts{s.facts}, Tries: []plan.Tries{tries},
		Hosts: []runsheet.Host{{Name: "localhost", Executor: "local", Slots: 1}}, Policy: policy, Now: s.clock.now()})[0]
	if a.Verb != runsheet.VerbLaunch {
		return false, wrong("plan", "after attempt 1 the plan is %s (%s), not a launch", a.Verb, a.Reason)
	}
	return false, nil
}

// readable says whether what is left of the document is as good as the whole: only blanks are missing.
func (s *scene) readable() bool {
	st := s.t.steps[s.at.step]
	return s.at.leaves == nothing && strings.TrimSpace(st.data[s.at.n:]) == ""
}

// guesses says whether a cut line may have been taken for a whole one that says less: where none will come any more, and
// where a traceback follows it on the same line.
func (s *scene) guesses() bool {
	st := s.t.steps[max(s.at.step, 0)]
	return s.t.k.free && s.at.within(s.t.steps) && st.how == adds && (s.way == quits || s.way == raises && st.path == ourLog)
}

// second lets the second attempt do its work.
func (s *scene) second() error {
	from := int64(0)
	if !s.again && s.at.step > 0 {
		from = s.t.steps[s.at.step-1].done // it knows what it has done
		if !s.at.within(s.t.steps) {
			from = s.t.steps[s.at.step].done
		}
	}
	s.renew()
	t, err := s.claim()
	if err != nil {
		return err
	}
	s.place.clock = s.place.clock.Add(5 * time.Minute)
	_, most := s.t.bounds(s.at)
	for i, st := range s.t.k.steps(2, from) {
		if err := s.place.write(st); err != nil {
			return err
		}
		most = max(most, st.done)
		s.clock.ahead = 0
		p := s.cache.Get(context.Background(), s.run.WorkDir, t.Claim.Progress, false)
		if p.Completed > most {
			return wrong("invented", "after step %d of attempt 2, from %d on, the count is %d, and nothing says more than %d", i, from, p.Completed, most)
		}
	}
	return s.end(t, quits)
}

// judgeSecond judges what is said when all is done.
func (s *scene) judgeSecond() error {
	s.renew()
	for _, recompute := range []bool{false, true} {
		j := s.observe(recompute)
		p := s.facts.Final()
		switch {
		case j.Status != runsheet.Finished:
			return wrong("not finished", "after attempt 2, which did all, it is %s (%s)", j.Status, j.Reason)
		case p == nil || p.Completed != s.t.total:
			return wrong("final count", "after attempt 2, which did all %d, it is finished at %s", s.t.total, p)
		}
	}
	return nil
}

// quick is a disk that does not wait for its contents to be durable: nobody cuts the power here.
type quick struct{ durable.Disk }

func (d quick) Open(label, path string, flag int, perm os.FileMode) (durable.File, error) {
	f, err := d.Disk.Open(label, path, flag, perm)
	if err != nil {
		return nil, err
	}
	return quickFile{f}, nil
}

type quickFile struct{ durable.File }

func (quickFile) Sync() error { return nil }

var _ = errors.New
var _ = filepath.Join
