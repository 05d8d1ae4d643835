package slurm

import (
	"context"
	"fmt"
	"time"
)

// tryBeyond is how often a limit that was met is tried again, although as many jobs are there as before: it may have been
// raised, or was not this user's. One call of sbatch tells.
const tryBeyond = time.Minute

// limit is a number of jobs that Slurm would not exceed. Entries of the pool differ in their partitions and QOS, so each
// has its own.
type limit struct {
	jobs  int    // of this user, for whatever entry
	room  int    // how many more it takes
	words string // what it said
}

// met learns from the refusal of one job how many Slurm takes of this user, and says whether that is none.
func (e *Executor) met(ctx context.Context, host string, r *refusal) (none bool) {
	s := e.fresh(ctx)
	e.mu.Lock()
	defer e.mu.Unlock()
	if s.err != nil {
		return false
	}
	n := max(s.active, 1)
	e.limits[host] = limit{jobs: n, words: fmt.Sprintf("it takes no more than %d jobs of yours at once (%s)", n, r.reason())}
	return s.active == 0
}

// limit returns what is known of how many jobs Slurm takes for an entry of the pool.
func (e *Executor) limit(host string) (limit, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l, ok := e.limits[host]
	l.room = max(l.jobs-e.seen.active, 0)
	return l, ok
}

// forgetLimits has all limits tried again.
func (e *Executor) forgetLimits() {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.limits)
}

// pause is how long an entry of the pool is left alone after Slurm took not one job for it, because there are too many of
// others: that may last for days. It ends when one is taken.
type pause struct {
	until time.Time
	last  time.Duration
}

// longer returns the pause after another refusal.
func (p pause) longer(now time.Time) pause {
	p.last = min(max(2*p.last, tickLeast), tickMost)
	return pause{now.Add(p.last), p.last}
}

// setCrowded notes that Slurm took no more jobs of anybody, and for an entry of the pool not even one, where none says so.
func (e *Executor) setCrowded(host string, none bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.crowdedAt = time.Now()
	if none {
		e.pauses[host] = e.pauses[host].longer(e.crowdedAt)
	}
}

// crowded says whether Slurm took no more jobs of anybody lately.
func (e *Executor) crowded() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return time.Since(e.crowdedAt) < tryBeyond
}
