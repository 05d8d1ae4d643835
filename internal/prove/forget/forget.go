// Package forget plays every scenario on a file system in memory that keeps only what was synced, and cuts the power
// before each change: of what was not synced by then, any part may have reached the disk, in any order. Whatever is
// left must hold all that was acknowledged, and be something to go on from.
package forget

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"runsheet/internal/durable"
	"runsheet/internal/prove/method"
	"runsheet/internal/prove/scenario"
)

// Method returns the method. One of its units is one combination of what reached the disk, at one moment.
func Method() method.Method {
	return method.Method{Name: "forget", Does: "cuts the power on a file system that keeps only what was synced", Run: run}
}

// moment is one at which the power may be cut.
type moment struct {
	tick  int
	facts scenario.Facts
}

// tally counts what was done.
type tally struct {
	moments, subsets, images, again int64
	sampled                         int64 // moments with more combinations than are gone through
}

func run(ctx context.Context, c method.Config) (method.Result, error) {
	return play(ctx, c, scenario.All())
}

// play cuts the power on some scenarios.
func play(ctx context.Context, c method.Config, scenarios []scenario.Scenario) (method.Result, error) {
	var r method.Result
	var all tally
	var mu sync.Mutex
	most := c.N(1<<12, 1<<14, 1<<18)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, sc := range scenarios {
		g.Go(func() error {
			t := trial{sc: sc, most: most, wrap: whole, rng: rand.New(rand.NewPCG(c.Seed, uint64(i))), again: method.Of(c.Size, 0.1, 1.0, 1.0)}
			violations, err := t.run(ctx)
			mu.Lock()
			defer mu.Unlock()
			all.moments += t.moments
			all.subsets += t.subsets
			all.images += t.images
			all.sampled += t.sampled
			all.again += t.tally.again
			for _, v := range violations {
				r.Violate("scenario %s: %s", sc.Name, v)
			}
			c.Say("%s: %d moments, %d combinations, %d images, %d moments sampled", sc.Name, t.moments, t.subsets, t.images, t.sampled)
			return err
		})
	}
	err := g.Wait()
	r.Figure("scenarios", len(scenarios))
	r.Figure("moments", all.moments)
	r.Figure("combinations", all.subsets)
	r.Figure("images", all.images)
	r.Figure("of them cut again while going on", all.again)
	r.Figure("moments with a sample only", all.sampled)
	return r, err
}

// whole hides nothing of a disk.
func whole(d durable.Disk) durable.Disk { return d }

// trial is one scenario under the method.
type trial struct {
	sc    scenario.Scenario
	most  int64
	wrap  func(durable.Disk) durable.Disk // what the actors see of the disk
	rng   *rand.Rand
	again float64 // the share of images on which the power is cut once more, while somebody goes on
	tally
}

func (t *trial) run(ctx context.Context) ([]string, error) {
	m := newMemory()
	defer m.close()
	if err := durable.MkdirAll(m, "world", "/project", 0o755); err != nil {
		return nil, err
	}
	stage, err := scenario.Set(t.sc, m, "/project")
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", t.sc.Name, err)
	}
	m.settle()
	var moments []moment
	m.changes = func() { moments = append(moments, moment{m.tick, stage.Facts()}) }
	stage.Play(t.wrap(m))
	m.changes()
	m.changes = nil
	if err := stage.Verify(m, stage.Facts(), false); err != nil {
		return []string{"without any crash: " + err.Error()}, nil
	}
	type seen struct {
		image   [sha256.Size]byte
		version int
	}
	known := map[seen]bool{}
	for _, at := range moments {
		t.moments++
		pending := m.pending(at.tick)
		stop := false
		t.each(m, pending, func(fates []int) bool {
			if stop = ctx.Err() != nil; stop {
				return false
			}
			t.subsets++
			disk := m.crashed(at.tick, pending, fates)
			key := seen{disk.image(), at.facts.Version}
			if known[key] {
				return true
			}
			known[key] = true
			t.images++
			err = t.verify(stage, disk, at.facts)
			if err != nil {
				err = fmt.Errorf("power cut after change %d (%s), of what was not synced: %s: %w",
					at.tick, m.before(at.tick), m.tell(pending, fates), err)
			}
			return err == nil
		})
		if err != nil {
			return []string{err.Error()}, nil
		}
		if stop {
			break
		}
	}
	return nil, nil
}

// verify goes on from what is left, and on some disks cuts the power once more in the middle of that.
func (t *trial) verify(stage *scenario.Stage, disk *memory, facts scenario.Facts) error {
	defer disk.close()
	if err := stage.Verify(disk, facts, true); err != nil {
		return err
	}
	if t.rng.Float64() >= t.again || disk.tick == 0 {
		return nil
	}
	t.tally.again++
	tick := 1 + t.rng.IntN(disk.tick)
	pending := disk.pending(tick)
	fates := make([]int, len(pending))
	for i, p := range pending {
		fates[i] = t.rng.IntN(disk.log[p].fates())
	}
	second := disk.crashed(tick, pending, fates)
	defer second.close()
	if err := stage.Verify(second, facts.Grown(), true); err != nil {
		return fmt.Errorf("and cut again at change %d of going on, %s: %w", tick, disk.tell(pending, fates), err)
	}
	return nil
}

// each calls do with every combination of fates, or with a sample where there are too many, until it returns false.
func (t *trial) each(m *memory, pending []int, do func(fates []int) bool) {
	count := int64(1)
	for _, p := range pending {
		if count *= int64(m.log[p].fates()); count > t.most {
			t.sampled++
			t.sample(m, pending, do)
			return
		}
	}
	fates := make([]int, len(pending))
	for {
		if !do(fates) {
			return
		}
		i := 0
		for ; i < len(pending); i++ {
			if fates[i]++; fates[i] < m.log[pending[i]].fates() {
				break
			}
			fates[i] = 0
		}
		if i == len(pending) {
			return
		}
	}
}

// sample begins with none, with all and with all but one, and goes on at random.
func (t *trial) sample(m *memory, pending []int, do func(fates []int) bool) {
	fates := make([]int, len(pending))
	fill := func(v int) {
		for i := range fates {
			fates[i] = v
		}
	}
	for _, whole := range []int{0, 1} {
		for i := -1; i < len(pending); i++ {
			fill(whole)
			if i >= 0 {
				fates[i] = 1 - whole
			}
			if !do(fates) {
				return
			}
		}
	}
	for range t.most {
		for i, p := range pending {
			fates[i] = t.rng.IntN(m.log[p].fates())
		}
		if !do(fates) {
			return
		}
	}
}

// before names the change that was the last one.
func (m *memory) before(tick int) string {
	what := "the start"
	for _, c := range m.log {
		if c.issued <= tick {
			what = c.what
		}
	}
	return what
}

// tell says what became of the changes that were not synced.
func (m *memory) tell(pending, fates []int) string {
	var out []string
	for i, p := range pending {
		c := &m.log[p]
		how := "lost"
		switch {
		case fates[i] == 1:
			how = "on disk"
		case fates[i] == c.fates()-1 && c.op == write:
			how = "its size on disk, its data lost"
		case fates[i] == headLost:
			how = fmt.Sprintf("all but the first %d bytes on disk", c.cut(2))
		case fates[i] > 1:
			how = fmt.Sprintf("the first %d bytes on disk", c.cut(fates[i]))
		}
		out = append(out, c.what+": "+how)
	}
	if len(out) == 0 {
		return "nothing"
	}
	return strings.Join(out, "; ")
}
