// Package local starts attempts on this machine: it runs `supervise` as a process in a session of its own, which goes
// on without the launcher. It never imports the supervisor, and never waits for one.
package local

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// Name is the executor's name in claims and pools.
const Name = "local"

// Executor runs attempts on this machine.
type Executor struct {
	sys  record.System
	disk durable.Disk
	self string // the binary that knows the verb `supervise`
}

// New returns the executor of this machine. The supervisors are started as this very binary, whatever has become of
// its name since.
func New(disk durable.Disk) *Executor {
	return &Executor{sys: record.NewSystem(disk), disk: disk, self: "/proc/self/exe"}
}

// Name implements runsheet.Executor.
func (e *Executor) Name() string { return Name }

// Start implements runsheet.Executor.
func (e *Executor) Start(_ context.Context, launches []runsheet.Launch) []error {
	errs := make([]error, len(launches))
	for i, l := range launches {
		errs[i] = e.start(l.Dir, l.Claim)
	}
	return errs
}

func (e *Executor) start(attemptDir string, c runsheet.Claim) error {
	log, err := durable.OpenOwn(e.disk, "supervise", record.SuperviseLogPath(attemptDir), os.O_WRONLY|os.O_APPEND)
	if err != nil {
		return fmt.Errorf("start attempt %d of %s: %w", c.Attempt, c.Run, err)
	}
	defer log.Close()
	if err := keepInherited(); err != nil {
		return fmt.Errorf("start attempt %d of %s: %w", c.Attempt, c.Run, err)
	}
	cmd := exec.Command(e.self, "supervise", attemptDir)
	cmd.Args[0] = os.Args[0] // what ps shows
	// The token makes the supervisor itself findable where its work dir, and every record in it, was deleted.
	cmd.Env = append(os.Environ(), "RUNSHEET_TOKEN="+c.Nonce)
	cmd.Dir = "/" // it must not hold a file system that somebody wants to unmount
	cmd.Stdout, cmd.Stderr = log.OS(), log.OS()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start attempt %d of %s: %w", c.Attempt, c.Run, err)
	}
	go cmd.Wait() // so that it does not stay a zombie while this launcher lives
	return nil
}

// keepInherited keeps the descriptors that this process was started with to itself: what a supervisor inherited would
// stay open for as long as the attempt lives, a lock (`flock FILE runsheet run`) or the pipe that somebody waits on.
// Whatever Go opens is close-on-exec already.
func keepInherited() error {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
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
