// Package interleave drives the steps of package record through the orders in which they can come: every departure
// from the plain course and every death or failing write, one at a time, then drawn mixtures of them; and, on real
// files, the whole rest of a run between any two operations of an observer. It starts no process, and it holds no rule
// of its own but the observer's: the others are those of internal/record/stage.
package interleave

import (
	"context"
	"errors"
	"runtime"
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

// tasks lists what is explored: of each scenario every single departure and every single fault, whole at every size;
// then drawn runs with several of both; and at the long size as many as asked for with two of them in full.
func tasks(c method.Config) []task {
	var out []task
	drawn := int(c.N(100, 4000, 100_000))
	deep := method.Of(c.Size, 0, 0, drawn)
	for _, b := range []stage.Bounds{
		{Preemptions: 1},
		{Faults: 1},
		{Preemptions: 3, Faults: 2, Runs: drawn, Random: true, Seed: c.Seed},
		{Preemptions: 6, Faults: 1, Runs: drawn / 2, Random: true, Seed: c.Seed + 1},
		{Preemptions: 1, Faults: 1, Runs: deep},
		{Preemptions: 2, Runs: deep},
	} {
		if b.Preemptions+b.Faults == 2 && deep == 0 {
			continue
		}
		for _, name := range stage.Scenarios() {
			out = append(out, task{name, b})
		}
	}
	return out
}

// errFound ends what is under way once there is a violation.
var errFound = errors.New("a violation was found")

// errInterrupted is what runs fail with once nobody wants to know any more.
var errInterrupted = errors.New("interrupted")

// explore does it all; change is for tests: it breaks the models.
func explore(ctx context.Context, c method.Config, todo []task, change func(*stage.Model)) (method.Result, error) {
	var r method.Result
	var mu sync.Mutex
	var sum recordtest.Stats
	operations := 0
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
			st, err := t.bounds.Explore(t.scenario, func(m *stage.Model) {
				if ctx.Err() != nil {
					m.Fail("%w", errInterrupted)
				}
				if change != nil {
					change(m)
				}
			})
			if errors.Is(err, errInterrupted) {
				return ctx.Err()
			}
			mu.Lock()
			defer mu.Unlock()
			c.Say("%s: %v in %v", t, st, time.Since(began).Round(time.Millisecond))
			sum.Runs += st.Runs
			sum.Steps += st.Steps
			sum.States += st.States
			sum.Deepest = max(sum.Deepest, st.Deepest)
			var v *recordtest.Violation
			if errors.As(err, &v) {
				err = errFound
				r.Violate("%s: after %d runs: %v\n%s", t, st.Runs, v.Err, shortened(v.Trace))
			}
			return err
		})
	}
	if err := g.Wait(); err != nil && !errors.Is(err, errFound) {
		return r, err
	}
	r.Figure("scenarios", len(stage.Scenarios()))
	r.Figure("runs", sum.Runs)
	r.Figure("steps", sum.Steps)
	r.Figure("worlds", sum.States)
	r.Figure("longest run", sum.Deepest)
	r.Figure("observer's operations", operations)
	return r, nil
}
