package supervise

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/diagnose"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// tailRoom is how much of the end of the log is looked at for the cause of a failure, in bytes.
const tailRoom = 64 << 10

// judgeEnd makes the end of the attempt, whose last process is gone.
func (s *supervisor) judgeEnd(oom bool) runsheet.End {
	e := runsheet.End{Kind: s.kind, Progress: s.final()}
	e.PeakMemory, e.CPU, e.Wall, e.At = s.tree.usage() // not when the evidence was read: that may take long
	status, exited := s.tree.exit()
	switch {
	case exited && status.Exited():
		code := status.ExitStatus()
		e.ExitCode = &code
		if e.Kind == "" {
			e.Kind = runsheet.EndExit
		}
	case exited:
		e.Signal = unix.SignalName(status.Signal())
		if e.Kind == "" {
			e.Kind = runsheet.EndSignal
		}
	}
	if cause, ok := s.notActivated(e, oom); ok {
		e.Kind, e.ExitCode, e.Signal, e.Cause = runsheet.EndError, nil, "", cause
		return e
	}
	e.Cause = s.cause(e, oom)
	return e
}

// jobMemory says whether the node of its job says that it ended the job for its memory. The command may be gone before this
// process is.
func (s *supervisor) jobMemory() bool {
	if s.tenure.Job == "" {
		return false
	}
	c := s.tenure.Claim
	said, _, err := durable.Read(s.disk, "job", record.BatchLogPath(record.StateOf(c), c.Batch, c.Task), 1<<20)
	return err == nil && diagnose.JobMemory(said) != ""
}

// notActivated says why the command was not run: what was to be activated before it failed.
func (s *supervisor) notActivated(e runsheet.End, oom bool) (cause runsheet.Cause, failed bool) {
	if s.activated == nil || s.kind != "" || s.activated.made() {
		return cause, false
	}
	why := "it ended the shell before the command began"
	if e.ExitCode == nil || *e.ExitCode != 0 {
		why = diagnose.Why(diagnose.Ended{Kind: e.Kind, ExitCode: e.ExitCode, Signal: e.Signal, OOM: oom}, s.tail()).Text
	}
	return runsheet.Cause{Kind: runsheet.CauseActivate, Text: "activate failed: " + why}, true
}

// cause says why the attempt failed, if it did.
func (s *supervisor) cause(e runsheet.End, oom bool) runsheet.Cause {
	switch {
	case e.Progress.Complete(), e.Kind == runsheet.EndStopped:
		return runsheet.Cause{}
	case e.Kind == runsheet.EndStuck && e.ExitCode != nil && *e.ExitCode == 0:
		return runsheet.Cause{Kind: runsheet.CauseStuck, Text: "the command exited 0, and what it left running showed no sign of progress for too long"}
	case e.Kind == runsheet.EndStuck:
		return runsheet.Cause{Kind: runsheet.CauseStuck, Text: "no sign of progress for too long"}
	case e.Kind == runsheet.EndTimeLimit && s.tenure.Job != "":
		return runsheet.Cause{Kind: runsheet.CauseTimeLimit, Text: "its job's time was nearly over"}
	case e.Kind == runsheet.EndTimeLimit:
		return runsheet.Cause{Kind: runsheet.CauseTimeLimit, Text: "it may run for " + runsheet.Span(s.tenure.Claim.TimeLimit) + " at a time"}
	}
	return Cause(e, oom, s.tail)
}

// Cause says why an attempt failed that ended by itself, if it did. oom: the kernel killed one of its processes for want of
// memory. tail reads the end of its log.
func Cause(e runsheet.End, oom bool, tail func() []byte) runsheet.Cause {
	known := e.Progress.Error == "" && e.Progress.Total > 0
	switch well := e.ExitCode != nil && *e.ExitCode == 0; {
	case e.Progress.Complete():
		return runsheet.Cause{}
	case well && e.Progress.Broken != "":
		return runsheet.Cause{Kind: runsheet.CauseIncomplete, Text: "exited 0, and " + diagnose.Clean(e.Progress.Broken)}
	case well && !known:
		return runsheet.Cause{}
	}
	ended := diagnose.Ended{Kind: e.Kind, ExitCode: e.ExitCode, Signal: e.Signal, OOM: oom}
	if known && e.Progress.Source != "" {
		ended.Incomplete = e.Progress.String()
	}
	cause := diagnose.Why(ended, tail())
	if cause.Kind == "" && known {
		cause = runsheet.Cause{Kind: runsheet.CauseNoEvidence, Text: "nothing in its work dir shows progress: " +
			"name what does in the sheet, as `progress: {tracker: csv, file: log.csv, step: epoch}`"}
	}
	return cause
}

// tail reads the end of the log.
func (s *supervisor) tail() []byte {
	f, err := durable.OpenRegular(s.disk, "tail", record.LogPath(s.dir))
	if err != nil {
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil
	}
	from := max(info.Size()-tailRoom, 0)
	buf := make([]byte, info.Size()-from)
	n, err := f.ReadAt(buf, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil
	}
	return buf[:n]
}

// writeEnd makes the end durable, however long that takes: the lock is kept until it is, and what stands in the way (a
// full disk, a server that is away) may pass. A work dir that was taken away ends the trying.
func (s *supervisor) writeEnd(e runsheet.End) error {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, retryEnd) {
		// Records that were put in the place of ours are not to be ended: a copy of them holds a copy of the spare, too.
		if verdict, err := s.tenure.Fence(); err == nil && verdict == record.TakenOver {
			s.tenure.Leave()
			return fmt.Errorf("no end is written: the attempt was taken over, or its work dir was taken away: %w", record.ErrOver)
		}
		err := s.tenure.End(e)
		if err == nil || errors.Is(err, record.ErrOver) {
			return err
		}
		s.say("%v; trying again in %v", err, wait)
		time.Sleep(wait)
	}
}

// stopBeforeStart ends an attempt that a person stopped before it began.
func (s *supervisor) stopBeforeStart() error {
	return s.endUnstarted(runsheet.End{Kind: runsheet.EndStopped})
}

// failToStart ends an attempt whose command could not be started at all.
func (s *supervisor) failToStart(err error) error {
	s.say("%v", err)
	cause := runsheet.Cause{Kind: runsheet.CauseExit, Text: diagnose.Clean(err.Error())}
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission):
		cause.Kind = runsheet.CauseCommand
	case durable.Starved(err), durable.NoRoom(err):
		cause.Kind = runsheet.CauseShort
	}
	return s.endUnstarted(runsheet.End{Kind: runsheet.EndError, Cause: cause})
}

// callOff gives the attempt up where its supervisor has no file or room left to begin it, so that nobody has to find out
// whether it will, and no run is blamed. err is what went wrong.
func (s *supervisor) callOff(err error) error {
	if !durable.Starved(err) && !durable.NoRoom(err) {
		return err
	}
	_, terr := record.TakeOver(context.Background(), s.sys, s.dir, record.Heir{
		Why: runsheet.Cause{Kind: runsheet.CauseShort, Text: diagnose.Clean(err.Error())}})
	return errors.Join(err, terr)
}

// endUnstarted writes the start and the end of an attempt that ran nothing.
func (s *supervisor) endUnstarted(e runsheet.End) error {
	if err := s.tenure.Begin(0); err != nil {
		s.tenure.Leave()
		return err
	}
	e.At = s.sys.Clock.Now()
	return s.writeEnd(e)
}
