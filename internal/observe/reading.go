package observe

import (
	"context"
	"sync"
	"time"

	"runsheet"
)

// unhurried is how long a glance waits for evidence that was not known to take long.
const unhurried = time.Second

// reading is evidence that is being read, or was.
type reading struct {
	call      *call
	progress  runsheet.Progress // once the call has returned
	calledOff bool              // it took too long: then there is no progress
	after     moment            // what the records said before it began
	took      time.Duration
}

// moment is what the records of a run say, as far as evidence is judged by it.
type moment struct {
	attempt  int
	nonce    string
	started  bool
	ended    bool
	liveness runsheet.Liveness
}

func momentOf(f runsheet.Facts) moment {
	m := moment{attempt: f.Attempt, started: f.Start != nil, ended: f.End != nil, liveness: f.Liveness}
	if f.Claim != nil {
		m.nonce = f.Claim.Nonce
	}
	return m
}

// readings are those that glances have left to go on, by work dir, and which work dirs they take long for.
type readings struct {
	mu   sync.Mutex
	of   map[string]*reading
	slow map[string]bool
}

func (r *readings) any() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.of) > 0
}

// read begins to read the evidence of a run; nil where its mount does not answer, since silent, or ctx is done.
func (o *Observer) read(ctx context.Context, run runsheet.Run, how manner) (r *reading, silent time.Time) {
	r = &reading{}
	began := time.Now()
	at := mounts.of(run.WorkDir)
	r.call, silent = at.enter(ctx, run.WorkDir, func() {
		select {
		case at.turns <- struct{}{}:
			defer func() { <-at.turns }()
		case <-ctx.Done(): // it says so itself
		}
		within := ctx
		if how == brief {
			var cancel context.CancelFunc
			within, cancel = context.WithTimeout(ctx, Patience)
			defer cancel()
		}
		r.progress = o.evidence(within, run, how == recompute)
		r.calledOff = within.Err() != nil && ctx.Err() == nil
		r.took = time.Since(began)
	})
	if r.call == nil {
		return nil, silent
	}
	return r, time.Time{}
}

// glance is a look that does not wait for slow evidence. A run has one such reading at a time. Its result is used only if
// the records are still the same as before it began: then they are older than the evidence, and still hold.
func (o *Observer) glance(ctx context.Context, run runsheet.Run) runsheet.Facts {
	for tries := 1; ; tries++ {
		f, ok := o.recorded(ctx, run)
		if !ok {
			return f
		}
		now := momentOf(f)
		r, slow := o.readings.left(run.WorkDir)
		if r != nil && r.call.returned() {
			o.readings.drop(run.WorkDir, r)
			if r.after == now {
				return o.lean(with(f, r.progress), run)
			}
			r = nil
		}
		if r != nil {
			return unread(f)
		}
		run.Progress = f.Spec(run.Progress)
		r, silent := o.read(ctx, run, patient)
		switch {
		case !silent.IsZero():
			return unheard(f, silent)
		case r == nil: // ctx is done
			return unread(f)
		}
		r.after = now
		o.readings.leave(run.WorkDir, r)
		wait := unhurried
		if slow {
			wait = time.Millisecond
		}
		returned, silent := r.call.wait(ctx, Patience, wait)
		switch {
		case !silent.IsZero():
			return unheard(f, silent)
		case !returned:
			o.readings.isSlow(run.WorkDir)
			go r.call.announce()
			return unread(f)
		}
		o.readings.drop(run.WorkDir, r)
		f = with(f, r.progress)
		if tries < lookAgain && ctx.Err() == nil && !o.explains(ctx, run, f) {
			continue
		}
		return o.lean(f, run)
	}
}

// left returns the reading of a work dir that goes on, or has arrived; nil: there is none.
func (r *readings) left(workDir string) (left *reading, slow bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.of[workDir], r.slow[workDir]
}

func (r *readings) leave(workDir string, left *reading) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of[workDir] = left
}

// drop forgets a reading that has returned, and whether its like take long if it did not.
func (r *readings) drop(workDir string, left *reading) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.of, workDir)
	if left.took < unhurried/2 {
		delete(r.slow, workDir)
	}
}

func (r *readings) isSlow(workDir string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slow[workDir] = true
}
