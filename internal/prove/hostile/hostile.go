// Package hostile is the method of the proof that feeds every parser of something we did not write with hostile
// input: it runs the native fuzz targets of the packages, as many at once as there are cores, from the source tree. What an input may
// cost is held by package bound, in the targets themselves. It writes nothing into the tree.
package hostile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"runsheet/internal/prove/method"
)

// Method returns the method. Its unit is the second, for each target.
func Method() method.Method {
	return method.Method{
		Name:  "hostile",
		Does:  "fuzzes every parser of something that we did not write, with a bound of memory and time",
		Run:   run,
		Limit: 4 * time.Minute, // a first build takes most of it
	}
}

func run(ctx context.Context, c method.Config) (method.Result, error) {
	var r method.Result
	root, why := source()
	if why == "" {
		if _, err := exec.LookPath("go"); err != nil {
			why = "the Go toolchain is missing"
		}
	}
	if why != "" {
		r.LeftOut = why
		return r, nil
	}
	targets, err := discover(root)
	if err != nil {
		return r, err
	}
	var dirs []string
	for _, t := range targets {
		if !slices.Contains(dirs, t.dir) {
			dirs = append(dirs, t.dir)
		}
	}
	began := time.Now()
	packages, err := build(ctx, root, "runsheet", c.Dir, dirs)
	if err != nil {
		return r, err
	}
	c.Say("built in %v", time.Since(began).Round(time.Millisecond))
	each := time.Duration(c.N(2, 60, 600)) * time.Second
	var mu sync.Mutex
	var sum outcome
	var hiccups int64
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0) + 1) // each has one worker, which now and then waits
	for _, t := range targets {
		g.Go(func() error {
			o, again, err := packages[t.dir].insist(ctx, t, each)
			mu.Lock()
			defer mu.Unlock()
			sum.execs += o.execs
			sum.interesting += o.interesting
			hiccups += again
			if err == nil && o.fault != "" {
				r.Violate("%s", o.fault)
				return errFound
			}
			c.Say("%s: %d inputs, %d found a new way", t, o.execs, o.interesting)
			return err
		})
	}
	if err := g.Wait(); err != nil && !errors.Is(err, errFound) {
		return r, err
	}
	r.Figure("targets", len(targets))
	r.Figure("each", each)
	r.Figure("inputs", sum.execs)
	r.Figure("that found a new way", sum.interesting)
	if hiccups > 0 {
		r.Figure("times that the engine lost its worker over a harmless input", hiccups)
	}
	return r, nil
}

// errFound ends what is under way once there is a violation.
var errFound = errors.New("a violation was found")

// insist fuzzes a target for that long, again where the engine itself gave up: it now and then loses its worker for no
// reason, and on a busy machine the time may be over before it began. It returns what came of all of it, and how often
// the worker was lost.
func (b *built) insist(ctx context.Context, t target, each time.Duration) (sum outcome, hiccups int64, err error) {
	empty := false
	for long := each; ; long = max(each, 20*time.Second) {
		o, err := b.fuzz(ctx, t, long)
		sum.execs += o.execs
		sum.interesting += o.interesting
		sum.fault = o.fault
		if o.hiccup {
			hiccups++
		}
		switch {
		case err != nil || o.fault != "" || o.execs > 0 && !o.hiccup:
			return sum, hiccups, err
		case hiccups == tries:
			return sum, hiccups, fmt.Errorf("%s: the engine lost its worker again and again, over inputs that pass by themselves", t)
		case !o.hiccup && empty:
			return sum, hiccups, fmt.Errorf("%s: nothing was tried in %v", t, long)
		}
		empty = empty || !o.hiccup
	}
}

// tries is how often the engine may lose its worker over one target.
const tries = 5

// source returns the root of the source tree of this program, looking from the working directory upwards, or why there
// is none.
func source() (root, why string) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err.Error()
	}
	for {
		data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && isOurs(data) {
			return dir, ""
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err.Error()
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", "the source tree is not here: run it from inside"
		}
		dir = up
	}
}
