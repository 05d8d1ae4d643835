// Package evidence is a method of the proof: it reads the files of training code while they are being written. A script lists
// the steps of a writer: it appends, rewrites in place, truncates, renames over, leaves zeros, is killed in the middle of a
// line and resumed. The steps are placed among the operations of a reader, which is the code of production, on a file system
// in memory. Up to two steps are placed everywhere, with a cursor and without; more are drawn. Then real programs write real
// files, and are killed.
//
// An answer must have been true at a moment of the call. A settled answer must equal that of a first look. No answer counts
// more than the training code has done. Once all is quiet, all readers get the same answer.
package evidence

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"runsheet/internal/prove/method"
)

const name = "evidence"

// Method returns the method. One of its units is one call of a reader.
func Method() method.Method {
	return method.Method{
		Name:   name,
		Does:   "places a writer's steps among the operations of a reader of its files, then real writers and readers",
		Run:    run,
		Worker: work,
		Limit:  2 * time.Minute,
	}
}

// depth is how many steps fall into one call, wherever there is room for them.
const depth = 2

// task is where exploring begins: all trials that begin in the same way.
type task struct {
	script *script
	start  int
	weather
	warmth
}

// tasks lists them in the order in which they are done: one of each script, then another one of each, and so on. Which
// comes when is drawn.
func tasks(all []script, rng *rand.Rand) []task {
	var of [][]task
	for i := range all {
		var list []task
		for start := range len(all[i].steps) + 1 {
			for _, w := range weathers {
				for _, h := range warmths {
					list = append(list, task{&all[i], start, w, h})
				}
			}
		}
		rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		of = append(of, list)
	}
	var out []task
	for more, round := true, 0; more; round++ {
		more = false
		for _, list := range of {
			if round < len(list) {
				out, more = append(out, list[round]), true
			}
		}
	}
	return out
}

// tally is what was done.
type tally struct {
	mu                       sync.Mutex
	whole                    int // beginnings that were explored to their end
	calls, drawn, settled    int64
	operations, steps, worst int64
}

func (t *tally) add(tr trial, o outcome, drawn bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls++
	t.operations += int64(len(o.trace))
	t.worst = max(t.worst, int64(len(o.trace)))
	t.steps += int64(len(tr.placed))
	if o.settled {
		t.settled++
	}
	if drawn {
		t.drawn++
	}
}

func run(ctx context.Context, c method.Config) (method.Result, error) {
	var r method.Result
	err := inMemory(ctx, c, &r)
	if err == nil && len(r.Violations) == 0 {
		err = onDisk(ctx, c, &r)
	}
	return r, err
}

// undisturbed visits the calls after each step of a script, cold and warm, until visit says not to go on.
func undisturbed(s *script, visit func(trial) bool) {
	for _, h := range warmths {
		if h.name != "cold" && h.name != "warm, of one step earlier" {
			continue
		}
		for start := range len(s.steps) + 1 {
			if !visit(trial{script: s, start: start, weather: weathers[0], warmth: h}) {
				return
			}
		}
	}
}

// inMemory plays the scripts.
func inMemory(ctx context.Context, c method.Config, r *method.Result) error {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // playing is what is wanted, not collecting
	all := scripts()
	rng := rand.New(rand.NewPCG(c.Seed, 1))
	list := tasks(all, rng)
	want := c.N(20_000, 250_000, 1<<40)
	var sum tally
	var mu sync.Mutex
	next := 0
	bad := map[*script]bool{} // one violation of each is told, and a few of all
	g, ctx := errgroup.WithContext(ctx)
	for worker := range runtime.GOMAXPROCS(0) {
		g.Go(func() error {
			locks, err := os.CreateTemp(c.Dir, "locks-")
			if err != nil {
				return err
			}
			defer locks.Close()
			rng := rand.New(rand.NewPCG(c.Seed, uint64(worker+2)))
			// told says whether to go on.
			told := func(tr trial, o outcome, drawn bool) bool {
				sum.add(tr, o, drawn)
				if o.wrong != "" {
					mu.Lock()
					defer mu.Unlock()
					if bad[tr.script] {
						return false
					}
					bad[tr.script] = true
					r.Violate("%s: %s: %s", tr, tr.explain(o.trace), o.wrong)
					return false
				}
				return ctx.Err() == nil
			}
			// First the calls that nobody disturbs, of every script after each of its steps: whatever is drawn, these are made.
			for i := worker; i < len(all); i += runtime.GOMAXPROCS(0) {
				undisturbed(&all[i], func(tr trial) bool { return told(tr, tr.play(locks), false) })
			}
			for {
				mu.Lock()
				at := next
				next++
				enough := len(bad) >= mostBad
				mu.Unlock()
				if enough || at >= len(list) || ctx.Err() != nil || sum.enough(want) {
					return ctx.Err()
				}
				t := list[at]
				whole := explore(trial{script: t.script, start: t.start, weather: t.weather, warmth: t.warmth}, depth, locks, few(c, rng),
					func(tr trial, o outcome) bool { return told(tr, o, false) && !sum.enough(want) })
				if whole {
					sum.mu.Lock()
					sum.whole++
					sum.mu.Unlock()
				}
				for range drawnPerTask {
					tr := draw(all, 2+depth, rng, locks)
					if !told(tr, tr.play(locks), true) {
						break
					}
				}
			}
		})
	}
	err := g.Wait()
	r.Figure("scripts", len(all))
	r.Figure("beginnings", fmt.Sprintf("%d of %d", sum.whole, len(list)))
	r.Figure("calls", sum.calls)
	r.Figure("of them drawn, with up to four steps", sum.drawn)
	r.Figure("settled answers", sum.settled)
	r.Figure("operations", sum.operations)
	r.Figure("at most in a call", sum.worst)
	r.Figure("steps among them", sum.steps)
	return err
}

// few draws which of the placements of a second step are played: all of them in the long size only.
func few(c method.Config, rng *rand.Rand) func() bool {
	if c.Size == method.Long {
		return nil
	}
	return func() bool { return rng.IntN(method.Of(c.Size, 12, 3, 1)) == 0 }
}

// mostBad is of how many scripts a violation is told.
const mostBad = 10

// drawnPerTask is how many calls are drawn for each task that is explored.
const drawnPerTask = 20

func (t *tally) enough(want int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.calls >= want
}
