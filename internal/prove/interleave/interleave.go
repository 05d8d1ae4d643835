// Package interleave drives the steps of package record through the orders in which they can come: every interleaving of
// worlds that are small enough, and drawn ones of all; and, on real files, the whole rest of a run between any two
// operations of an observer. It starts no process, and it holds no rule of its own but the observer's: the others are
// those of internal/record/stage.
package interleave

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"runsheet/internal/prove/method"
	"runsheet/internal/record/recordtest"
	"runsheet/internal/record/stage"
)

// Method returns the method.
func Method() method.Method {
	return method.Method{Name: "interleave", Does: "every order of launchers, supervisors and observers, in small worlds",
		Run: run, Limit: time.Minute}
}

func run(ctx context.Context, c method.Config) (method.Result, error) {
	return explore(ctx, c, tasks(c), nil)
}

// task is one exploration of one scenario.
type task struct {
	scenario string
	bounds   stage.Bounds
}

// plainest is the scenario in which nothing happens but what launchers, supervisors and commands do. More worlds of it
// are gone on from.
const plainest = "one machine"

// tasks lists what is explored of each scenario: drawn runs, with faults and without, and then every interleaving, of
// one attempt without a fault first, and of more attempts, or with a fault, as far as the worlds of the size go.
func tasks(c method.Config) []task {
	var out []task
	drawn := int(c.N(200, 2000, 300_000))
	worlds := method.Of(c.Size, 1_700, 60_000, 0)
	for _, b := range []stage.Bounds{
		{Faults: 2, Runs: drawn, Seed: c.Seed},
		{Runs: drawn, Seed: c.Seed + 1},
		{Attempts: 1, Worlds: 6 * worlds},
		{Attempts: 1, Faults: 1, Worlds: worlds},
		{Attempts: 2, Worlds: worlds},
		{Worlds: worlds},
	} {
		for _, name := range stage.Scenarios() {
			t := task{name, b}
			if name == plainest {
				t.bounds.Worlds *= method.Of(c.Size, 9, 40, 1)
			}
			out = append(out, t)
		}
	}
	return out
}

// errFound ends what is under way once there is a violation.
var errFound = errors.New("a violation was found")

// explore does it all; change is for tests: it breaks the models.
func explore(ctx context.Context, c method.Config, todo []task, change func(*stage.Model)) (method.Result, error) {
	var r method.Result
	var mu sync.Mutex
	var sum recordtest.Stats
	operations, cut := 0, 0
	var whole []string
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0) + 1) // the first of them mostly waits for the disk
	g.Go(func() error {
		began := time.Now()
		n, violation, err := observed(ctx, c)
		c.Say("observer: %d operations in %v", n, time.Since(began).Round(time.Millisecond))
		mu.Lock()
		defer mu.Unlock()
		operations = n
		if violation != "" {
			r.Violate("%s", violation)
			return errFound
		}
		return err
	})
	for _, t := range todo {
		g.Go(func() error {
			began := time.Now()
			st, err := t.bounds.Explore(ctx, t.scenario, change)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			mu.Lock()
			defer mu.Unlock()
			c.Say("%s: %v in %v", t, st, time.Since(began).Round(time.Millisecond))
			sum.Runs += st.Runs
			sum.Steps += st.Steps
			sum.Worlds += st.Worlds
			sum.Longest = max(sum.Longest, st.Longest)
			switch {
			case t.bounds.Runs > 0:
			case st.Whole:
				whole = append(whole, t.short())
			default:
				cut++
			}
			var v *recordtest.Violation
			if errors.As(err, &v) {
				err = errFound
				r.Violate("%s: after %d steps: %v\n%s", t, st.Steps, v.Err, shortened(v.Trace))
			}
			return err
		})
	}
	if err := g.Wait(); err != nil && !errors.Is(err, errFound) {
		return r, err
	}
	slices.Sort(whole)
	r.Figure("scenarios", len(stage.Scenarios()))
	r.Figure("explored whole", fmt.Sprintf("%d of %d (%s)", len(whole), len(whole)+cut, strings.Join(whole, "; ")))
	r.Figure("worlds", sum.Worlds)
	r.Figure("runs drawn", sum.Runs)
	r.Figure("steps", sum.Steps)
	r.Figure("longest run", sum.Longest)
	r.Figure("observer's operations", operations)
	return r, nil
}
