package unattended

import (
	"context"
	"os"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/observe"
	"runsheet/internal/proc"
	"runsheet/internal/progress"
	"runsheet/internal/record"
	"runsheet/internal/supervise"
)

// world is where trials take place in this process.
type world struct {
	dir   string
	disk  durable.Disk
	sys   record.System
	judge func(runsheet.Run, runsheet.Facts, runsheet.Policy, time.Time) runsheet.Judgement
}

func newWorld(dir string) *world {
	disk := quick{durable.OS()}
	sys := record.NewSystem(disk)
	sys.Procs = noProcesses{sys.Procs}
	return &world{dir, disk, sys, runsheet.Judge}
}

// noProcesses are the processes of the machine, of which none belongs to an attempt: the programs of the trials are none.
type noProcesses struct{ proc.Procs }

func (noProcesses) Find(string, int, runsheet.Process) ([]runsheet.Process, error) { return nil, nil }

// quick is a disk that does not wait for its contents to be durable.
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

// clock is the time, and what was waited for in vain: nobody really waits in a trial.
type clock struct{ ahead time.Duration }

func (c *clock) now() time.Time { return time.Now().Add(c.ahead) }

func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.ahead += d
	return ctx.Err()
}

// scene is one trial under way.
type scene struct {
	*world
	trial
	run      runsheet.Run
	clock    clock
	cache    *progress.Cache
	observer *observe.Observer
	place    place
	facts    runsheet.Facts // as they were seen last
}

// do goes through a trial. The error is a fault where something is wrong with what came of it.
func (w *world) do(ctx context.Context, t trial) error {
	dir, err := os.MkdirTemp(w.dir, "run-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s := &scene{world: w, trial: t, place: place{workDir: dir, clock: time.Now().Add(-time.Hour)},
		run: runsheet.Run{Name: "run", WorkDir: dir, Shown: "run", Command: "train", Resumed: "train --resume", Progress: t.t.k.spec}}
	s.renew()
	if err := s.first(ctx); err != nil {
		return err
	}
	s.renew()
	if over, err := s.judgeFirst(ctx); err != nil || over {
		return err
	}
	s.renew()
	if err := s.second(ctx); err != nil {
		return err
	}
	s.renew()
	return s.judgeSecond(ctx)
}

// renew goes on in another process, which remembers nothing.
func (s *scene) renew() {
	s.cache = progress.New(s.disk, progress.Options{Now: s.clock.now, Sleep: s.clock.sleep})
	s.observer = observe.New(s.disk, s.cache)
}

// look reads the progress now.
func (s *scene) look(ctx context.Context, spec runsheet.ProgressSpec) *runsheet.Progress {
	s.clock.ahead = 0
	p := s.cache.Get(ctx, s.run.WorkDir, spec, false)
	return &p
}

// observe looks at the run, and judges it.
func (s *scene) observe(ctx context.Context, recompute bool) runsheet.Judgement {
	s.clock.ahead = 0
	if recompute {
		s.facts = s.observer.Recompute(ctx, []runsheet.Run{s.run})[0]
	} else {
		s.facts = s.observer.One(ctx, s.run)
	}
	return s.judge(s.run, s.facts, policy, s.clock.now())
}

// claim claims the next attempt and begins it, as a launcher and its supervisor do.
func (s *scene) claim() (*record.Tenure, error) {
	c, err := record.Claim(s.sys, s.facts, 0, runsheet.Claim{Run: s.run.Name, Nonce: record.NewNonce(), Session: "prove", Executor: "local",
		Host: "localhost", Identity: s.run.Command, Command: s.run.Command, WorkDir: s.run.WorkDir, Dir: s.run.WorkDir, Progress: s.run.Progress})
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
func (s *scene) first(ctx context.Context) error {
	t, err := s.claim()
	if err != nil {
		return err
	}
	for k := 0; k <= s.at.step; k++ {
		if err := s.place.writeStep(s.t.steps, k, s.at); err != nil {
			return err
		}
		if k == s.warm { // long after the last change, so that what is seen is kept
			s.clock.ahead = time.Hour
			s.cache.Get(ctx, s.run.WorkDir, s.run.Progress, false)
		}
	}
	if s.way == raises {
		if err := s.place.write(step{path: ourLog, data: traceback}); err != nil {
			return err
		}
	}
	if s.way != vanishes {
		return s.end(ctx, t, s.way)
	}
	t.Leave()
	_, err = record.TakeOver(ctx, s.sys, t.Dir, record.Heir{Final: func() *runsheet.Progress { return s.look(ctx, t.Claim.Progress) }})
	return err
}

// end writes the end of an attempt, as its supervisor does.
func (s *scene) end(ctx context.Context, t *record.Tenure, w way) error {
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
	e.Progress = s.look(ctx, spec)
	e.Cause = supervise.Cause(e, false, func() []byte {
		data, err := os.ReadFile(record.LogPath(t.Dir))
		if err != nil {
			return nil
		}
		return data
	})
	return t.End(e)
}

// second lets the second attempt do its work, and looks at it at the beginning and at the end of it: a line that is glued to a
// cut one is the first that it writes to a file.
func (s *scene) second(ctx context.Context) error {
	t, err := s.claim()
	if err != nil {
		return err
	}
	from := s.goesOn()
	s.place.clock = s.place.clock.Add(5 * time.Minute)
	_, most := s.t.bounds(s.at)
	steps := s.t.k.steps(2, from)
	for k, st := range steps {
		if err := s.place.write(st); err != nil {
			return err
		}
		most = max(most, st.done)
		if k > 3 && k < len(steps)-1 {
			continue
		}
		if p := s.look(ctx, t.Claim.Progress); p.Completed > most {
			return wrong("invented", "after step %d of attempt 2, which went on from %d, the count is %d, and nothing says more than %d", k, from, p.Completed, most)
		}
	}
	return s.end(ctx, t, quits)
}
