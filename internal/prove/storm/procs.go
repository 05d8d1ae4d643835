package storm

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/proc"
	"runsheet/internal/record"
)

// role is what a process of the storm does.
type role string

// The roles.
const (
	launcher   role = "launcher"
	supervisor role = "supervisor"
	command    role = "command" // from the waiting gate on, with all that it started
	view       role = "view"    // status and check: left alone
)

// process is a living process of the storm.
type process struct {
	runsheet.Process
	role       role
	run        string // the base name of the work dir; empty: none, or not known
	attemptDir string // of a supervisor
}

// processes finds the processes of the storm by its mark in their environment: daemons and whatever closed its
// descriptors are found as well. It does not ask the code under test, which has its own way of finding them.
func (rd *round) processes() []process {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	self, err := proc.Self()
	if err != nil {
		return nil
	}
	var found []process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		// Before its environment is read: then that is of this process, or of no other.
		// What is older than this process is none of its storm.
		if who, err := proc.Identify(pid); err == nil && who.StartTime >= self.StartTime {
			if p, ok := rd.inspect(who); ok {
				found = append(found, p)
			}
		}
	}
	return found
}

// inspect says what a process is, and whether it is one of the storm.
func (rd *round) inspect(who runsheet.Process) (process, bool) {
	dir := filepath.Join("/proc", strconv.Itoa(who.PID))
	environ, err := os.ReadFile(filepath.Join(dir, "environ"))
	if err != nil {
		return process{}, false
	}
	mark := []byte(markVariable + "=" + rd.mark)
	variables := bytes.Split(environ, []byte{0})
	if !slices.ContainsFunc(variables, func(v []byte) bool { return bytes.Equal(v, mark) }) {
		return process{}, false
	}
	p := process{Process: who, role: command}
	cmdline, err := os.ReadFile(filepath.Join(dir, "cmdline"))
	if err != nil {
		return process{}, false
	}
	if again, err := proc.Identify(who.PID); err != nil || again != who {
		return process{}, false
	}
	if args := strings.Split(string(cmdline), "\x00"); len(args) > 2 {
		switch args[1] {
		case "run":
			p.role = launcher
		case "supervise":
			p.role, p.attemptDir = supervisor, args[2]
			p.run = filepath.Base(filepath.Dir(filepath.Dir(filepath.Dir(p.attemptDir))))
		case "status", "check":
			p.role = view
		}
	}
	for _, v := range variables {
		if dir, ok := bytes.CutPrefix(v, []byte("RUNSHEET_WORK_DIR=")); ok && p.role == command {
			p.run = filepath.Base(string(dir))
		}
	}
	return p, true
}

// signal sends a signal to just this process, by the pidfd, after its identity was compared. A SIGKILL is remembered
// before it is sent.
func (rd *round) signal(p runsheet.Process, sig unix.Signal) error {
	if sig == unix.SIGKILL {
		rd.mu.Lock()
		rd.victims[victim{p.PID, p.StartTime}] = true
		rd.mu.Unlock()
	}
	return proc.System().Signal(p, sig)
}

// wasKilled says whether the storm sent a SIGKILL to a process.
func (rd *round) wasKilled(p runsheet.Process) bool {
	rd.mu.Lock()
	defer rd.mu.Unlock()
	return rd.victims[victim{p.PID, p.StartTime}]
}

// endAll ends every process of the storm, and returns when none is left.
func (rd *round) endAll() {
	for range 1000 {
		left := rd.processes()
		if len(left) == 0 {
			if left = rd.processes(); len(left) == 0 { // a list of processes is not read at one instant
				return
			}
		}
		for _, p := range left {
			rd.signal(p.Process, unix.SIGKILL)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// awaitNone waits until no process of the storm is left, and returns those that are left after a while.
func (rd *round) awaitNone(ctx context.Context) []process {
	var left []process
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if left = rd.processes(); len(left) == 0 {
			if left = rd.processes(); len(left) == 0 {
				return nil
			}
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return left
		}
	}
}

func (p process) String() string {
	return fmt.Sprintf("%s %d of %q", p.role, p.PID, p.run)
}

// begun says whether the attempt of a supervisor has a start.
func (p process) begun() bool {
	_, err := os.Lstat(record.StartPath(p.attemptDir))
	return err == nil
}

// owns says whether a supervisor, which is stopped, holds its byte already: nobody gives its attempt up then.
func (p process) owns() bool {
	lock, err := durable.OpenLockToProbe(durable.OS(), "storm", record.AlivePath(p.attemptDir))
	if err != nil {
		return false
	}
	defer lock.Close()
	held, err := lock.Held(record.SupervisorByte)
	return err == nil && held
}
