package supervise

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/proc"
	"runsheet/internal/progress"
	"runsheet/internal/record"
)

const (
	sampleEvery = 2 * time.Second  // the memory of the tree
	retryEnd    = 10 * time.Second // at most between two tries to write the end
	hearWithin  = time.Second      // a scheduler's signal to all of a job may reach the supervisor so much later than the command
)

// supervisor is one run of Main.
type supervisor struct {
	sys     record.System
	disk    durable.Disk
	dir     string // the attempt's
	signals <-chan os.Signal
	stderr  io.Writer
	cache   *progress.Cache
	fence   time.Duration // between two looks over the fence

	tenure *record.Tenure
	tree   *tree
	// activated tells whether the shell of the command came as far as to it; nil: nothing was to be activated before it.
	activated *mark
	kind      runsheet.EndKind // what the supervisor ends the command as; empty: it has not been told to end it
	hurry     chan struct{}    // closed: no grace
	swept     chan struct{}    // closed: what ended the processes of the attempt is done
	away      bool             // the attempt is somebody else's: no end is to be written

	measuring atomic.Bool    // the command of progress runs
	measures  sync.WaitGroup // those whose output is not kept yet, or thrown away
	limitSaid atomic.Bool    // it was told that the time limit of its job is near
}

func (s *supervisor) run() error {
	// Orphans of the command become our children, wherever they daemonize to: when there is no child left, nothing of
	// the attempt lives.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become the reaper of the command's orphans: %w", err)
	}
	t, err := record.Take(s.sys, s.dir)
	if errors.Is(err, record.ErrStopAsked) {
		s.tenure = t
		t.Job = jobName(t.Claim)
		return s.stopBeforeStart()
	}
	if err != nil {
		return s.callOff(err)
	}
	s.tenure = t
	t.Job = jobName(t.Claim)
	s.hurry, s.swept = make(chan struct{}), make(chan struct{})
	oom := oomKills()
	cmd, err := s.open(t.Claim)
	if err != nil {
		return s.failToStart(err)
	}
	s.tree, s.activated = reap(cmd.pid), cmd.activated
	if err := t.Begin(cmd.pid); err != nil {
		cmd.callOff()
		<-s.tree.gone
		t.Leave()
		return err
	}
	if err := cmd.release(); err != nil {
		s.say("let the command go: %v", err)
	}
	s.watch()
	if s.away {
		t.Leave()
		return nil
	}
	s.measureLast()
	e := s.judgeEnd(oomKills() > oom || s.jobMemory())
	if e.Kind == runsheet.EndPreempted && !e.Progress.Complete() {
		// The scheduler ended it, and it alone can say why: it preempted the job, or somebody cancelled it, or its time was
		// over. Whoever hears it from there writes the end.
		t.Leave()
		return nil
	}
	return s.writeEnd(e)
}

// watch returns when every process of the attempt is gone.
func (s *supervisor) watch() {
	fence := time.NewTicker(s.fence)
	defer fence.Stop()
	sample := time.NewTicker(sampleEvery)
	defer sample.Stop()
	measure := time.NewTicker(measureEvery)
	defer measure.Stop()
	limit := allowance{s.tenure.Claim.TimeLimit, time.Now()}
	spend := time.NewTimer(limit.spend(limit.at, false))
	defer spend.Stop()
	if limit.left <= 0 {
		spend.Stop()
	}
	near := time.NewTimer(0) // runs once the time limit of the job is near
	near.Stop()
	defer near.Stop()
	told := make(chan time.Time, 1)
	s.measure()
	main := s.tree.main
	s.lookOver() // a stop that was asked for before start.json stood there has signalled nobody
	for {
		select {
		case <-s.tree.gone:
			s.hearScheduler()
			return
		case <-main:
			main = nil
			s.mainIsGone()
		case <-sample.C:
			s.tree.sample()
		case <-measure.C:
			s.measure()
		case now := <-spend.C:
			if next := limit.spend(now, s.suspended()); next > 0 {
				spend.Reset(next)
			} else {
				s.end(runsheet.EndTimeLimit, s.tenure.Claim.StopGrace)
			}
		case at := <-told:
			near.Reset(time.Until(at))
		case <-near.C:
			s.end(runsheet.EndTimeLimit, s.tenure.Claim.StopGrace)
		case <-fence.C:
			s.lookOver()
			if main == nil {
				s.mainIsGone()
			}
		case sig := <-s.signals:
			switch sig {
			case SignalLook:
				s.lookOver()
			case SignalHurry:
				s.end(runsheet.EndStopped, 0)
				s.noGrace()
			case SignalStuck:
				s.end(runsheet.EndStuck, s.tenure.Claim.StopGrace)
			case SignalTimeLimit:
				s.hearLimit(told)
			case SignalStop:
				kind := runsheet.EndStopped
				if s.tenure.Job != "" {
					kind = runsheet.EndPreempted
				}
				s.end(kind, s.tenure.Claim.StopGrace)
			case SignalJobStop:
				s.end(runsheet.EndStopped, s.tenure.Claim.StopGrace)
			default:
				s.passOn(sig.(syscall.Signal))
			}
		}
	}
}

// mainIsGone decides about what the command left running when it exited. A command that failed leaves debris. One
// that exited 0 may have daemonized the very work: it is waited for, until the evidence says that the work is done;
// what still lingers after the grace is ended.
func (s *supervisor) mainIsGone() {
	status, _ := s.tree.exit()
	switch {
	case s.kind != "":
		return
	case status.Signaled() || status.ExitStatus() != 0:
		s.sweep(s.tenure.Claim.StopGrace)
	case s.final().Complete():
		grace := s.tenure.Claim.StopGrace
		time.AfterFunc(grace, func() { s.sweep(grace) })
	}
}

// end ends the command as kind, once.
func (s *supervisor) end(kind runsheet.EndKind, grace time.Duration) {
	if s.kind != "" {
		return
	}
	if s.atWork() || kind == runsheet.EndPreempted && s.tree.exitedWithin(hearWithin) {
		s.kind = kind
	}
	s.sweep(grace)
}

// atWork says whether ending the attempt now cuts its work short. What a command that failed left running is debris, and
// so is what lingers after the evidence is complete; what is left of one that exited 0 before may be the very work.
func (s *supervisor) atWork() bool {
	select {
	case <-s.tree.gone:
		return false
	default:
	}
	status, exited := s.tree.exit()
	return !exited || status.Exited() && status.ExitStatus() == 0 && !s.final().Complete()
}

func (s *supervisor) noGrace() {
	select {
	case <-s.hurry:
	default:
		close(s.hurry)
	}
}

// sweep ends every process of the attempt in the background: politely, and hard after the grace, again and again
// until none is left.
func (s *supervisor) sweep(grace time.Duration) {
	if !s.tree.sweeping.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer close(s.swept)
		polite, cancel := context.WithCancel(context.Background())
		defer cancel()
		go func() {
			select {
			case <-s.hurry:
				cancel()
			case <-polite.Done():
			case <-s.tree.gone:
			}
		}()
		err := proc.EndAll(polite, s.sys.Procs, s.living, grace, s.sys.Clock)
		for err != nil {
			select {
			case <-s.tree.gone:
				return
			default:
			}
			if !errors.Is(err, context.Canceled) {
				s.say("%v; trying on", err)
			}
			err = proc.EndAll(context.Background(), s.sys.Procs, s.living, 0, s.sys.Clock)
		}
	}()
}

// living lists the processes of the attempt: our descendants, and whoever carries the token.
func (s *supervisor) living() ([]runsheet.Process, error) {
	found, err := s.sys.Procs.Find(s.tenure.Claim.Nonce, s.tree.pid, s.tenure.Start.Process)
	if err != nil {
		return nil, err
	}
	seen := make(map[int]bool, len(found))
	for _, p := range found {
		seen[p.PID] = true
	}
	below, err := proc.Descendants(os.Getpid())
	if err != nil {
		return nil, err
	}
	for _, pid := range below {
		if seen[pid] {
			continue
		}
		if p, err := proc.Identify(pid); err == nil {
			found = append(found, p)
		}
	}
	return found, nil
}

// final reads the progress now.
func (s *supervisor) final() *runsheet.Progress {
	c := s.tenure.Claim
	spec := c.Progress
	select {
	case <-s.tree.gone:
		status, _ := s.tree.exit()
		spec.Exited = status.Exited() && status.ExitStatus() == 0
	default:
	}
	p := s.cache.Get(context.Background(), c.WorkDir, spec, false)
	return &p
}
