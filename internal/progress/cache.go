package progress

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/proc"
	"runsheet/internal/tracker"
)

// Options change where the cache of strangers' directories lies, and what a test needs to control. The zero value is
// good.
type Options struct {
	// CacheDir holds the documents of work dirs without a .runsheet; the default is runsheet/progress in the user's
	// cache directory.
	CacheDir string
	// Now is the clock; it must be the one that the file system stamps with, up to its tick.
	Now func() time.Time
	// Sleep waits, or returns early with an error when the context is done.
	Sleep func(context.Context, time.Duration) error
	// Tick tells how long after a change another one may still get the same stamp, for a work dir with these witnesses.
	Tick func(workDir string, witnesses []tracker.Witness) time.Duration
	// Slice is how many bytes of a growing file are read before how far that came is kept; 0: as a tracker has it.
	Slice int64
	// OnCompute is called for each reading of evidence, when it begins.
	OnCompute func(workDir string)
	// OnDamage is called for each document of the cache that cannot be understood; it is computed anew.
	OnDamage func(path string, err error)
}

// Cache gives the progress of runs. It is safe for use by several goroutines, and by several processes at once.
type Cache struct {
	disk durable.Disk
	opts Options

	seq     atomic.Uint64 // counts computations: says which began after a call did
	flights flights

	mu    sync.RWMutex
	memos map[string]*memo // by work dir
	limit int              // of memos
}

// New returns a cache on disk.
func New(disk durable.Disk, opts Options) *Cache {
	if opts.CacheDir == "" {
		if dir, err := os.UserCacheDir(); err == nil {
			opts.CacheDir = filepath.Join(dir, "runsheet", "progress")
		}
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Sleep == nil {
		opts.Sleep = proc.SystemClock().Wait
	}
	if opts.Tick == nil {
		opts.Tick = Tick
	}
	if opts.OnCompute == nil {
		opts.OnCompute = func(string) {}
	}
	if opts.OnDamage == nil {
		opts.OnDamage = func(string, error) {}
	}
	return &Cache{disk: disk, opts: opts, flights: flights{m: map[string]*flight{}}, memos: map[string]*memo{}, limit: maxMemos}
}

// Get returns the progress of the run in workDir, an absolute path, as the evidence tells it at some moment of the
// call. What is wrong with the evidence is in the Error of the result. recompute reads all the evidence anew, whatever
// the cache says, and sets a broken progress.json of the training code aside. Where ctx is done first, the Error says so, with
// the cause of that; how far the evidence was read is kept, and the next call goes on from there.
func (c *Cache) Get(ctx context.Context, workDir string, spec runsheet.ProgressSpec, recompute bool) runsheet.Progress {
	arrival := c.seq.Load()
	if !recompute {
		if p, ok := c.fresh(c.recall(workDir), spec); ok {
			return p
		}
	}
	pl := c.placeOf(workDir)
	if !recompute {
		if p, ok := c.fresh(c.load(pl), spec); ok {
			return p
		}
	}
	f := c.flights.join(pl.doc)
	defer c.flights.leave(pl.doc, f)
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
		return c.interrupted(workDir, ctx)
	}
	if s := f.last; !recompute && s != nil && s.began > arrival && s.digest == digest(spec) {
		return clone(s.progress)
	}
	return c.slow(ctx, pl, spec, recompute, f)
}

// Forget gives the memory back that the progress of a work dir takes; what is kept on disk stays.
func (c *Cache) Forget(workDir string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.memos, workDir)
}

// interrupted is the answer to a caller that does not want to wait any longer.
func (c *Cache) interrupted(workDir string, ctx context.Context) runsheet.Progress {
	return runsheet.Progress{AsOf: c.opts.Now(), Error: fmt.Sprintf("progress was not read: %s: %v", workDir, context.Cause(ctx))}
}

// fresh returns the progress in a document if it still holds: it is settled, made for this spec, and so is every
// witness. No witness has changed from the computation until it was looked at here, so all of them together were as
// they were computed at the moment before the first look.
func (c *Cache) fresh(m *memo, spec runsheet.ProgressSpec) (runsheet.Progress, bool) {
	if m == nil || !m.doc.Settled || !m.madeFor(spec) {
		return runsheet.Progress{}, false
	}
	now := c.opts.Now()
	if !c.holds(m, now) {
		return runsheet.Progress{}, false
	}
	return c.answer(m, now, spec), true
}

// answer is what a caller gets of a document: a copy, with the signs of life that the document cannot know.
func (c *Cache) answer(m *memo, asOf time.Time, spec runsheet.ProgressSpec) runsheet.Progress {
	p := clone(m.doc.Progress)
	p.AsOf = asOf
	at := m.logs.Newest(c.disk, m.place.workDir, p.Source, spec, asOf, time.Duration(m.doc.Tick))
	if at.After(p.LastActivity) {
		p.LastActivity = at
	}
	return p
}

func clone(p runsheet.Progress) runsheet.Progress {
	p.Metrics, p.Recent, p.Cuts = maps.Clone(p.Metrics), slices.Clone(p.Recent), slices.Clone(p.Cuts)
	return p
}
