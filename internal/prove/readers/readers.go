// Package readers is the method of the proof that reads progress: processes with many goroutines each ask
// progress.Cache.Get without a lock, as fast as they can, while others of them compute and write the cache, while the
// evidence changes, and while whoever computes is killed. Every answer is held against a ledger of what the evidence
// said, and the computations are counted. It knows nothing about how the cache works inside.
package readers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"runsheet/internal/prove/method"
)

const name = "readers"

// Method returns the method.
func Method() method.Method {
	return method.Method{
		Name:   name,
		Does:   "lock-free reads of progress beside writers, foreign writers, killed computations and coarse clocks",
		Run:    run,
		Worker: work,
		Limit:  2 * time.Minute,
	}
}

// acts are the parts of a run; their shares add up to 100.
func acts() []act {
	return []act{
		{name: "epochs", kind: kindEpochs, share: 30},
		{name: "foreign writer", kind: kindForeign, share: 25},
		{name: "epochs, killed", kind: kindEpochs, kill: true, share: 10},
		{name: "foreign writer, killed", kind: kindForeign, kill: true, share: 5},
		{name: "epochs, 10 ms clock", kind: kindEpochs, tick: 10 * time.Millisecond, share: 10},
		{name: "foreign writer, 10 ms clock", kind: kindForeign, tick: 10 * time.Millisecond, share: 5},
		{name: "epochs, 1 s clock", kind: kindEpochs, tick: time.Second, share: 10},
		{name: "foreign writer, 1 s clock", kind: kindForeign, tick: time.Second, share: 5},
	}
}

// tally is what all acts together did.
type tally struct {
	reads, raw, torn, wrong, excused, versions int64
	settled, settledComputations               int64 // changes older than the tick when somebody looked, and what they cost
	young, youngComputations                   int64
	kills, killComputations                    int64
}

func run(ctx context.Context, c method.Config) (method.Result, error) {
	var r method.Result
	rng := rand.New(rand.NewPCG(c.Seed, 1))
	caught, err := catchNaive(ctx, c, rng)
	if err != nil {
		return r, err
	}
	if caught == 0 {
		r.Violate("the proof itself: the naive store (look whether it is there, truncate, write; readers parse) was not caught within a second")
	} else {
		r.Figure("naive store caught after", fmt.Sprintf("%.1f ms", caught.Seconds()*1000))
	}
	if err := staysBroken(ctx, c, &r); err != nil || len(r.Violations) > 0 {
		return r, err
	}
	want := c.N(1_000_000, 10_000_000, 100_000_000)
	var sum tally
	began := time.Now()
	for i, a := range acts() {
		a.quota = max(want*a.share/100, 2000)
		a.changes = method.Of(c.Size, 2, 10, 50)
		a.kills = method.Of(c.Size, 10, 100, 1000)
		before := time.Now()
		if err := a.run(ctx, c, i, &sum, &r); err != nil || len(r.Violations) > 0 {
			sum.figures(&r, time.Since(began))
			return r, err
		}
		c.Say("%s: %d reads in all after %v", a.name, sum.reads, time.Since(before).Round(time.Millisecond))
	}
	sum.figures(&r, time.Since(began))
	return r, nil
}

func (s *tally) figures(r *method.Result, took time.Duration) {
	r.Figure("reads", s.reads)
	r.Figure("a second", int64(float64(s.reads)/took.Seconds()))
	r.Figure("of the documents themselves", s.raw)
	r.Figure("torn or empty", s.torn)
	r.Figure("never true", s.wrong)
	if s.excused > 0 {
		r.Figure("errors while the writer stood still in the middle of a document", s.excused)
	}
	r.Figure("states of the evidence", s.versions)
	r.Figure("computations for settled changes", fmt.Sprintf("%d for %d", s.settledComputations, s.settled))
	r.Figure("for young ones", fmt.Sprintf("%d for %d", s.youngComputations, s.young))
	r.Figure("with the computing process killed", fmt.Sprintf("%d for %d", s.killComputations, s.kills))
}

// errStuck: what was waited for did not come. For readers that is a violation, not a fault of the method.
var errStuck = errors.New("waited in vain")

// patience is how long anything may take that should take milliseconds.
const patience = 60 * time.Second

// wait waits until ok, with patience.
func wait(ctx context.Context, what string, ok func() bool) error {
	return waitFor(ctx, patience, what, ok)
}

func waitFor(ctx context.Context, long time.Duration, what string, ok func() bool) error {
	for deadline := time.Now().Add(long); !ok(); {
		if err := pause(ctx, 500*time.Microsecond); err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%w: %v for %s", errStuck, long, what)
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// place makes the directory of an act.
func place(c method.Config, act string) (base, dir string, err error) {
	base = filepath.Join(c.Dir, act)
	dir = filepath.Join(base, "run")
	return base, dir, os.MkdirAll(dir, 0o700)
}
