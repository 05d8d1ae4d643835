package observe

import (
	"context"
	"os"
	"slices"
	"sync"
	"time"

	"runsheet/internal/durable"
)

const (
	// Patience is how long a file system may take to answer one request before the runs on it are said to be unknown.
	Patience = 3 * time.Second
	// doubt is how long it may take before nobody else is sent to ask it as well.
	doubt = 500 * time.Millisecond
	// recheck is how often whoever may not ask yet looks whether that has changed.
	recheck = 50 * time.Millisecond
)

// gates keep file systems that do not answer from holding up those who have others to look at. A call into such a file
// system cannot be called off: it is left behind, and used when it returns. While one is left behind, nobody else is let in
// to the same mount, and all are told at once that it does not answer.
type gates struct {
	mu       sync.Mutex
	byMount  map[string]*gate
	arrivals uint64        // what came after nobody waited for it any more
	next     chan struct{} // closed when that changes
}

// mounts are those of this process.
var mounts = &gates{byMount: map[string]*gate{}, next: make(chan struct{})}

// Arrivals counts what has arrived in this process that was not waited for any more, evidence or the answer of a file
// system; next is closed when there is more.
func Arrivals() (n uint64, next <-chan struct{}) {
	mounts.mu.Lock()
	defer mounts.mu.Unlock()
	return mounts.arrivals, mounts.next
}

// LeftBehind returns the mounts that calls of this process still wait for, though nobody waits for them: until there is an answer
// it may not end.
func LeftBehind() (out []string) {
	mounts.mu.Lock()
	defer mounts.mu.Unlock()
	for mount, at := range mounts.byMount {
		at.mu.Lock()
		for _, left := range at.calls {
			if left && !slices.Contains(out, mount) {
				out = append(out, mount)
			}
		}
		at.mu.Unlock()
	}
	slices.Sort(out)
	return out
}

// of returns the gate of the mount that a path lies on.
func (g *gates) of(path string) *gate {
	mount := durable.MountOf(path)
	g.mu.Lock()
	defer g.mu.Unlock()
	at := g.byMount[mount]
	if at == nil {
		at = &gate{all: g, calls: map[*call]bool{}, changed: make(chan struct{}), turns: make(chan struct{}, atOnce())}
		g.byMount[mount] = at
	}
	return at
}

// arrived tells that something has arrived.
func (g *gates) arrived() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.arrivals++
	close(g.next)
	g.next = make(chan struct{})
}

// gate is what is known of one mount.
type gate struct {
	all     *gates
	mu      sync.Mutex
	calls   map[*call]bool // under way; true: left behind
	last    time.Time      // when one returned last
	changed chan struct{}  // closed when one of these changes
	turns   chan struct{}  // holds a token for each reading of evidence
}

// call is something that is done to the files below path.
type call struct {
	at    *gate
	path  string
	heard bool      // its file system has answered it
	since time.Time // left behind: the request that was not answered
	done  chan struct{}
}

// enter begins f beside the caller. Of a mount that nothing is known of, one asks first, and the others wait for what
// becomes of that. silent is since when the mount has not answered, and then f is not called; with nothing returned, ctx
// was done.
func (g *gate) enter(ctx context.Context, path string, f func()) (c *call, silent time.Time) {
	for ctx.Err() == nil {
		g.mu.Lock()
		silent, answers := g.state()
		if !silent.IsZero() {
			g.mu.Unlock()
			return nil, silent
		}
		if answers {
			c := &call{at: g, path: path, done: make(chan struct{})}
			g.calls[c] = false
			g.mu.Unlock()
			go func() {
				defer g.left(c)
				c.listen()
				f()
			}()
			return c, time.Time{}
		}
		changed := g.changed
		g.mu.Unlock()
		t := time.NewTimer(recheck)
		select {
		case <-changed:
		case <-t.C:
		case <-ctx.Done():
		}
		t.Stop()
	}
	return nil, time.Time{}
}

// state returns since when a call that was left behind has waited, and whether another one may be let in: there is none
// under way, or those that are have had answers, up to a moment ago. It leaves behind what nobody waits for any more.
func (g *gate) state() (silent time.Time, answers bool) {
	now := time.Now()
	heard, longest := now.Sub(g.last) < recheck, time.Duration(0)
	for c, left := range g.calls {
		heard = heard || c.heard
		if since, ok := durable.Unanswered(c.path); ok {
			longest = max(longest, now.Sub(since))
			if !left && now.Sub(since) >= Patience {
				g.leave(c, since)
				left = true
			}
		}
		if left && (silent.IsZero() || c.since.Before(silent)) {
			silent = c.since
		}
	}
	return silent, len(g.calls) == 0 || heard && longest < doubt
}

// listen asks the file system for one answer.
func (c *call) listen() {
	durable.Ask(c.path, func() { os.Stat(c.path) }) // whatever it says
	c.at.mu.Lock()
	defer c.at.mu.Unlock()
	c.heard = true
	c.at.tell()
}

// left ends a call.
func (g *gate) left(c *call) {
	g.mu.Lock()
	behind := g.calls[c]
	delete(g.calls, c)
	g.last = time.Now()
	g.tell()
	g.mu.Unlock()
	close(c.done)
	if behind {
		g.all.arrived()
	}
}

func (g *gate) tell() {
	close(g.changed)
	g.changed = make(chan struct{})
}

// wait waits until a call has returned, for no longer than atMost, where that is set. Where one of its requests has not
// been answered for so long as patience says, it is left behind, and silent is since when.
func (c *call) wait(ctx context.Context, patience, atMost time.Duration) (returned bool, silent time.Time) {
	began := time.Now()
	for {
		next, silent := c.next(patience)
		if !silent.IsZero() {
			return false, silent
		}
		if atMost > 0 {
			if next = min(next, atMost-time.Since(began)); next <= 0 {
				return c.returned(), time.Time{}
			}
		}
		t := time.NewTimer(next)
		select {
		case <-c.done:
			t.Stop()
			return true, time.Time{}
		case <-ctx.Done():
			t.Stop()
			return c.returned(), time.Time{}
		case <-t.C:
		}
	}
}

// next returns when to look at a call again whose requests may take so long, or since when one of them has taken longer: then
// it is left behind, if it was not.
func (c *call) next(patience time.Duration) (next time.Duration, silent time.Time) {
	c.at.mu.Lock()
	defer c.at.mu.Unlock()
	since, ok := durable.Unanswered(c.path)
	if c.at.calls[c] {
		since, ok = c.since, true
	}
	age := time.Since(since)
	switch {
	case !ok:
		return patience, time.Time{}
	case age < patience:
		return patience - age, time.Time{}
	}
	c.at.leave(c, since)
	return 0, since
}

// leave leaves a call behind, whose oldest request has not been answered since then. The caller holds the mutex.
func (g *gate) leave(c *call, since time.Time) {
	if left, underway := g.calls[c]; underway && !left {
		c.since = since
		g.calls[c] = true
		durable.GiveUp(c.path, time.Now().Add(-doubt)) // whoever waits for something above it does not wait for that
		g.tell()
	}
}

// announce waits for a call that nobody waits for any more, and tells that it has returned.
func (c *call) announce() {
	<-c.done
	c.at.all.arrived()
}

func (c *call) returned() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// Try does f, which touches what is below path, and returns its result. ok is false where its mount has not answered for as
// long as patience says, since silent, or ctx is done. What f does by then, or does still, it does beside the caller.
func Try[T any](ctx context.Context, path string, patience time.Duration, f func() T) (out T, silent time.Time, ok bool) {
	result := make(chan T, 1)
	c, silent := mounts.of(path).enter(ctx, path, func() { result <- f() })
	if c == nil {
		return out, silent, false
	}
	returned, silent := c.wait(ctx, patience, 0)
	if !returned {
		return out, silent, false
	}
	return <-result, time.Time{}, true
}
