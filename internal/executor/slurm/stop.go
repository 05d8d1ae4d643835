package slurm

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"runsheet"
)

// ask is what is to be asked of the job of an attempt.
type ask struct {
	claim  runsheet.Claim
	signal string // as scancel takes it
	kind   runsheet.EndKind
}

const (
	gatherAsks = 20 * time.Millisecond // what is asked of many comes in a burst, and goes with one scancel
	askAgain   = 15 * time.Second      // a signal that had no effect
	askAtOnce  = 200                   // jobs that one scancel is given

	unqueueFirst = time.Second // that long the others wait for those that are to be taken out of the queue
)

// Stop implements runsheet.Executor. A job that waits is cancelled; one that runs gets a signal to its supervisor, which
// ends the command and writes the end. What is asked of several attempts is gathered, and asked beside the caller; where
// Slurm cannot be asked the next call tries again.
func (e *Executor) Stop(_ context.Context, _ string, c runsheet.Claim, s *runsheet.Start, kind runsheet.EndKind, atOnce bool) error {
	if e.dropHeld(c.Nonce, kind) {
		return nil
	}
	signal := jobStop
	switch {
	case kind == runsheet.EndVoid:
		signal = unqueue
	case kind == runsheet.EndStuck:
		signal = stuck
	case atOnce:
		signal = hurry
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	k := e.remember(c.Nonce)
	if k.asked == signal && time.Since(k.askedAt) < askAgain {
		return nil
	}
	k.asked, k.askedAt = signal, time.Now()
	e.asks[c.Nonce] = ask{c, signal, kind}
	if !e.flies {
		e.flies = true
		go e.askAll()
	}
	return nil
}

// askAll asks what was gathered.
func (e *Executor) askAll() {
	time.Sleep(gatherAsks)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	q := e.fresh(ctx)
	e.mu.Lock()
	asks := maps.Clone(e.asks)
	clear(e.asks)
	e.flies = false
	e.mu.Unlock()
	if q.err != nil {
		e.notAsked(slices.Collect(maps.Values(asks)))
		return
	}
	todo := map[string][]ask{} // by signal
	for _, a := range asks {
		j, ok := q.jobs[task{a.claim.Batch, a.claim.Task}]
		switch {
		case !ok || phaseOf(j.state) == over:
		case phaseOf(j.state) == suspended && a.kind == runsheet.EndStuck: // since the last look; it cannot make progress
		case a.kind == runsheet.EndVoid && phaseOf(j.state) != pending: // too late
		case phaseOf(j.state) == pending:
			todo[unqueue] = append(todo[unqueue], a)
		default:
			todo[a.signal] = append(todo[a.signal], a)
		}
	}
	// What waits goes first, or it takes the places of what ends. A job that was started in this moment can take no signal
	// yet, and scancel sleeps for five seconds on it: nobody else is to wait for that.
	var all sync.WaitGroup
	begin := func(signal string) (done chan struct{}) {
		done = make(chan struct{})
		all.Go(func() {
			defer close(done)
			for of := range slices.Chunk(todo[signal], askAtOnce) {
				e.scancel(ctx, q, signal, of)
			}
		})
		return done
	}
	select {
	case <-begin(unqueue):
	case <-time.After(unqueueFirst):
	}
	for _, signal := range []string{jobStop, hurry, stuck} {
		begin(signal)
	}
	all.Wait()
}

// What scancel is asked for: the signals of package supervise, and what stands in place of one and cancels what waits.
const (
	unqueue = ""
	jobStop = "40" // supervise.SignalJobStop
	stuck   = "41" // supervise.SignalStuck
	hurry   = "42" // supervise.SignalHurry
)

// scancel sends one signal to the jobs of attempts, or cancels them where they wait. One that was started since the queue
// was looked at is told to end by Slurm then: not with --state=PENDING, which takes every task of the array that waits.
func (e *Executor) scancel(ctx context.Context, q snapshot, signal string, of []ask) {
	var args, ids []string
	if signal != unqueue {
		args = []string{"--batch", "--signal=" + signal}
	}
	for _, a := range of {
		ids = append(ids, q.jobs[task{a.claim.Batch, a.claim.Task}].id)
	}
	args = append(args, together(ids)...)
	_, err := e.command(ctx, "scancel", args...)
	e.mu.Lock()
	e.seen.moved = time.Now()
	for _, a := range of {
		k := e.remember(a.claim.Nonce)
		k.stopped = a.kind
		if j := q.jobs[task{a.claim.Batch, a.claim.Task}]; j.never {
			k.refused = "Slurm would never start it: " + strings.Trim(j.reason, "()")
		}
	}
	e.mu.Unlock()
	if err != nil || signal == unqueue { // one of them may be over already, and then all are asked again
		e.notAsked(of)
	}
}

// notAsked has the next call but those of the next moment ask again.
func (e *Executor) notAsked(of []ask) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, a := range of {
		e.remember(a.claim.Nonce).askedAt = time.Now().Add(tickLeast - askAgain)
	}
}
