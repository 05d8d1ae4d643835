package slurm

import (
	"context"
	"fmt"
	"time"

	"runsheet"
)

// tryBeyond is how often a limit that was met is tried again, although as many jobs are there as before: it may have been
// raised, or was not this user's. One call of sbatch tells.
const tryBeyond = time.Minute

// limit is a number of jobs that Slurm would not exceed. Entries of the pool differ in their partitions and QOS, so each
// has its own.
type limit struct {
	of    kind   // whom it counts, of this user's jobs
	jobs  int    // how many of them there may be
	room  int    // how many more it takes
	words string // what it said
}

// met learns from the refusal of n jobs how many Slurm takes of this user, and says whether that is none, and how many
// more it takes; 0 where that is not known.
func (e *Executor) met(ctx context.Context, entry runsheet.PoolEntry, r *refusal, n int) (none bool, room int) {
	s := e.fresh(ctx)
	if s.err != nil {
		return false, 0
	}
	q, known := e.quota(ctx, entry, r)
	if n > 1 && !known {
		return false, 0
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	l := limit{words: fmt.Sprintf("it takes no more jobs of yours for now (%s)", r.reason())}
	if known {
		l.words = fmt.Sprintf("it takes no more than %d jobs of yours at once%s (%s)", q.most, q.of.among(), r.reason())
		if s.active(q.of) == q.used { // what counts for it is what is seen to count for it
			l.of = q.of
		}
		room = max(q.most-q.used, 0)
	}
	if n == 1 {
		room = 0 // whatever it says
		e.pauses[entry.Name] = e.pauses[entry.Name].longer(time.Now())
	}
	l.jobs = s.active(l.of) + room
	e.limits[entry.Name] = l
	return n == 1 && s.active(kind{}) == 0, room
}

// limit returns what is known of how many jobs Slurm takes for an entry of the pool.
func (e *Executor) limit(host string) (limit, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l, ok := e.limits[host]
	l.room = max(l.jobs-e.seen.active(l.of), 0)
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
