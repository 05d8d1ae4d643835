package record

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/proc"
)

// ErrUnproven: nobody here can prove that the attempt is gone.
var ErrUnproven = errors.New("nobody here can tell whether it still lives")

// Heir is who takes over an attempt whose supervisor is gone.
type Heir struct {
	// Grace is how long orphaned processes are given between SIGTERM and SIGKILL.
	Grace time.Duration
	// Final reads the progress once nothing of the attempt lives any more; nil, or a nil result, leaves it out.
	Final func() *runsheet.Progress
	// Over is the word of the scheduler that ran the attempt that nothing of it runs any more: proof where nobody here
	// can see that, unless its byte is held. It says how the attempt ended.
	Over *runsheet.Over
	// Why is why an attempt is given up that has not begun, where nobody's word says so; it proves nothing.
	Why runsheet.Cause
	// Force lets go of an attempt of which nothing can be proved, because a person says so.
	Force bool
}

// TakeOver writes the end of an attempt for its supervisor, who must be proved gone: it takes the supervisor's byte,
// ends what is left of the command and sees it gone, and holds the byte until the end is durable. An attempt that has
// not begun is given up by a void start first, so that a late supervisor cannot begin it.
//
// It returns the end that stands there afterwards, whoever wrote it. ErrLive: the supervisor lives. ErrUnproven: it
// cannot be known.
func TakeOver(ctx context.Context, sys System, attemptDir string, heir Heir) (runsheet.End, error) {
	var none runsheet.End
	v, err := LookAt(sys, workDirOf(attemptDir), attemptNumber(attemptDir))
	if err != nil {
		return none, err
	}
	if v.Claim == nil {
		return none, fmt.Errorf("take over %s: %w", attemptDir, fs.ErrNotExist)
	}
	if v.End != nil {
		return *v.End, nil
	}
	// The lock file before the end, durably, whoever made it: it must not be missing beside that. A void start syncs the
	// directory as well.
	lock, err := sys.Locks.Open("takeover", AlivePath(attemptDir))
	if err != nil {
		return none, err
	}
	defer lock.Close()
	if v.Start == nil {
		if v.Start, err = void(sys, attemptDir, *v.Claim); err != nil {
			return none, err
		}
	} else if err := settle(sys, attemptDir); err != nil {
		return none, err
	}
	got, err := lock.Try(SupervisorByte)
	if err != nil {
		return none, err
	}
	if !got {
		return none, fmt.Errorf("take over attempt %d of %s: %w: its supervisor lives", v.Attempt, v.Claim.Run, ErrLive)
	}
	// Under the lock, look again: its supervisor may have written the end and let go since.
	names, err := sys.FS.List("takeover", attemptDir)
	if err != nil {
		return none, err
	}
	if slices.Contains(names, endName) {
		e, err := readRecord(sys, "takeover", EndPath(attemptDir), DecodeEnd)
		if err != nil {
			return none, err
		}
		return *e, nil
	}
	forced := false
	copied, err := Copied(sys, attemptDir, *v.Claim)
	if err != nil {
		return none, err
	}
	if !v.Start.Void && !copied { // nothing works on a copy, and what works on the first is not ours to end
		proof, why, err := proveGone(sys, attemptDir, v.Start.Process)
		if err != nil {
			return none, err
		}
		switch {
		case proof == noProof && heir.Over != nil:
			// A scheduler that keeps track of processes by their parents or groups may have lost some of the command's: those
			// still hold the byte that they inherited.
			lives, err := lock.Held(CommandByte)
			if err != nil {
				return none, err
			}
			if lives {
				return none, fmt.Errorf("take over attempt %d of %s: %w: processes of its command outlived its job on %s", v.Attempt, v.Claim.Run, ErrUnproven, v.Start.Host)
			}
		case proof == noProof && !heir.Force:
			return none, fmt.Errorf("take over attempt %d of %s: %w: %s", v.Attempt, v.Claim.Run, ErrUnproven, why)
		case proof == noProof:
			forced = true
		case proof == sameBoot:
			find := func() ([]runsheet.Process, error) {
				return sys.Procs.Find(v.Claim.Nonce, v.Start.ProcessGroup, v.Start.Process)
			}
			if err := proc.EndAll(ctx, sys.Procs, find, heir.Grace, sys.Clock); err != nil {
				return none, fmt.Errorf("take over attempt %d of %s: %w", v.Attempt, v.Claim.Run, err)
			}
		}
	}
	return writeEnd(sys, attemptDir, v, heir, forced)
}

// writeEnd writes the end for a supervisor that is gone.
func writeEnd(sys System, attemptDir string, v View, heir Heir, forced bool) (runsheet.End, error) {
	e := runsheet.End{Schema: endSchema, Nonce: v.Claim.Nonce, By: sys.Procs.Self(), Kind: runsheet.EndLost,
		Cause:  runsheet.Cause{Kind: runsheet.CauseLost, Text: "its supervisor was killed, or its machine went down"},
		Forced: forced, At: sys.Clock.Now()}
	if heir.Over != nil {
		e.Kind, e.Cause = heir.Over.Kind, heir.Over.Cause
	}
	if v.Start.Void {
		e.Kind = runsheet.EndVoid
		if heir.Over == nil {
			e.Cause = heir.Why
		}
	} else {
		e.Requeued = heir.Over != nil && heir.Over.Requeued
		e.Wall = max(e.At.Sub(v.Start.At).Seconds(), 0)
		if heir.Final != nil {
			e.Progress = heir.Final()
		}
	}
	data, err := encode(e)
	if err != nil {
		return e, err
	}
	err = sys.FS.WriteOnce("takeover", EndPath(attemptDir), data)
	if err == nil {
		return e, nil
	}
	if !errors.Is(err, durable.ErrExists) {
		return e, fmt.Errorf("take over attempt %d of %s: %w", v.Attempt, v.Claim.Run, err)
	}
	theirs, err := readRecord(sys, "takeover", EndPath(attemptDir), DecodeEnd)
	if err != nil {
		return e, err
	}
	return *theirs, nil
}

// void gives up an attempt before it began, and returns the start that stands there afterwards: the void one, or a
// supervisor's that was quicker.
func void(sys System, attemptDir string, c runsheet.Claim) (*runsheet.Start, error) {
	s := runsheet.Start{Schema: startSchema, Nonce: c.Nonce, Process: sys.Procs.Self(), At: sys.Clock.Now(), Void: true}
	data, err := encode(s)
	if err != nil {
		return nil, err
	}
	err = sys.FS.WriteOnce("void", StartPath(attemptDir), data)
	if errors.Is(err, durable.ErrExists) {
		return readRecord(sys, "void", StartPath(attemptDir), DecodeStart)
	}
	if err != nil {
		return nil, fmt.Errorf("give up attempt %d of %s: %w", c.Attempt, c.Run, err)
	}
	return &s, nil
}

// proof is what there is to be known of a supervisor whose byte is free.
type proof int

const (
	noProof   proof = iota // it may live on another machine, or in another container of this one
	sameBoot               // it is gone, and what is left of its command can be seen and ended from here
	otherBoot              // this machine, on which it ran, has been booted since
)

// proveGone says what a free byte proves. On a shared file system a free byte proves nothing about another boot: locks
// of colliding or restarted clients are dropped by the server.
func proveGone(sys System, dir string, p runsheet.Process) (proof, string, error) {
	if sys.Procs.Check(p) != proc.Elsewhere {
		// Same boot: the lock is the kernel's own word that the description is closed, so the supervisor is gone, or is
		// in its last instructions.
		return sameBoot, "", nil
	}
	gone, why, err := Rebooted(sys, dir, p)
	if gone {
		return otherBoot, "", nil
	}
	return noProof, why, err
}

// Rebooted says whether a process that is elsewhere is gone for certain, because the machine that it ran on is this one
// and has been booted since. dir is where its records lie, or lay; why says what keeps it from being known.
//
// That dir lies on a disk of this machine says nothing of who wrote there: other machines may mount it.
func Rebooted(sys System, dir string, p runsheet.Process) (gone bool, why string, err error) {
	self := sys.Procs.Self()
	if self.BootID == p.BootID {
		return false, "it ran in another container of this machine", nil
	}
	local, err := sys.FS.Local(dir)
	switch {
	case err != nil:
		return false, "", err
	case !local:
		return false, fmt.Sprintf("it ran on %s, and this file system is shared between machines", p.Host), nil
	case !p.Machine.Same(self.Machine):
		return false, fmt.Sprintf("it ran on %s, and nothing proves that this is that machine, booted since", p.Host), nil
	}
	return true, "", nil
}

// attemptNumber returns the number in the name of an attempt directory, 0 for any other name.
func attemptNumber(attemptDir string) int {
	n, _ := parseNumber(filepath.Base(attemptDir))
	return n
}
