package storm

import (
	"context"
	"math/rand/v2"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"runsheet/internal/proc"
	"runsheet/internal/record"
)

// pace is the mean time between two kills of a round.
const pace = 90 * time.Millisecond

// kill kills until the planned number is done, or nothing is left to kill because every run is finished.
func (rd *round) kill(ctx context.Context) error {
	rng := rd.rand("kill")
	for rd.done < rd.target && ctx.Err() == nil && !rd.broken() && !rd.allFinished() {
		wait(ctx, rng, 2*pace)
		var want role
		switch n := rng.IntN(10); {
		case n < 2:
			want = launcher
		case n < 6:
			want = supervisor
		default:
			want = command
		}
		p, ok := rd.awaitTarget(ctx, rng, want)
		if !ok {
			continue
		}
		if err := rd.signal(p.Process, unix.SIGKILL); err != nil {
			return err
		}
		rd.done++
		rd.total.add(killed+string(p.role), 1)
	}
	return nil
}

// awaitTarget waits a moment for a process to kill. Launchers and supervisors are often killed just after they were
// born: most of what can go wrong happens in their first instants.
func (rd *round) awaitTarget(ctx context.Context, rng *rand.Rand, want role) (process, bool) {
	known := map[int]bool{}
	young := want != command && rng.IntN(2) == 0
	if young {
		for _, p := range rd.processes() {
			known[p.PID] = true
		}
	}
	began := time.Now()
	for ctx.Err() == nil && time.Since(began) < time.Second {
		if young && time.Since(began) > 200*time.Millisecond {
			young, known = false, nil // nothing is being born: any will do
		}
		if p, ok := rd.pick(rng, want, known); ok {
			if young {
				wait(ctx, rng, 40*time.Millisecond)
			}
			return p, true
		}
		wait(ctx, rng, 20*time.Millisecond)
	}
	return process{}, false
}

// pick chooses a process of a role that is not known and not left alone.
func (rd *round) pick(rng *rand.Rand, want role, known map[int]bool) (process, bool) {
	var of []process
	all := rd.processes()
	rd.mu.Lock()
	defer rd.mu.Unlock()
	for _, p := range all {
		if p.role == want && !known[p.PID] && !rd.guarded[p.run] && !rd.asleep[p.PID] {
			of = append(of, p)
		}
	}
	if len(of) == 0 {
		return process{}, false
	}
	return of[rng.IntN(len(of))], true
}

// pause stops processes for a while and lets them go on.
func (rd *round) pause(ctx context.Context) error {
	rng := rd.rand("pause")
	for ctx.Err() == nil {
		wait(ctx, rng, 4*pace)
		p, ok := rd.pick(rng, []role{launcher, supervisor, supervisor, command}[rng.IntN(4)], nil)
		if !ok {
			continue
		}
		if err := rd.signal(p.Process, unix.SIGSTOP); err != nil {
			return err
		}
		rd.total.add("pauses", 1)
		most := 200 * time.Millisecond
		if rng.IntN(6) == 0 {
			most = 2 * time.Second
		}
		wait(ctx, rng, most)
		if err := rd.signal(p.Process, unix.SIGCONT); err != nil {
			return err
		}
	}
	return nil
}

// layAsleep stops a supervisor before it has begun, until its attempt was given up, which takes half a minute: when it
// wakes it must leave the run alone. That goes on into the calm after the storm, until the whole round is over.
func (rd *round) layAsleep(ctx, whole context.Context) error {
	// Children of launchers only, in a tight loop: the time between its birth and its start is short.
	for until := time.Now().Add(5 * time.Second); ctx.Err() == nil && time.Now().Before(until); {
		for _, l := range rd.processes() {
			if l.role != launcher {
				continue
			}
			for until := time.Now().Add(300 * time.Millisecond); ctx.Err() == nil && time.Now().Before(until); {
				slept, err := rd.sleepChild(whole, l.PID)
				if slept || err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (rd *round) sleepChild(ctx context.Context, launcher int) (slept bool, err error) {
	children, err := proc.Descendants(launcher)
	if err != nil {
		return false, nil // the launcher was killed
	}
	for _, pid := range children {
		who, err := proc.Identify(pid)
		if err != nil {
			continue
		}
		p, ok := rd.inspect(who)
		if !ok || p.role != supervisor || p.begun() || rd.isGuarded(p.run) {
			continue
		}
		if err := rd.signal(who, unix.SIGSTOP); err != nil {
			return false, err
		}
		if p.begun() || p.owns() {
			if err := rd.signal(who, unix.SIGCONT); err != nil {
				return false, err
			}
			continue
		}
		rd.mu.Lock()
		rd.asleep[pid], rd.sleepy[p.run] = true, true
		rd.mu.Unlock()
		rd.c.Say("round %d: supervisor %d of %s sleeps", rd.number, pid, p.attemptDir)
		rd.total.add("supervisors asleep past their time", 1)
		rd.sleepers.Go(func() error {
			for range 1200 {
				if _, err := os.Lstat(record.EndPath(p.attemptDir)); err == nil || ctx.Err() != nil {
					break
				}
				time.Sleep(50 * time.Millisecond)
			}
			return rd.signal(who, unix.SIGCONT)
		})
		return true, nil
	}
	return false, nil
}

func (rd *round) isGuarded(run string) bool {
	rd.mu.Lock()
	defer rd.mu.Unlock()
	return rd.guarded[run]
}

// wait waits a random time of at most d.
func wait(ctx context.Context, rng *rand.Rand, d time.Duration) {
	t := time.NewTimer(time.Duration(rng.Int64N(int64(d))))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
