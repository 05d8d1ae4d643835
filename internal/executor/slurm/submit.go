package slurm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// batch is a submission under way.
type batch struct {
	entry  runsheet.PoolEntry
	tasks  []runsheet.Launch // not submitted yet
	alone  bool              // it has but one task
	args   []string          // what follows the options: the script and its arguments
	why    string            // why it is held, in words
	unsure bool              // some of it may have been submitted: look before doing so again
}

// Start implements runsheet.Executor. What Slurm does not take now, because there are too many jobs or it is away, is
// submitted later by a goroutine that lives no longer than ctx; until then it waits, as if it were in the queue.
func (e *Executor) Start(ctx context.Context, launches []runsheet.Launch) []error {
	errs := make([]error, len(launches))
	index := map[string]int{}
	var names []string
	groups := map[string][]runsheet.Launch{}
	for i, l := range launches {
		index[l.Claim.Nonce] = i
		if groups[l.Claim.Batch] == nil {
			names = append(names, l.Claim.Batch)
		}
		groups[l.Claim.Batch] = append(groups[l.Claim.Batch], l)
	}
	for _, name := range names {
		b, err := e.prepare(groups[name])
		if err == nil {
			err = e.submit(ctx, b)
		}
		if err != nil {
			for _, l := range b.tasks {
				errs[index[l.Claim.Nonce]] = fmt.Errorf("submit %s: %w", l.Claim.Run, err)
			}
			continue
		}
		if len(b.tasks) > 0 {
			e.hold(ctx, b)
		}
	}
	return errs
}

// prepare writes what the jobs of a batch need, before they can be submitted. The batch is returned with an error, too.
func (e *Executor) prepare(of []runsheet.Launch) (*batch, error) {
	slices.SortFunc(of, func(a, b runsheet.Launch) int { return a.Claim.Task - b.Claim.Task })
	c := of[0].Claim
	b := &batch{tasks: of, alone: len(of) == 1 && c.Task == 0}
	var ok bool
	switch b.entry, ok = e.entries[c.Host]; {
	case c.Batch == "":
		return b, errors.New("its claim names no submission")
	case !ok:
		return b, fmt.Errorf("the pool has no %q any more", c.Host)
	}
	for _, l := range of {
		if _, err := e.sys.FS.List("submit", l.Dir); err != nil {
			return b, err
		}
	}
	state := stateOf(c)
	if err := e.sys.FS.Private("submit", state, true); err != nil {
		return b, err
	}
	binary, script, err := install(e.disk, e.sys, state)
	if err != nil {
		return b, err
	}
	list, err := record.WriteBatch(e.sys, state, of)
	if err != nil {
		return b, err
	}
	// Slurm appends to it, and would make it as readable as this user's umask has it.
	log, err := e.disk.Open("submit", record.BatchLogPath(state, c.Batch), os.O_WRONLY|os.O_CREATE|os.O_APPEND, durable.Private)
	if err != nil {
		return b, err
	}
	if err := log.Close(); err != nil {
		return b, err
	}
	b.args = []string{script, binary, list}
	return b, nil
}

// submit submits what it can of a batch, and takes it out of b.tasks. It returns an error where the rest would never be
// taken; without one the rest is to be held.
func (e *Executor) submit(ctx context.Context, b *batch) error {
	n, refused := len(b.tasks), false
	gently := e.crowded()
	if gently {
		n = 1
	}
	for len(b.tasks) > 0 && n > 0 {
		n = min(n, len(b.tasks))
		if room := e.room(); room >= 0 {
			n = min(n, room)
		}
		if n == 0 {
			b.why = fmt.Sprintf("not in Slurm's queue yet: it takes no more than %d jobs of yours at once", e.limit())
			return nil
		}
		part := b.tasks[:n]
		_, err := command(ctx, "sbatch", append(submission(b.entry, part, b.alone), b.args...)...)
		var r *refusal
		switch {
		case err == nil:
			e.taken(part)
			b.tasks = b.tasks[n:]
			switch {
			case gently:
				n *= 2
			case !refused:
				n = len(b.tasks)
			}
		case !errors.As(err, &r):
			return err
		case classify(r) == away || r.unsure:
			b.why, b.unsure = "not in Slurm's queue yet: "+r.text, true
			return nil
		case classify(r) == ofOurs && n == 1 && e.full(ctx):
			return err // nothing of this user's is in the way
		case classify(r) == ofOurs:
			b.why, refused = "not in Slurm's queue yet: "+r.text, true
			n /= 2
		case classify(r) == forNow:
			b.why, refused = "not in Slurm's queue yet: "+r.text, true
			e.setCrowded()
			if n /= 2; gently {
				return nil
			}
		default:
			return err
		}
	}
	return nil
}

// taken notes that attempts were submitted.
func (e *Executor) taken(part []runsheet.Launch) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, l := range part {
		k := e.remember(l.Claim.Nonce)
		k.submitted = time.Now()
	}
	e.seen.moved = time.Now()
	e.seen.active += len(part)
}

// full learns from a refusal how many jobs Slurm takes of this user, and says whether that is none.
func (e *Executor) full(ctx context.Context) bool {
	s := e.fresh(ctx)
	e.mu.Lock()
	defer e.mu.Unlock()
	if s.err == nil {
		e.most = max(s.active, 1)
	}
	return s.err == nil && s.active == 0
}

// setCrowded notes that Slurm took no more jobs of anybody.
func (e *Executor) setCrowded() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.crowdedAt = time.Now()
}

// crowded says whether Slurm took no more jobs of anybody lately: one at a time is tried first then, or each batch would
// be refused in all sizes.
func (e *Executor) crowded() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return time.Since(e.crowdedAt) < tryBeyond
}

// room returns how many more jobs Slurm would take by what it refused before; below 0: nothing is known.
func (e *Executor) room() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.most == 0 {
		return -1
	}
	return max(e.most-e.seen.active, 0)
}

func (e *Executor) limit() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.most
}
