// Package unattended lets programs die at every point of their writing, in every way, with the evidence of every
// tracker, and holds that the sheet comes to its end without a person: the attempt that died is failed, for the cause
// that it died of, it is tried again, and once the next attempt has done the work the run is finished.
package unattended

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sort"
	"sync"

	"golang.org/x/sync/errgroup"

	"runsheet/internal/prove/method"
)

const name = "unattended"

// Method returns the method. One of its units is a death.
func Method() method.Method {
	return method.Method{Name: name, Does: "lets programs die at every point of their writing; the sheet ends without a person", Run: run}
}

func run(ctx context.Context, c method.Config) (method.Result, error) {
	var r method.Result
	dir := c.Dir
	if memory, err := os.MkdirTemp("/dev/shm", "prove-unattended-"); err == nil {
		defer os.RemoveAll(memory)
		dir = memory
	}
	w := newWorld(dir)
	rng := rand.New(rand.NewPCG(c.Seed, 0))
	all := cases()
	var trials []trial
	for _, k := range all {
		t, err := learn(dir, k)
		if err != nil {
			return r, err
		}
		for _, at := range points(t.steps) {
			for _, way := range ways {
				for _, again := range []bool{false, true} {
					warm := -1
					if at.step > 0 && rng.IntN(2) == 0 {
						warm = rng.IntN(at.step)
					}
					trials = append(trials, trial{t, at, way, again, warm})
				}
			}
		}
	}
	rng.Shuffle(len(trials), func(i, j int) { trials[i], trials[j] = trials[j], trials[i] })
	if n := c.N(10_000, 100_000, 1<<40); n < int64(len(trials)) {
		trials = trials[:n]
	}
	var mu sync.Mutex
	kinds := map[string]int{}
	example := map[string]string{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, t := range trials {
		g.Go(func() error {
			if ctx.Err() != nil {
				return nil
			}
			err := w.do(t)
			var f found
			if errors.As(err, &f) {
				mu.Lock()
				defer mu.Unlock()
				key := t.t.k.name + " | " + f.kind
				kinds[key]++
				if example[key] == "" {
					example[key] = fmt.Sprintf("%s: %s", t, f.text)
				}
				return nil
			}
			return err
		})
	}
	err := g.Wait()
	var keys []string
	for k := range kinds {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		fmt.Printf("%5d %s\n      %s\n", kinds[k], k, example[k])
		r.Violate("%s", example[k])
	}
	r.Figure("programs", len(all))
	r.Figure("deaths", len(trials))
	return r, err
}
