package proc

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"runsheet"
)

const (
	// killWait is how long EndAll waits for processes to go after SIGKILL, until it says that they cannot be ended.
	killWait = 10 * time.Second

	pollFirst = 2 * time.Millisecond
	pollLast  = 200 * time.Millisecond
)

// Clock is the time that EndAll waits by.
type Clock interface {
	runsheet.Clock
	// Wait returns after d, or with the context's error when that ends first.
	Wait(ctx context.Context, d time.Duration) error
}

// SystemClock returns the clock of this machine.
func SystemClock() Clock { return systemClock{} }

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) Wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// UnendedError says that processes are still there after SIGKILL: they wait for a device or a file server (state D),
// belong to another user, or come anew faster than they can be found.
type UnendedError struct {
	Processes []runsheet.Process
	Why       []string // of each, in words; empty where nothing is known
}

// Error lists the processes.
func (e *UnendedError) Error() string {
	list := make([]string, 0, len(e.Processes))
	for i, p := range e.Processes {
		if i == 5 {
			list = append(list, fmt.Sprintf("and %d more", len(e.Processes)-i))
			break
		}
		list = append(list, strings.TrimSpace(fmt.Sprintf("process %d %s", p.PID, e.Why[i])))
	}
	return fmt.Sprintf("cannot end %d of the processes: %s", len(e.Processes), strings.Join(list, "; "))
}

// EndAll ends all processes that find finds: SIGTERM, and SIGCONT so that stopped ones can act on it, then, when
// grace is over, SIGKILL. It looks again until none is found, so that those forked in the meantime are ended, too;
// only then it returns nil. A grace of 0 or less kills at once. Processes that were started after the first SIGTERM
// have the grace to themselves: they are how a program cleans up when it is told to go.
//
// It returns *UnendedError for those still there a bounded time after SIGKILL, find's error, or the context's. When the
// context ends, processes may be left: to hurry, cancel it and call again without a grace.
func EndAll(ctx context.Context, procs Procs, find func() ([]runsheet.Process, error), grace time.Duration, clock Clock) error {
	if grace > 0 {
		left, _, err := end(ctx, procs, find, clock, grace, syscall.SIGTERM, syscall.SIGCONT)
		if err != nil || len(left) == 0 {
			return err
		}
	}
	left, refused, err := end(ctx, procs, find, clock, killWait, syscall.SIGKILL)
	if err != nil || len(left) == 0 {
		return err
	}
	e := &UnendedError{Processes: left}
	for _, p := range left {
		why := ""
		if d, ok := procs.(interface {
			describe(runsheet.Process) string
		}); ok {
			why = d.describe(p)
		}
		if err := refused[p]; err != nil {
			why = strings.TrimSpace(why + " (" + err.Error() + ")")
		}
		e.Why = append(e.Why, why)
	}
	return e
}

// end sends the signals once to each process that it finds, for as long as it finds any and at most for d. It returns
// what the last look found, and why signals could not be sent.
func end(ctx context.Context, procs Procs, find func() ([]runsheet.Process, error), clock Clock, d time.Duration,
	signals ...syscall.Signal) (left []runsheet.Process, refused map[runsheet.Process]error, err error) {
	told := make(map[runsheet.Process]bool)
	newest := uint64(0) // start of the newest process of the first look
	refused = make(map[runsheet.Process]error)
	deadline := clock.Now().Add(d)
	for poll := pollFirst; ; poll = min(2*poll, pollLast) {
		if left, err = find(); err != nil {
			return left, refused, fmt.Errorf("end processes: %w", err)
		}
		if len(left) == 0 {
			return nil, refused, nil
		}
		if len(told) == 0 {
			for _, p := range left {
				newest = max(newest, p.StartTime)
			}
		}
		for _, p := range left {
			if told[p] || p.StartTime > newest && !slices.Contains(signals, syscall.SIGKILL) {
				continue
			}
			told[p] = true
			poll = pollFirst // somebody forks: be quick
			for _, sig := range signals {
				if err := procs.Signal(p, sig); err != nil {
					refused[p] = err
				}
			}
		}
		rest := deadline.Sub(clock.Now())
		if rest <= 0 {
			return left, refused, nil
		}
		if err := clock.Wait(ctx, min(poll, rest)); err != nil {
			return left, refused, fmt.Errorf("end processes: %d left: %w", len(left), err)
		}
	}
}

// describe says in words what a process is that does not go.
func (system) describe(p runsheet.Process) string {
	s, _, err := readStat(p.PID, nil)
	if err != nil || s.start != p.StartTime {
		return ""
	}
	text := fmt.Sprintf("%q", s.comm)
	if s.state == 'D' {
		text += " in an uninterruptible wait"
	}
	return text
}
