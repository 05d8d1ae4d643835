package progress

import (
	"context"
	"encoding/json"
	"path/filepath"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/tracker"
)

const (
	// lockPatience is how long a caller waits for another process. Whoever holds the lock computes, or was stopped in
	// the middle of it: then the others go on without it.
	lockPatience = 10 * time.Second
	// longestWait is how long a computation is put off until its witnesses have come of age: longer than the tick of
	// local file systems, shorter than anybody notices.
	longestWait = 50 * time.Millisecond
	// lookAgain is how often evidence that changes while it is read is read again.
	lookAgain = 5
	// muchRead is how many bytes must have been read anew for an unsettled document to be kept for its cursors.
	muchRead = 1 << 20
)

// slow takes the lock, checks a second time, and computes. The caller has the turn of its flight.
func (c *Cache) slow(ctx context.Context, pl place, spec runsheet.ProgressSpec, recompute bool, f *flight) runsheet.Progress {
	unlock, locked := c.lock(ctx, pl)
	defer unlock()
	if ctx.Err() != nil {
		return c.interrupted(pl.workDir, ctx)
	}
	old := c.load(pl)
	if !recompute {
		if p, ok := c.fresh(old, spec); ok { // somebody has computed it while we waited
			return p
		}
		c.comeOfAge(ctx, old, spec)
	}
	began := c.seq.Add(1)
	var cursors []tracker.Cursor
	if old != nil && !recompute {
		cursors = old.doc.Cursors
	}
	doc, asOf := c.compute(ctx, pl, spec, cursors, locked, recompute)
	m := c.keep(pl, doc, ahead(doc.Cursors, cursors) >= c.worthKeeping(), locked)
	if ctx.Err() != nil {
		return c.interrupted(pl.workDir, ctx)
	}
	p := c.answer(m, asOf, spec)
	f.last = &shared{began, doc.Spec, clone(p)}
	return p
}

// lock takes the lock of the document between processes; locked is false where there is none to be had, and then
// nothing is written.
func (c *Cache) lock(ctx context.Context, pl place) (unlock func(), locked bool) {
	nothing := func() {}
	if pl.lock == "" {
		return nothing, false
	}
	if !pl.ours {
		if err := durable.MkdirAll(c.disk, "progress", filepath.Dir(pl.lock), 0o700); err != nil {
			return nothing, false
		}
	}
	l, err := durable.OpenLock(c.disk, "progress", pl.lock)
	if err != nil {
		return nothing, false // a read-only or full disk, no permission, or the directory is gone
	}
	unlock = func() { l.Close() }
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	return unlock, l.Take(ctx, 0) == nil
}

// comeOfAge waits, where that is short, until the witnesses of an unsettled document are older than the tick: then
// one computation is final, and all who wait share it. Where something has changed since, there is nothing to wait for.
func (c *Cache) comeOfAge(ctx context.Context, m *memo, spec runsheet.ProgressSpec) {
	if m == nil || m.doc.Settled || m.doc.OfAge == 0 || !m.madeFor(spec) {
		return
	}
	now := c.opts.Now()
	left := time.Duration(m.doc.OfAge - now.UnixNano())
	if left > 0 && left <= longestWait && c.holds(m, now) {
		c.opts.Sleep(ctx, left) //nolint:errcheck // a caller that gives up is noticed below
	}
}

// ahead returns how many bytes the cursors have read that the older ones had not.
func ahead(cursors, older []tracker.Cursor) int64 {
	var n int64
	for _, c := range cursors {
		n += c.Offset
		for _, o := range older {
			if o.Path == c.Path && o.Key == c.Key && o.Offset <= c.Offset {
				n -= o.Offset
				break
			}
		}
	}
	return n
}

// worthKeeping is muchRead, or less where one slice is: its end lies up to a line behind that of what was taken in.
func (c *Cache) worthKeeping() int64 {
	if c.opts.Slice > 0 {
		return min(c.opts.Slice/2, muchRead)
	}
	return muchRead
}

// compute reads the evidence until the witnesses before and after the reading agree, and publishes what it says.
// Growing files are read on from the cursors. Where ctx is done before the end, the document has nothing but cursors.
func (c *Cache) compute(ctx context.Context, pl place, spec runsheet.ProgressSpec, cursors []tracker.Cursor, locked, recompute bool) (*document, time.Time) {
	doc := &document{Schema: cacheSchema, Spec: digest(spec)}
	var began time.Time
	for range lookAgain {
		began = c.opts.Now()
		c.opts.OnCompute(pl.workDir)
		r := tracker.Look(ctx, c.disk, pl.workDir, spec, tracker.Options{Now: c.opts.Now, Sleep: c.opts.Sleep, Cursors: cursors, Slice: c.opts.Slice})
		if ctx.Err() != nil { // how far it came is all that it is good for
			doc.Cursors, doc.Settled, doc.OfAge = r.Cursors, false, 0
			return doc, began
		}
		if r.Broken != nil && recompute && locked && pl.ours && c.setAside(pl, r.Broken) {
			continue
		}
		doc.Progress, doc.Witnesses, doc.Cursors, doc.Published = r.Progress, r.Witnesses, r.Cursors, ""
		cursors = r.Cursors
		agreed := !r.Another // or what came and went within a tick would show in no witness
		for i := range r.Witnesses {
			agreed = agreed && r.Witnesses[i].Holds(c.disk, r.Witnesses[i].Abs(pl.workDir))
		}
		if agreed && locked && pl.ours && !r.Foreign {
			doc.Published = c.publish(pl, doc.Progress)
		}
		tick := c.opts.Tick(pl.workDir, doc.Witnesses)
		doc.Tick = int64(tick)
		doc.settle(began, agreed && !r.Passing)
		if agreed {
			break
		}
	}
	return doc, began
}

// settle decides whether a change could hide behind the stamp of a witness: one that is younger than the tick when
// the reading began, or of the future.
func (d *document) settle(began time.Time, steady bool) {
	var young int64
	for i := range d.Witnesses {
		if w := &d.Witnesses[i]; w.Path != documentName || d.Published == "" {
			young = max(young, w.Young())
		}
	}
	d.Settled, d.OfAge = false, 0
	if steady {
		ofAge := young + d.Tick
		if d.Settled = began.UnixNano() >= ofAge; !d.Settled {
			d.OfAge = ofAge
		}
	}
	d.Progress.Settled = d.Settled
}

// keep writes the document, if it will be of use. ahead: its cursors are much further than those before. Where it cannot be
// written it is kept in memory, until the document on disk changes.
func (c *Cache) keep(pl place, doc *document, ahead, locked bool) *memo {
	if !doc.Settled && (doc.OfAge == 0 || doc.Tick > int64(longestWait)) && !ahead {
		// Nobody uses an unsettled document that is not soon to come of age, but for its cursors.
		return newMemo(pl, tracker.Stamp{}, doc)
	}
	if data, err := json.Marshal(doc); err == nil && locked {
		// An error leaves the old document, or the new one: the stamp below is of whichever it is.
		durable.Replace(c.disk, "progress", pl.doc, data, durable.Private)
	}
	m := newMemo(pl, tracker.LookAt(c.disk, pl.doc), doc)
	c.remember(m)
	return m
}
