package supervise

import (
	"bytes"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"runsheet/internal/durable"
	"runsheet/internal/record"
)

const (
	measureEvery  = 10 * time.Second
	measureWithin = 30 * time.Second // then it is ended, and what it printed is not used
	maxMeasured   = 1 << 20          // bytes that it may print
)

// measure runs the sheet's command for progress, if there is one and it is not running, and keeps what it prints for
// the tracker that reads it. The command is a process of the attempt like any other: it carries the token, and it is
// ended with the attempt.
func (s *supervisor) measure() {
	c := s.tenure.Claim
	if c.Progress.Command == "" || !s.measuring.CompareAndSwap(false, true) {
		return
	}
	read, write, err := os.Pipe()
	if err != nil {
		s.measuring.Store(false)
		s.say("run the command of progress: %v", err)
		return
	}
	pid, err := s.startMeasure(write)
	write.Close()
	if err != nil {
		read.Close()
		s.measuring.Store(false)
		s.say("run the command of progress: %v", err)
		return
	}
	read.SetReadDeadline(time.Now().Add(measureWithin))
	s.measures.Go(func() {
		defer s.measuring.Store(false)
		defer read.Close()
		done := make(chan struct{})
		defer close(done)
		go func() {
			select {
			case <-s.tree.main: // the command itself is gone: it is measured once more when nothing of it lives
				read.SetReadDeadline(time.Now())
			case <-done:
			}
		}()
		printed, err := io.ReadAll(io.LimitReader(read, maxMeasured))
		if err != nil {
			unix.Kill(-pid, unix.SIGKILL) // its process group lives: the pipe is open in it
			return
		}
		s.keepMeasured(printed)
	})
}

// startMeasure starts the command as a child of ours; the reaper waits for it, as for every other.
func (s *supervisor) startMeasure(out *os.File) (pid int, err error) {
	c := s.tenure.Claim
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	shell := shell()
	p, err := os.StartProcess(shell, shellArgs(shell, activatedQuietly, c.Activate, c.Progress.Command), &os.ProcAttr{
		Dir: c.Dir, Env: environment(os.Environ(), c, s.dir), Files: []*os.File{null, out, null}, Sys: &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		return 0, err
	}
	pid = p.Pid
	return pid, p.Release()
}

// measureLast runs the command once more, when nothing of the attempt lives and nobody reaps any more.
func (s *supervisor) measureLast() {
	c := s.tenure.Claim
	if c.Progress.Command == "" {
		return
	}
	if !s.tree.sweeping.CompareAndSwap(false, true) {
		<-s.swept // it would end this one, too
	}
	s.measures.Wait() // what was printed before must not be kept after this
	read, write, err := os.Pipe()
	if err != nil {
		return
	}
	defer read.Close()
	pid, err := s.startMeasure(write)
	write.Close()
	if err != nil {
		s.say("run the command of progress: %v", err)
		return
	}
	read.SetReadDeadline(time.Now().Add(measureWithin))
	printed, err := io.ReadAll(io.LimitReader(read, maxMeasured))
	if err != nil {
		s.say("the command of progress took longer than %v, and was ended", measureWithin)
	}
	unix.Kill(-pid, unix.SIGKILL)
	<-reap(pid).gone
	if err == nil {
		s.keepMeasured(printed)
	}
}

// keepMeasured keeps what the command printed; one that printed nothing leaves what was there.
func (s *supervisor) keepMeasured(printed []byte) {
	if printed = bytes.TrimSpace(printed); len(printed) == 0 {
		return
	}
	if err := durable.Replace(s.disk, "measure", record.MeasuredPath(s.dir), printed, durable.Private); err != nil {
		s.say("keep what the command of progress printed: %v", err)
	}
}
