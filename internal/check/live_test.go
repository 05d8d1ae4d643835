package check

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/journal"
	"runsheet/internal/progress"
	"runsheet/internal/record"
)

// TestLiveProjectIsHealthy checks a project again and again while everything that is ours writes to it. A single look
// must find nothing, not even a note: the order of looking alone has to see to that. The second look is for what is
// slower than this machine.
func TestLiveProjectIsHealthy(t *testing.T) {
	p := newProject(t)
	const enough, most = 40, 50 // looks, attempts
	p.run.Progress.Total = 1000
	p.sheet.Runs[0] = p.run
	var looks, written atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		defer cancel()
		cache := progress.New(quick, progress.Options{})
		for n := 0; n < most && (looks.Load() < enough || written.Load() < 2) && !t.Failed(); n++ {
			c := p.claim()
			if n%5 == 4 { // called off before it began
				e, err := record.TakeOver(t.Context(), p.sys, record.AttemptDir(c.WorkDir, c.Attempt), record.Heir{})
				if err != nil {
					t.Error(err)
					return
				}
				p.note(journal.Ended, c, e.Kind)
				continue
			}
			tenure := p.begin(c)
			p.epoch(n - n/5) // no epoch is written by those that were given up
			cache.Get(t.Context(), p.run.WorkDir, p.run.Progress, false)
			if n%7 == 0 {
				if _, err := record.Request(p.sys, p.run.WorkDir, runsheet.RequestRetry, "ada"); err != nil {
					t.Error(err)
				}
			}
			p.end(tenure, 1)
			written.Add(1)
		}
	})
	c := newChecker(durable.OS())
	for ; ctx.Err() == nil; looks.Add(1) {
		var f findings
		c.state(&f, p.state)
		c.run(t.Context(), &f, p.run)
		for _, v := range f.list {
			t.Errorf("look %d, after %d attempts: %v", looks.Load(), written.Load(), v)
		}
		if t.Failed() {
			break
		}
	}
	wg.Wait()
	if written.Load() < 2 || looks.Load() < 2 {
		t.Errorf("only %d attempts and %d looks: nothing was shown", written.Load(), looks.Load())
	}
	if got := p.check(); len(got) > 0 {
		t.Errorf("at rest: %v", got)
	}
}

// TestSecondLook: what is gone at the second look is not told, and what stays is told once.
func TestSecondLook(t *testing.T) {
	c := newChecker(durable.OS())
	c.pause = 0
	look := 0
	got := c.sure(t.Context(), func(f *findings) {
		look++
		f.broken("/a", "do", "stays")
		f.broken("/b", "do", "seen in look %d", look)
	})
	if look != 2 || len(got) != 1 || got[0].Path != "/a" {
		t.Errorf("%d looks: %v", look, got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := c.sure(ctx, func(*findings) { t.Error("looked") }); got != nil {
		t.Error(got)
	}
}
