// Package sweep lets every single file operation of every scenario go wrong in every way, one at a time, on a real
// directory, and holds what is left against what was acknowledged. It does not model a power cut: what a process wrote
// stays written. That is what package forget is for.
package sweep

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"runsheet/internal/durable"
	"runsheet/internal/prove/faultdisk"
	"runsheet/internal/prove/method"
	"runsheet/internal/prove/scenario"
)

// Method returns the method. One of its units is one operation that goes wrong.
func Method() method.Method {
	return method.Method{Name: "sweep", Does: "lets each file operation fail, or the process die there", Run: run}
}

// trial is one fault in one scenario.
type trial struct {
	sc    scenario.Scenario
	k     int
	op    faultdisk.Op
	fault faultdisk.Fault
}

func (t trial) String() string {
	return fmt.Sprintf("scenario %s, operation %d: %s: %s", t.sc.Name, t.k+1, t.op, t.fault)
}

func run(ctx context.Context, c method.Config) (method.Result, error) {
	// Whether a file is synced makes no difference to who looks at it afterwards on the same machine; only the long size
	// really waits for the disk. The quick size works in memory where it can, and tries one fault for each operation
	// that changes something and for a third of the others, other ones each time; the other sizes try them all.
	synced := c.Size == method.Long
	if c.Size == method.Quick {
		if dir, err := os.MkdirTemp("/dev/shm", "prove-sweep-"); err == nil {
			defer os.RemoveAll(dir)
			c.Dir = dir
		}
	}
	rng := rand.New(rand.NewPCG(c.Seed, 0))
	var r method.Result
	var trials []trial
	operations := 0
	for _, sc := range scenario.All() {
		ops, wrong, err := count(c.Dir, sc, base(synced))
		if err != nil {
			return r, fmt.Errorf("scenario %s: %w", sc.Name, err)
		}
		if wrong != nil {
			r.Violate("scenario %s, without any fault: %v", sc.Name, wrong)
			return r, nil
		}
		operations += len(ops)
		for k, op := range ops {
			faults := slices.DeleteFunc(faultdisk.Faults(), func(f faultdisk.Fault) bool { return !f.Fits(op.Kind) })
			if c.Size == method.Quick {
				if !op.Kind.Changes() && rng.IntN(3) > 0 {
					continue
				}
				i := rng.IntN(len(faults))
				faults = faults[i : i+1]
			}
			for _, f := range faults {
				trials = append(trials, trial{sc, k, op, f})
			}
		}
	}
	if c.Count > 0 && c.Count < int64(len(trials)) {
		rng.Shuffle(len(trials), func(i, j int) { trials[i], trials[j] = trials[j], trials[i] })
		trials = trials[:c.Count]
	}
	var mu sync.Mutex
	done := int64(0)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, t := range trials {
		g.Go(func() error {
			if ctx.Err() != nil {
				return nil
			}
			hit, wrong, err := try(c.Dir, t, base(synced))
			mu.Lock()
			defer mu.Unlock()
			done++
			switch {
			case err != nil:
				return fmt.Errorf("%s: %w", t, err)
			case !hit:
				return fmt.Errorf("%s: it was never reached: the scenario is not the same each time", t)
			case wrong != nil:
				r.Violate("%s: %v", t, wrong)
			}
			return nil
		})
	}
	err := g.Wait()
	r.Figure("scenarios", len(scenario.All()))
	r.Figure("operations", operations)
	r.Figure("faults", done)
	return r, err
}

// count plays a scenario without a fault, and returns its operations.
func count(dir string, sc scenario.Scenario, under durable.Disk) (ops []faultdisk.Op, wrong, err error) {
	_, wrong, err = play(dir, sc, under, nil, &ops)
	return ops, wrong, err
}

// try plays a scenario with a fault, and says whether it was reached, and what is wrong afterwards.
func try(dir string, t trial, under durable.Disk) (hit bool, wrong, err error) {
	return play(dir, t.sc, under, faultdisk.At(t.k, t.fault), nil)
}

// play plays a scenario on a new directory of the disk under, and looks at what is left.
func play(dir string, sc scenario.Scenario, under durable.Disk, fault func(int, faultdisk.Op) faultdisk.Fault, ops *[]faultdisk.Op) (hit bool, wrong, err error) {
	at, err := os.MkdirTemp(dir, "trial-")
	if err != nil {
		return false, nil, err
	}
	defer os.RemoveAll(at)
	at, err = filepath.EvalSymlinks(at)
	if err != nil {
		return false, nil, err
	}
	stage, err := scenario.Set(sc, quick{durable.OS()}, at)
	if err != nil {
		return false, nil, err
	}
	disk := faultdisk.New(under, fault)
	disk.Run(func() { stage.Play(disk) })
	if ops != nil {
		*ops = disk.Ops()
	}
	return disk.Hit(), stage.Verify(quick{durable.OS()}, stage.Facts(), false), nil
}

// base returns the disk of the system, which waits for its contents to be durable or not.
func base(synced bool) durable.Disk {
	if synced {
		return durable.OS()
	}
	return quick{durable.OS()}
}

// quick is a disk that does not wait for its contents to be durable.
type quick struct{ durable.Disk }

func (d quick) Open(label, path string, flag int, perm os.FileMode) (durable.File, error) {
	f, err := d.Disk.Open(label, path, flag, perm)
	if err != nil {
		return nil, err
	}
	return quickFile{f}, nil
}

type quickFile struct{ durable.File }

func (quickFile) Sync() error { return nil }
