package slurm

import (
	"context"
	"slices"
	"time"

	"runsheet"
)

// hold keeps what is left of a batch, to be submitted later.
func (e *Executor) hold(ctx context.Context, b *batch) {
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

// holds says why an attempt is held, or "" where it is not. e.mu is held.
func (e *Executor) holds(nonce string) string {
	if b := e.holding[nonce]; b != nil {
		return b.why
	}
	return ""
}

// dropHeld takes an attempt out of what is held, and says whether it was there.
func (e *Executor) dropHeld(nonce string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	b := e.holding[nonce]
	if b == nil {
		return false
	}
	delete(e.holding, nonce)
	b.tasks = slices.DeleteFunc(slices.Clone(b.tasks), func(l runsheet.Launch) bool { return l.Claim.Nonce == nonce })
	return true
}

// tryBeyond is how often a limit that was met is tried again, although as many jobs are there as before: it may have been
// raised, or was not this user's.
const tryBeyond = time.Minute

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
			e.mu.Lock()
			e.most = 0
			e.mu.Unlock()
		}
		if e.room() == 0 {
			continue
		}
		if !e.drainOnce(ctx) {
			return
		}
	}
}

// drainOnce tries to submit the first batch that is held, and says whether something is still held.
func (e *Executor) drainOnce(ctx context.Context) bool {
	e.mu.Lock()
	e.held = slices.DeleteFunc(e.held, func(b *batch) bool { return len(b.tasks) == 0 })
	if len(e.held) == 0 {
		e.drains = false
		e.mu.Unlock()
		return false
	}
	b := *e.held[0]
	e.mu.Unlock()
	if b.unsure {
		s := e.fresh(ctx)
		if s.err != nil {
			return true
		}
		b.tasks = slices.DeleteFunc(slices.Clone(b.tasks), func(l runsheet.Launch) bool {
			_, there := s.jobs[task{l.Claim.Batch, l.Claim.Task}]
			return there
		})
		b.unsure = false
	}
	err := e.submit(ctx, &b)
	left := map[string]bool{}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, l := range b.tasks {
		left[l.Claim.Nonce] = err == nil
		if err != nil { // they never will be submitted
			e.remember(l.Claim.Nonce).word = &runsheet.Over{Kind: runsheet.EndCancelled,
				Cause: runsheet.Cause{Kind: runsheet.CauseCancelled, Text: "Slurm refused its job: " + err.Error()}}
		}
	}
	was := e.held[0]
	was.why, was.unsure = b.why, b.unsure
	// What was dropped meanwhile stays dropped.
	was.tasks = slices.DeleteFunc(slices.Clone(was.tasks), func(l runsheet.Launch) bool {
		if !left[l.Claim.Nonce] {
			delete(e.holding, l.Claim.Nonce)
		}
		return !left[l.Claim.Nonce]
	})
	return true
}
