package slurm

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"strconv"
	"time"
)

// snapshot is the queue as squeue showed it.
type snapshot struct {
	began  time.Time // when squeue was started: what was submitted later need not be in it
	asOf   time.Time // when the one was started that jobs were read off
	took   time.Duration
	moved  time.Time // when something was different from the time before
	jobs   map[task]job
	words  [sha256.Size]byte // hash of what jobs were read off
	listed map[kind]int      // jobs of this user in it that are not over, also those that are none of ours
	since  int               // how many were submitted since
	err    error
}

// active returns how many jobs of this user are not over, of those that are meant. What was submitted since squeue looked
// is counted for all.
func (s *snapshot) active(of kind) int {
	n := s.since
	for k, jobs := range s.listed {
		if of.has(k) {
			n += jobs
		}
	}
	return n
}

// How long a look at the queue serves: the controller is everybody's, so it is asked less often while nothing moves, and
// never for more than one part in a hundred of the time.
const (
	tickLeast = 2 * time.Second
	tickMost  = 30 * time.Second
	tickShare = 100
)

// serves returns how long the snapshot stands for the queue.
func (s *snapshot) serves(now time.Time) time.Duration {
	return max(min(max(now.Sub(s.moved)/4, tickLeast), tickMost), min(tickShare*s.took, tickMost))
}

// answers is how long a caller waits for Slurm's answer: what else is to be done must not wait for a controller that is
// away.
const answers = 5 * time.Second

// queue returns the queue, asked anew where the last answer is too old.
func (e *Executor) queue(ctx context.Context) snapshot {
	return e.since(ctx, func() bool { return time.Since(e.seen.began) <= e.seen.serves(time.Now()) }, false)
}

// fresh returns the queue as it is now.
func (e *Executor) fresh(ctx context.Context) snapshot {
	now := time.Now()
	return e.since(ctx, func() bool { return e.seen.began.After(now) }, true)
}

// since returns the last answer that is good enough, which is asked with e.mu held; where there is none in time, it is
// the last one with an error. A caller that takes an error for an answer gets the last one at once while Slurm is asked
// again: as long as the controller is away every question takes its time, and nobody is to wait for each.
func (e *Executor) since(ctx context.Context, good func() bool, patient bool) snapshot {
	e.mu.Lock()
	defer e.mu.Unlock()
	if good() {
		return e.seen
	}
	ctx, cancel := context.WithTimeout(ctx, answers)
	defer cancel()
	for !good() {
		if e.asking == nil {
			e.asking = make(chan struct{})
			go e.ask(e.asking)
		}
		if e.seen.err != nil && !patient {
			return e.seen
		}
		asking := e.asking
		e.mu.Unlock()
		select {
		case <-asking:
		case <-ctx.Done():
		}
		e.mu.Lock()
		if ctx.Err() != nil && !good() {
			if e.seen.err == nil {
				e.seen.err = fmt.Errorf("cannot ask Slurm: squeue has not answered for %v", answers)
			}
			return e.seen
		}
	}
	return e.seen
}

// squeue shows this user's jobs, with --all also those in a partition that is hidden, or closed to the user's groups by now.
func (e *Executor) squeue(options ...string) (string, error) {
	return e.command(context.Background(), "squeue", append([]string{"--noheader", "--all", "--states=all", "--user=" + strconv.Itoa(os.Geteuid()), "--format=" + fields}, options...)...)
}

// ask runs squeue, takes its answer in, and closes done.
func (e *Executor) ask(done chan struct{}) {
	s := snapshot{began: time.Now()}
	s.asOf = s.began
	out, err := e.squeue()
	if err == nil && differ(out) {
		out, err = e.squeue("--array") // a line for each task
	}
	s.took = time.Since(s.began)
	s.words = sha256.Sum256([]byte(out))
	e.mu.Lock()
	was := e.seen
	e.mu.Unlock()
	switch {
	case err != nil:
	case s.words == was.words: // thousands that wait look the same for hours
		s.jobs, s.listed, s.asOf = was.jobs, was.listed, was.asOf
	default:
		s.jobs, s.listed, err = parseQueue(out, s.began)
		e.cannotBegin(context.Background(), s.jobs)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s.moved = e.seen.moved
	if err != nil { // what was there last: nobody takes that for the truth
		last := e.seen
		s.jobs, s.asOf, s.words, s.listed, s.since = last.jobs, last.asOf, last.words, last.listed, last.since
		s.err = fmt.Errorf("cannot ask Slurm: %w", err)
	}
	fewer := len(e.held) > 0 && s.active(kind{}) < e.seen.active(kind{}) // whosesoever they were, there is room for what is held
	if e.seen.began.IsZero() || (s.err == nil) != (e.seen.err == nil) || s.err == nil && (fewer || !maps.EqualFunc(s.jobs, e.seen.jobs, job.same)) {
		s.moved = s.began
	}
	e.seen, e.asking = s, nil
	close(done)
}
