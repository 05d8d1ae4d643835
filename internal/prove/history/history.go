// Package history lets several processes claim, supervise, give up, ask and look at the same work dirs at once, kills
// some of them in the middle, and has porcupine find out whether what they saw can have happened in any order in which
// each operation takes effect at one instant between its call and its return.
//
// It is a method of the proof. The operations are those of internal/record, the very code that runs in production; the
// histories are recorded from real processes, by the monotonic clock that all of them share.
package history

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"runsheet/internal/prove/method"
)

// name is the method's.
const name = "history"

// Method returns the method. One of its units is a history.
func Method() method.Method {
	return method.Method{Name: name, Does: "finds an order for what processes saw that claim, supervise and look at once",
		Run: run, Worker: worker, Limit: 15 * time.Second}
}

const (
	workers   = 5  // processes of a history at once
	perWorker = 40 // operations of each
	workDirs  = 2
	lifetime  = 3 // histories over the same work dirs, which are taken away in between
)

func run(ctx context.Context, c method.Config) (method.Result, error) {
	var r method.Result
	rng := rand.New(rand.NewPCG(c.Seed, 1))
	var sum counts
	n := int(c.N(24, 500, 5000))
	for i := 0; i < n && len(r.Violations) == 0 && ctx.Err() == nil; {
		dir := filepath.Join(c.Dir, fmt.Sprint("world", i))
		w := &world{dir: dir, rng: rng, floor: make([]int, workDirs)}
		for range lifetime {
			if i++; i > n {
				break
			}
			ops, err := w.record(ctx)
			if err != nil {
				return r, fmt.Errorf("history %d: %w", i, err)
			}
			w.ops = append(w.ops, ops...)
			sum.add(ops)
			if err := w.takeAway(); err != nil {
				return r, err
			}
		}
		// Over the whole life of the work dirs: a number that was given out once must not be given out again.
		if err := w.check(&r); err != nil {
			return r, err
		}
		os.RemoveAll(dir)
	}
	sum.figures(&r)
	return r, ctx.Err()
}

// world is a few work dirs and a sheet, with all that was done to them.
type world struct {
	dir     string
	rng     *rand.Rand
	floor   []int // by work dir: the highest attempt that is known of, as a journal tells it
	life    int   // how often the work dirs were taken away
	clients int
	ops     []op
}

// record lets processes at the work dirs until each has done its operations or was killed, and returns what they did.
func (w *world) record(ctx context.Context) ([]op, error) {
	if err := os.MkdirAll(filepath.Join(w.dir, "logs"), 0o700); err != nil {
		return nil, err
	}
	for d := range workDirs {
		if err := os.MkdirAll(w.workDir(d), 0o700); err != nil {
			return nil, err
		}
	}
	var mu sync.Mutex
	var all []op
	var g errgroup.Group
	for range workers {
		client, seed := w.clients, w.rng.Uint64()
		w.clients++
		rng := rand.New(rand.NewPCG(seed, 2))
		kill := rng.IntN(2) == 0
		g.Go(func() error {
			ops, err := w.client(ctx, client, seed, rng, kill)
			mu.Lock()
			all = append(all, ops...)
			mu.Unlock()
			return err
		})
	}
	err := g.Wait()
	for _, o := range all {
		if o.Kind == opClaim {
			w.floor[o.Dir] = max(w.floor[o.Dir], o.Attempt)
		}
	}
	return all, err
}

// client runs one process to its end, pauses it at random and may kill it, and returns what it did.
func (w *world) client(ctx context.Context, client int, seed uint64, rng *rand.Rand, kill bool) ([]op, error) {
	log := filepath.Join(w.dir, "logs", fmt.Sprintf("%d.jsonl", client))
	cmd := method.Command(ctx, name, w.dir, log, fmt.Sprint(client), fmt.Sprint(seed), fmt.Sprint(w.life), fmt.Sprint(w.floor[0]), fmt.Sprint(w.floor[1]))
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	gone := make(chan error, 1)
	go func() { gone <- cmd.Wait() }()
	for hits := 1 + rng.IntN(7); ; hits-- {
		select {
		case err := <-gone:
			if cmd.ProcessState.Exited() && err != nil {
				return nil, fmt.Errorf("client %d: %w", client, err)
			}
			return readLog(log, client, now())
		case <-time.After(time.Duration(1+rng.IntN(40)) * time.Millisecond):
		}
		// The child is ours and not waited for yet, or is being waited for at this moment: os.Process knows which.
		if hits == 0 && kill {
			cmd.Process.Kill()
			continue
		}
		if cmd.Process.Signal(unix.SIGSTOP) == nil {
			time.Sleep(time.Duration(rng.IntN(8)) * time.Millisecond)
			cmd.Process.Signal(unix.SIGCONT)
		}
	}
}

func (w *world) workDir(d int) string { return workDirIn(w.dir, d) }

func workDirIn(dir string, d int) string { return filepath.Join(dir, fmt.Sprintf("work%d", d)) }

// takeAway takes the work dirs away, as somebody who wants to start afresh does.
func (w *world) takeAway() error {
	w.life++
	for d := range workDirs {
		if err := os.Rename(w.workDir(d), fmt.Sprintf("%s.%d", w.workDir(d), w.life)); err != nil {
			return err
		}
	}
	return nil
}

// now returns the time by the monotonic clock of the machine, in nanoseconds: the same for every process.
func now() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return 0
	}
	return ts.Nano()
}
