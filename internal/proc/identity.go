package proc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/durable"
)

// State is the answer of Check.
type State int

// The answers of Check. The zero value is the one that allows nothing.
const (
	Elsewhere State = iota // of another boot or pid namespace, or hidden from us: it cannot be told from here
	Alive
	Gone // for certain; zombies are gone
)

// String returns the state in a word.
func (s State) String() string {
	switch s {
	case Alive:
		return "alive"
	case Gone:
		return "gone"
	}
	return "elsewhere"
}

// ErrElsewhere is the error for a process of another boot or pid namespace.
var ErrElsewhere = errors.New("process of another boot or pid namespace")

// here is who this process is, on this machine: what all processes that we can see have in common.
func here() (runsheet.Process, error) {
	p, err := place()
	if err == nil {
		p.Machine = thisMachine()
	}
	return p, err
}

// place is that without the machine. It is read once: nothing of it changes while we live.
var place = sync.OnceValues(func() (runsheet.Process, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return runsheet.Process{}, fmt.Errorf("identify this machine: %w", err)
	}
	ns, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return runsheet.Process{}, fmt.Errorf("identify the pid namespace: %w", err)
	}
	data, err := read("/proc/self/stat", nil)
	if err != nil {
		return runsheet.Process{}, fmt.Errorf("identify this process: %w", err)
	}
	s, err := parseStat(data)
	if err != nil {
		return runsheet.Process{}, fmt.Errorf("identify this process: /proc/self/stat: %w", err)
	}
	if s.pid != os.Getpid() {
		return runsheet.Process{}, durable.WithHint(
			fmt.Errorf("identify this process: /proc counts it as %d, the kernel as %d", s.pid, os.Getpid()),
			"mount the /proc of this container's own pid namespace")
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	p := runsheet.Process{Host: host, BootID: strings.TrimSpace(string(boot)), PIDNamespace: ns, PID: s.pid, StartTime: s.start}
	if p.BootID == "" || p.PIDNamespace == "" {
		return runsheet.Process{}, errors.New("identify this machine: empty boot id or pid namespace")
	}
	return p, nil
})

// Self returns who this process is.
func Self() (runsheet.Process, error) { return here() }

// Identify returns who the process with a pid is now. The error is fs.ErrNotExist where there is none, or only a
// zombie.
func Identify(pid int) (runsheet.Process, error) {
	p, err := here()
	if err != nil {
		return runsheet.Process{}, err
	}
	s, err := find(pid)
	if err != nil {
		return runsheet.Process{}, err
	}
	p.PID, p.StartTime = pid, s.start
	return p, nil
}

// Same says whether a and b are one process. Host names are for people and not compared; a boot has one machine.
func Same(a, b runsheet.Process) bool {
	return a.BootID == b.BootID && a.PIDNamespace == b.PIDNamespace && a.PID == b.PID && a.StartTime == b.StartTime
}

// Check says whether a process lives. Where the error is not nil the state is Elsewhere.
func Check(p runsheet.Process) (State, error) {
	self, err := place()
	if err != nil {
		return Elsewhere, err
	}
	if p.BootID != self.BootID || p.PIDNamespace != self.PIDNamespace {
		return Elsewhere, nil
	}
	s, err := find(p.PID)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Gone, nil
	case err != nil:
		return Elsewhere, err
	case s.start != p.StartTime:
		return Gone, nil
	}
	return Alive, nil
}

// find returns the stat of a living process.
func find(pid int) (stat, error) {
	if pid <= 0 { // to the kernel these would be groups, or all there is
		return stat{}, fmt.Errorf("identify process %d: not a pid", pid)
	}
	s, _, err := readStat(pid, nil)
	if isGone(err) {
		// Mounted with hidepid, /proc shows the processes of others as absent. Asking for the permission to signal
		// (signal 0 is none) tells them apart.
		if unix.Kill(pid, 0) == unix.EPERM {
			if s, _, err = readStat(pid, nil); isGone(err) {
				return stat{}, fmt.Errorf("identify process %d: it is another user's and hidden by /proc", pid)
			}
		} else {
			return stat{}, fmt.Errorf("process %d: %w", pid, fs.ErrNotExist)
		}
	}
	if err != nil {
		return stat{}, fmt.Errorf("identify process %d: %w", pid, err)
	}
	if s.dead() {
		return stat{}, fmt.Errorf("process %d is a zombie: %w", pid, fs.ErrNotExist)
	}
	return s, nil
}
