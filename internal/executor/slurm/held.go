package slurm

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"runsheet"
	"runsheet/internal/diagnose"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// notYet is why an attempt waits that Slurm has not taken, in words; where there are none, nobody knows that it was refused.
func notYet(words string) string {
	if words == "" {
		return "not in Slurm's queue: it was not submitted yet, or it was cancelled there; the next launcher submits it"
	}
	return "not in Slurm's queue yet: " + words
}

// hold keeps what is left of a batch, to be submitted later.
func (e *Executor) hold(ctx context.Context, b *batch) {
	e.note(b)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.held = append(e.held, b)
	for _, l := range b.tasks {
		e.holding[l.Claim.Nonce] = b
	}
	if !e.drains {
		e.drains = true
		go e.drain(ctx)
	}
}

// note writes down why a batch is held, for those who do not hold it: `runsheet status`, while the launcher waits, or
// after it has left. Nothing depends on it.
func (e *Executor) note(b *batch) {
	c := b.claim
	durable.Replace(e.disk, "held", record.BatchHeldPath(stateOf(c), c.Batch), []byte(b.why+"\n"), durable.Private)
	e.mu.Lock()
	defer e.mu.Unlock()
	if key := "held " + b.entry.Name + " " + b.why; !e.news.told[key] {
		e.news.tell(some(len(b.tasks), "is ", "are ") + notYet(b.why))
		e.news.told[key] = true
	}
}

// forget removes what was written down about a batch of which nothing is held any more.
func (e *Executor) forget(b *batch) {
	e.disk.Remove("held", record.BatchHeldPath(stateOf(b.claim), b.claim.Batch))
}

// noted returns why the submission of a claim is held, or was when somebody held it last; "" where nobody says.
func (e *Executor) noted(c runsheet.Claim) string {
	data, _, err := durable.Read(e.disk, "held", record.BatchHeldPath(stateOf(c), c.Batch), 1<<16)
	if err != nil {
		return ""
	}
	return diagnose.Clean(strings.TrimSpace(string(data)))
}

// holds says why an attempt is held, or "" where it is not. e.mu is held.
func (e *Executor) holds(nonce string) string {
	if b := e.holding[nonce]; b != nil {
		return notYet(b.why)
	}
	return ""
}

// dropHeld takes an attempt out of what is held, to end as the given kind, and says whether it was there.
func (e *Executor) dropHeld(nonce string, kind runsheet.EndKind) bool {
	e.mu.Lock()
	b := e.holding[nonce]
	last := false
	if b != nil {
		delete(e.holding, nonce)
		e.remember(nonce).stopped = kind
		b.tasks = slices.DeleteFunc(slices.Clone(b.tasks), func(l runsheet.Launch) bool { return l.Claim.Nonce == nonce })
		last = len(b.tasks) == 0
	}
	e.mu.Unlock()
	if last {
		e.forget(b)
	}
	return b != nil
}

// drain submits what is held until nothing is.
func (e *Executor) drain(ctx context.Context) {
	beyond := time.Now()
	for {
		if e.sys.Clock.Wait(ctx, tickLeast) != nil {
			return
		}
		s := e.queue(ctx)
		if s.err != nil {
			continue
		}
		if time.Since(beyond) > tryBeyond {
			beyond = time.Now()
			e.forgetLimits()
		}
		next, more := e.nextHeld()
		if !more {
			return
		}
		for _, b := range next {
			e.submitHeld(ctx, b)
		}
	}
}

// nextHeld returns the batches to be tried next, the first of each entry of the pool that may have room, and says whether
// anything is held. What is refused for one entry does not keep the others waiting.
func (e *Executor) nextHeld() (next []*batch, more bool) {
	var done []*batch
	e.mu.Lock()
	e.held = slices.DeleteFunc(e.held, func(b *batch) bool {
		if len(b.tasks) == 0 {
			done = append(done, b)
		}
		return len(b.tasks) == 0
	})
	now, tried := time.Now(), map[string]bool{}
	for _, b := range e.held {
		host := b.entry.Name
		if l, ok := e.limits[host]; !tried[host] && (!ok || l.jobs > e.seen.active(l.of)) && !now.Before(e.pauses[host].until) {
			next = append(next, b)
		}
		tried[host] = true
	}
	more = len(e.held) > 0
	e.drains = more
	e.mu.Unlock()
	for _, b := range done {
		e.forget(b)
	}
	return next, more
}

// submitHeld tries to submit a batch that is held.
func (e *Executor) submitHeld(ctx context.Context, held *batch) {
	e.mu.Lock()
	b := *held
	e.mu.Unlock()
	if b.unsure {
		s := e.fresh(ctx)
		if s.err != nil {
			return
		}
		took := map[string][]runsheet.Launch{} // by the numbers of their jobs, which nobody heard
		b.tasks = slices.DeleteFunc(slices.Clone(b.tasks), func(l runsheet.Launch) bool {
			f := e.find(ctx, s, l.Claim, nil)
			if f.ok {
				id, _, _ := strings.Cut(f.id, "_")
				took[id] = append(took[id], l)
			}
			return f.ok
		})
		for id, part := range took {
			e.noteJob(ctx, &b, part, id)
		}
		b.unsure = false
	}
	err := e.submit(ctx, &b)
	switch {
	case err != nil || len(b.tasks) == 0:
		e.forget(&b)
	case b.why != held.why:
		e.note(&b)
	}
	left := map[string]bool{}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, l := range b.tasks {
		left[l.Claim.Nonce] = err == nil
		if err != nil { // they never will be submitted
			word := runsheet.Over{Kind: runsheet.EndCancelled, Cause: runsheet.Cause{Kind: runsheet.CauseNotStarted, Text: "submit to Slurm: " + err.Error()}}
			if errors.Is(err, runsheet.ErrRefused) {
				word.Kind, word.Cause.Kind = runsheet.EndVoid, runsheet.CauseRefused
			}
			e.remember(l.Claim.Nonce).word = &word
		}
	}
	held.why, held.full, held.unsure = b.why, b.full, b.unsure
	// What was dropped meanwhile stays dropped.
	held.tasks = slices.DeleteFunc(slices.Clone(held.tasks), func(l runsheet.Launch) bool {
		if !left[l.Claim.Nonce] {
			delete(e.holding, l.Claim.Nonce)
		}
		return !left[l.Claim.Nonce]
	})
}
