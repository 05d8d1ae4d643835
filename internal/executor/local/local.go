// Package local starts attempts on this machine: it runs `supervise` as a process in a session of its own, which goes
// on without the launcher. It never imports the supervisor, and never waits for one.
package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/forkserver"
	"runsheet/internal/record"
)

// Name is the executor's name in claims and pools.
const Name = "local"

// Executor runs attempts on this machine.
type Executor struct {
	sys  record.System
	disk durable.Disk
	fork *forkserver.Server
	self string // the binary that knows the verb `supervise`
}

// New returns the executor of this machine. The supervisors are started by fork, as this very binary, whatever has become
// of its name since.
func New(disk durable.Disk, fork *forkserver.Server) *Executor {
	return &Executor{sys: record.NewSystem(disk), disk: disk, fork: fork, self: "/proc/self/exe"}
}

// Name implements runsheet.Executor.
func (e *Executor) Name() string { return Name }

// Start implements runsheet.Executor.
func (e *Executor) Start(ctx context.Context, launches []runsheet.Launch) []error {
	errs := make([]error, len(launches))
	for i, l := range launches {
		if err := e.start(ctx, l.Dir, l.Claim); err != nil {
			errs[i] = fmt.Errorf("start attempt %d of %s: %w", l.Claim.Attempt, l.Claim.Run, err)
		}
	}
	return errs
}

func (e *Executor) start(ctx context.Context, attemptDir string, c runsheet.Claim) error {
	// The supervisor opens it by itself: whoever starts it must have nothing open on the attempt's file system. Where it
	// cannot be made, that is told here.
	log, err := durable.OpenOwn(e.disk, "supervise", record.SuperviseLogPath(attemptDir), os.O_WRONLY|os.O_APPEND)
	if err != nil {
		return err
	}
	if err := log.Close(); err != nil {
		return err
	}
	p, err := e.fork.Start(ctx, forkserver.Command{
		Name: e.self,
		Args: []string{os.Args[0], "supervise", attemptDir}, // what ps shows
		// The token makes the supervisor itself findable where its work dir, and every record in it, was deleted.
		Env:     append(os.Environ(), "RUNSHEET_TOKEN="+c.Nonce),
		Dir:     "/", // it must not hold a file system that somebody wants to unmount
		Session: true,
	})
	if err != nil {
		return err
	}
	p.Release()
	return nil
}

// Probe implements runsheet.Executor.
func (e *Executor) Probe(_ context.Context, attemptDir string, c runsheet.Claim, s *runsheet.Start) runsheet.Sighting {
	alive, why := record.Probe(e.sys, attemptDir, c, s)
	return runsheet.Sighting{Liveness: alive, Why: why}
}

// Stop implements runsheet.Executor. An attempt that has not begun is about to: it is stopped once it has.
func (e *Executor) Stop(_ context.Context, attemptDir string, _ runsheet.Claim, s *runsheet.Start, kind runsheet.EndKind, hurry bool) error {
	if s == nil {
		return nil
	}
	sig := unix.SIGTERM
	if kind == runsheet.EndStuck {
		sig = syscall.Signal(41) // supervise.SignalStuck
	}
	if err := e.sys.Procs.Signal(s.Process, sig); err != nil {
		return fmt.Errorf("stop the attempt in %s: %w", filepath.Base(attemptDir), err)
	}
	if hurry {
		return e.sys.Procs.Signal(s.Process, syscall.Signal(42)) // supervise.SignalHurry
	}
	return nil
}
