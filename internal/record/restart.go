package record

import (
	"context"
	"fmt"
	"io/fs"

	"runsheet"
)

// Restart is called in a job that its scheduler has started once more, after it took its place away or lost its machine.
// attemptDir is the attempt that the job was submitted for, which earlier executions may have begun. Restart returns
// the attempt that this execution is to supervise: one that has not begun, or the next one, which it claims; over tells
// how the one before ended, if it has no end yet.
//
// It returns ErrOver where nothing is left to be done: the attempt ended otherwise, the work is complete, a person
// stopped the run, or somebody else went on with it. final reads the progress once nothing of an attempt lives.
func Restart(ctx context.Context, sys System, attemptDir string, over func(runsheet.Claim, runsheet.Start) runsheet.Over, final func(runsheet.Claim) *runsheet.Progress) (string, error) {
	workDir := workDirOf(attemptDir)
	own, err := LookAt(sys, workDir, attemptNumber(attemptDir))
	if err != nil {
		return "", err
	}
	if own.Claim == nil {
		return "", fmt.Errorf("restart %s: %w", attemptDir, fs.ErrNotExist)
	}
	v, err := Look(sys, workDir)
	if err != nil {
		return "", err
	}
	if v.Claim == nil || v.Claim.Batch != own.Claim.Batch || v.Claim.Task != own.Claim.Task {
		return "", fmt.Errorf("%w: somebody else went on with the run, as attempt %d", ErrOver, v.Attempt)
	}
	dir := AttemptDir(workDir, v.Attempt)
	if v.Start == nil && v.End == nil {
		return dir, nil
	}
	if v.End == nil {
		word := over(*v.Claim, *v.Start)
		e, err := TakeOver(ctx, sys, dir, Heir{Grace: v.Claim.StopGrace, Over: &word,
			Final: func() *runsheet.Progress { return final(*v.Claim) }})
		if err != nil {
			return "", err
		}
		v.End = &e
	}
	if !v.End.Requeued {
		return "", fmt.Errorf("%w: attempt %d ended as %s", ErrOver, v.Attempt, v.End.Kind)
	}
	if r := v.Request; r != nil && r.Kind == runsheet.RequestStop && r.Number > v.Claim.Request {
		return "", ErrStopAsked
	}
	progress := final(*v.Claim)
	if progress.Complete() || v.End.Progress.Complete() {
		return "", fmt.Errorf("%w: the work is complete", ErrOver)
	}
	next := *v.Claim
	next.Nonce, next.Fresh, next.Command, next.Resume = NewNonce(), false, next.Identity, false
	if (runsheet.Facts{Claim: v.Claim, Progress: progress}).Begun() {
		next.Command, next.Resume = next.Resumed, true
	}
	next, err = Claim(sys, runsheet.Facts{Attempt: v.Attempt, Claim: v.Claim, Start: v.Start, End: v.End, Request: v.Request}, v.Attempt, next)
	if err != nil {
		return "", err
	}
	return AttemptDir(workDir, next.Attempt), nil
}
