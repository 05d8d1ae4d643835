// Package unattended lets programs die at every point of their writing, in every way, with the evidence of every
// tracker, and holds that the sheet comes to its end without a person: the attempt that died is failed, for the cause
// that it died of, with the right count; it is tried again; and once the next attempt has done the work the run is
// finished.
//
// It does so in this process, with the records and the readings of the program and a clock on which nobody waits, for as
// many deaths as there are; and for some of them with real programs in a real sheet.
package unattended

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"runsheet/internal/prove/method"
)

// name is the method's.
const name = "unattended"

// Method returns the method. One of its units is a death.
func Method() method.Method {
	return method.Method{Name: name, Does: "lets programs die at every point of their writing; the sheet ends without a person",
		Run: run, Worker: worker, Limit: 45 * time.Second}
}

func run(ctx context.Context, c method.Config) (method.Result, error) {
	var r method.Result
	// Nothing here waits for a disk, and nothing has to survive a power cut: what that leaves is written by hand.
	dir := c.Dir
	if memory, err := os.MkdirTemp("/dev/shm", "prove-"+name+"-"); err == nil {
		defer os.RemoveAll(memory)
		dir = memory
	}
	rng := rand.New(rand.NewPCG(c.Seed, 0))
	var truths []truth
	for _, k := range cases() {
		t, err := learn(dir, k)
		if err != nil {
			return r, err
		}
		truths = append(truths, t)
	}
	trials := deaths(rng, truths)
	all := len(trials)
	trials = trials[:min(c.N(3000, 20_000, 1<<40), int64(all))]
	faults, err := tryAll(ctx, newWorld(dir), trials, c.Say)
	r.Figure("programs", len(truths))
	r.Figure("deaths", fmt.Sprintf("%d of %d", len(trials), all))
	for _, f := range faults {
		r.Violate("%s", f)
	}
	if err != nil || len(faults) > 0 || c.Runsheet == "" {
		if err == nil && c.Runsheet == "" {
			r.LeftOut = "the real sheets, for want of the binary under test: -runsheet"
		}
		return r, err
	}
	sheets, runs := method.Of(c.Size, 1, 2, 20), method.Of(c.Size, 16, 60, 200)
	for range sheets {
		wrongs, err := launch(ctx, c, draw(rng, truths, runs))
		if err != nil {
			return r, err
		}
		for _, w := range wrongs {
			r.Violate("in a real sheet: %s", w)
		}
	}
	r.Figure("runs of real sheets", sheets*runs)
	return r, nil
}

// deaths lists all trials, in an order that is drawn.
func deaths(rng *rand.Rand, truths []truth) []trial {
	var out []trial
	for _, t := range truths {
		for _, at := range points(t.steps) {
			for _, w := range ways {
				for _, again := range []bool{false, true} {
					warm := -1
					if at.step > 0 && rng.IntN(2) == 0 {
						warm = rng.IntN(at.step)
					}
					out = append(out, trial{t, at, w, again, warm})
				}
			}
		}
	}
	rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// tryAll does the trials, and returns one example for each kind of fault of each program, the most frequent first.
func tryAll(ctx context.Context, w *world, trials []trial, say func(string, ...any)) ([]string, error) {
	type kind struct{ program, what string }
	var mu sync.Mutex
	count := map[kind]int{}
	example := map[kind]string{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, t := range trials {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error {
			err := w.do(ctx, t)
			var f fault
			if !errors.As(err, &f) {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			k := kind{t.t.k.name, f.kind}
			if count[k]++; count[k] == 1 {
				example[k] = fmt.Sprintf("%s: %s", t, f.text)
			}
			return nil
		})
	}
	err := g.Wait()
	kinds := slices.SortedFunc(maps.Keys(count), func(a, b kind) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a.program, b.program), cmp.Compare(a.what, b.what))
	})
	var out []string
	for _, k := range kinds {
		say("%d times %s | %s: %s", count[k], k.program, k.what, example[k])
		out = append(out, example[k])
	}
	return out, err
}
