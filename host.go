package runsheet

import (
	"context"
	"errors"
	"iter"
	"time"
)

// Host is one machine of the pool as it was at one moment.
type Host struct {
	Name     string
	Entry    string   // what the sheet calls its entry of the pool: see PoolEntry.Called
	Executor string   // the executor that starts attempts there
	Slots    int      // attempts at once
	Away     string   // why nothing can be started there now; empty: something can
	Batch    int      // how many attempts may be started with one call; 0: one
	Queue    bool     // it places attempts by itself, when there is room: CPUs, memory and GPUs are its business
	CPUs     int      // cores; 0: not known
	Memory   int64    // bytes of main memory in all; 0: not known
	Devices  []Device // GPUs, in the order in which they are to be used
	Blind    string   // why its GPUs cannot be seen, so that it may have more of them; empty: they can
	Busy     string   // why it is too busy for any attempt, in words; empty: it is not
	GPUsBusy string   // why it is too busy for attempts that ask for GPUs; empty: it is not
}

// Device is a GPU.
type Device struct {
	ID      string // as CUDA_VISIBLE_DEVICES takes it
	Name    string
	Memory  int64  // bytes in all; 0: not known
	Free    int64  // bytes of memory that nobody uses
	Busy    string // why it is not idle for us, in words ("utilisation 97 %", "alice: python 20 GiB"); empty: idle
	WasOurs bool   // it was an attempt's of ours when it was last looked at: how it is now is not known yet
}

// Clock tells the time. Production code uses the system's; tests hold their own.
type Clock interface {
	Now() time.Time
}

// Source observes runs. It never changes anything but caches, and it never fails as a whole: what is wrong with one
// run stands in that run's Facts.
type Source interface {
	// Observe returns the facts of each run, in their order, records read before evidence.
	Observe(ctx context.Context, runs []Run) []Facts
}

// Executor starts attempts on one kind of host: it causes `runsheet supervise` to run there. Every executor passes
// the suite in internal/executor/exectest.
//
// A call may be repeated: starting an attempt twice starts one supervisor that owns it, stopping what is over is no
// error. None of the calls waits for the command.
type Executor interface {
	// Name returns the name that claims carry: "local", ...
	Name() string
	// Start causes the supervisors of claimed attempts to run. An error at the index of a launch means that no
	// supervisor of it was started and none will be; nil means that all were, or will be.
	Start(ctx context.Context, launches []Launch) []error
	// Probe says whether an attempt without an end lives. Where nobody can be asked it answers LivenessUnknown, and
	// why. It changes nothing. An end may have been written since the records were read: unless the answer is
	// LivenessAlive the caller looks for it again.
	Probe(ctx context.Context, attemptDir string, claim Claim, start *Start) Sighting
	// Stop asks the supervisor of an attempt to end it with the given kind, EndStopped or EndStuck: politely, and
	// hard after the claim's grace, or at once where hurry is set. One that has not begun (start is nil) is kept from
	// beginning, if it waits in a queue; with EndVoid that is all, and one that runs is left alone. It does not wait for
	// the end.
	Stop(ctx context.Context, attemptDir string, claim Claim, start *Start, kind EndKind, hurry bool) error
}

// ErrRefused is what an error of Start is where the place in the pool will never take the attempt, as things are: another
// place may.
var ErrRefused = errors.New("it is refused for good")

// Launch is a claimed attempt that is to be started.
type Launch struct {
	Dir       string // the attempt's directory, which holds the claim
	Claim     Claim
	Resources Resources
	Sheet     string // the sheet's name, for people who look at the queue
}

// Queue is an executor that hands attempts over to a scheduler, which starts them when there is room.
type Queue interface {
	Executor
	// Batch returns how many attempts may be put into the queue with one call of Start, at least 1. An error means that
	// the scheduler cannot be asked now.
	Batch(ctx context.Context) (int, error)
	// News returns what happened in the queue since the last call, a line each, in words: submissions with their job numbers, and
	// the reasons why attempts wait. waiting are the attempts that are in the queue.
	News(ctx context.Context, waiting iter.Seq[Claim]) []string
	// Waits says whether an attempt that has not begun still waits in the queue, for what, and whether in vain, as far as
	// that is known without a look at any file.
	Waits(ctx context.Context, claim Claim) (seen Sighting, waits bool)
}
