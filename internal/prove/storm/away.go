package storm

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"runsheet"
	"runsheet/internal/proc"
	"runsheet/internal/supervise"
)

// fenceMargin is how much longer than a look over the fence and the grace it may take until a command is gone whose
// work dir was taken away, on a machine that is busy.
const fenceMargin = 10 * time.Second

// takeAway takes the work dirs of the runs that wait for it away, while their commands live. Those must be ended by
// their supervisors, and the run begun anew, and only after that.
func (rd *round) takeAway(ctx context.Context) error {
	rng := rd.rand("away")
	for _, run := range rd.stays {
		who, err := rd.awaitStay(ctx, run)
		if err != nil || ctx.Err() != nil {
			return err
		}
		wait(ctx, rng, 300*time.Millisecond)
		rd.mu.Lock()
		rd.away[run] = true
		rd.mu.Unlock()
		if err := os.Rename(rd.workDir(run), filepath.Join(rd.ledger, run+".taken")); err != nil {
			return err
		}
		rd.total.add("work dirs taken away", 1)
		rd.fences.Go(func() error { return rd.awaitFence(ctx, run, who) })
	}
	return nil
}

// awaitStay waits until a run's command has completed an epoch and waits, and returns who it is.
func (rd *round) awaitStay(ctx context.Context, run string) (runsheet.Process, error) {
	for ctx.Err() == nil {
		notes, err := readNotes(rd.ledger, run)
		if err != nil {
			return runsheet.Process{}, err
		}
		if len(notes) > 0 && wholeEpochs(rd.workDir(run)) > 0 {
			return notes[0].Who, nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return runsheet.Process{}, nil
}

// awaitFence waits until the command of a run whose work dir was taken away is gone.
func (rd *round) awaitFence(ctx context.Context, run string, who runsheet.Process) error {
	began := time.Now()
	for ctx.Err() == nil {
		if state, err := proc.Check(who); err != nil {
			return err
		} else if state == proc.Gone {
			// From here on it is a run like any other.
			rd.mu.Lock()
			rd.guarded[run] = false
			rd.mu.Unlock()
			return nil
		}
		if took := time.Since(began); took > supervise.FenceEvery+fenceMargin {
			rd.violate("the work dir of %s was taken away %v ago, and its command, process %d, still lives", run, took.Round(time.Second), who.PID)
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil
}
