package record

import (
	"errors"
	"fmt"
	"io/fs"

	"runsheet"
)

// Probe says whether an attempt without an end lives, and why that is unknown. It takes no lock and changes nothing.
// Any answer but LivenessAlive is only as old as the records that were read before it: an end may have been written
// since, so the caller looks for one again.
func Probe(sys System, attemptDir string, c runsheet.Claim, s *runsheet.Start) (runsheet.Liveness, string) {
	held, err := probeByte(sys, attemptDir, SupervisorByte)
	switch {
	case err != nil:
		return runsheet.LivenessUnknown, err.Error()
	case held:
		return runsheet.LivenessAlive, ""
	case s == nil || s.Void:
		// Not begun, wherever its supervisor may be on its way: a void start keeps it from beginning.
		return runsheet.LivenessGone, ""
	}
	proof, why, err := proveGone(sys, attemptDir, s.Process)
	switch {
	case err != nil:
		return runsheet.LivenessUnknown, err.Error()
	case proof == noProof:
		return runsheet.LivenessUnknown, fmt.Sprintf("nobody here can tell whether attempt %d still lives: %s", c.Attempt, why)
	case proof == otherBoot:
		return runsheet.LivenessGone, ""
	}
	left, err := sys.Procs.Find(c.Nonce, s.ProcessGroup, s.Process)
	switch {
	case err != nil:
		return runsheet.LivenessUnknown, err.Error()
	case len(left) > 0:
		return runsheet.LivenessOrphan, ""
	}
	return runsheet.LivenessGone, ""
}

// CommandLives says whether a process holds the byte that the command of an attempt inherited. That none does proves
// nothing: programs close descriptors.
func CommandLives(sys System, attemptDir string) (bool, error) {
	return probeByte(sys, attemptDir, CommandByte)
}

func probeByte(sys System, attemptDir string, b int64) (bool, error) {
	lock, err := sys.Locks.Probe("probe", AlivePath(attemptDir))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer lock.Close()
	return lock.Held(b)
}
