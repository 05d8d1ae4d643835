package proc

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/durable"
)

// Procs is what the packages above need of processes. System is this machine's; a model checker has its own.
type Procs interface {
	// Self returns who this process is. Without a readable /proc only the zero value, which is never Alive.
	Self() runsheet.Process
	// Check says whether a process lives; Elsewhere wherever that cannot be told.
	Check(p runsheet.Process) State
	// Find lists the living processes of an attempt, in the order of their pids and never this one: those that carry
	// RUNSHEET_TOKEN=nonce in the environment that they were executed with, and those of the session, 0 for none.
	//
	// A session number can be somebody else's by now, so the members that carry no token count only if a member that
	// does is still there (a number is not given anew while one process has it as its session), or
	//   - since (the attempt's supervisor, or the session's leader itself) is of this boot and pid namespace, and
	//   - no member, this process included, is older than since, and
	//   - where since is the leader and something with its pid is still there, it has since's start time, and
	//   - no member carries the token of another attempt.
	// Only a session that was all ours, ended, and whose number was given anew to a stranger whose leader is gone, too,
	// can still be mistaken; with since the leader only if the stranger's leader is gone.
	//
	// None found is the answer only after two looks: a list of processes is not read at one instant.
	Find(nonce string, session int, since runsheet.Process) ([]runsheet.Process, error)
	// Signal sends a signal to exactly this process. It is no error when it is gone. ErrElsewhere: not ours to
	// signal; fs.ErrPermission: another user's.
	Signal(p runsheet.Process, sig syscall.Signal) error
}

// System returns the processes of this machine.
func System() Procs { return system{} }

// Ready returns an error where this machine cannot do what the package needs: a /proc of our own pid namespace, and
// pidfds (Linux 5.3). It is asked once, before anything is started that would have to be ended.
func Ready() error {
	self, err := Self()
	if err != nil {
		return err
	}
	return signal(self, 0)
}

type system struct{}

func (system) Self() runsheet.Process {
	p, _ := here()
	return p
}

func (system) Check(p runsheet.Process) State {
	s, _ := Check(p)
	return s
}

func (system) Signal(p runsheet.Process, sig syscall.Signal) error { return signal(p, sig) }

// signal opens the pidfd first and compares the identity after: from then on the descriptor and the process that was
// meant are one, or the latter is gone.
func signal(p runsheet.Process, sig syscall.Signal) error {
	state, err := Check(p)
	switch {
	case err != nil:
		return fmt.Errorf("signal process %d: %w", p.PID, err)
	case state == Elsewhere:
		return fmt.Errorf("signal process %d of %s: %w", p.PID, p.Host, ErrElsewhere)
	case state == Gone:
		return nil
	}
	fd, err := unix.PidfdOpen(p.PID, 0)
	if err != nil {
		// ESRCH, or EINVAL where the number is a thread's by now.
		if state, checkErr := Check(p); checkErr == nil && state == Gone {
			return nil
		}
		err = fmt.Errorf("signal process %d: pidfd_open: %w", p.PID, err)
		if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
			err = durable.WithHint(err, "runsheet needs Linux 5.3 or newer, and a container that allows pidfd_open")
		}
		return err
	}
	defer unix.Close(fd)
	if state, err = Check(p); err != nil {
		return fmt.Errorf("signal process %d: %w", p.PID, err)
	} else if state != Alive {
		return nil
	}
	if err := unix.PidfdSendSignal(fd, sig, nil, 0); err != nil && err != unix.ESRCH {
		return fmt.Errorf("signal process %d: pidfd_send_signal: %w", p.PID, err)
	}
	return nil
}
