package supervise

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/proc"
	"runsheet/internal/record"
)

// hearScheduler waits, where the command of a job is gone before its work is done, for the signal that ended it: a
// scheduler sends SIGTERM to all processes of a job, one after the other, and the command may be the first to hear it.
func (s *supervisor) hearScheduler() {
	if s.tenure.Job == "" || s.kind != "" || s.away || s.final().Complete() {
		return
	}
	timer := time.NewTimer(hearWithin)
	defer timer.Stop()
	for {
		select {
		case sig := <-s.signals:
			if sig == SignalStop && s.tree.exitedWithin(2*hearWithin) {
				s.kind = runsheet.EndPreempted
				return
			}
		case <-timer.C:
			return
		}
	}
}

// passOn sends a signal to those processes of the command that handle it: it would end the others, as the shell around
// the training code.
func (s *supervisor) passOn(sig syscall.Signal) {
	pids, err := proc.Descendants(os.Getpid())
	if err != nil {
		s.say("pass %s on: %v", unix.SignalName(sig), err)
	}
	heard := 0
	for _, pid := range pids {
		p, err := proc.Identify(pid)
		if err == nil && proc.Catches(pid, sig) && s.sys.Procs.Signal(p, sig) == nil {
			heard++
		}
	}
	if heard == 0 {
		s.say("%s came, and nothing of the command handles it", unix.SignalName(sig))
	}
}

// lookOver looks over the fence.
func (s *supervisor) lookOver() {
	verdict, err := s.tenure.Fence()
	if err != nil {
		s.say("look over the fence: %v", err)
		return
	}
	switch verdict {
	case record.TakenOver:
		if !s.away {
			s.say("the attempt was taken over, or its work dir was taken away: ending the command")
		}
		s.away = true
		s.end(runsheet.EndLost, 0)
		s.noGrace()
	case record.StopAsked:
		s.end(runsheet.EndStopped, s.tenure.Claim.StopGrace)
	}
}
