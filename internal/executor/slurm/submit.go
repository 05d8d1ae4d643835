package slurm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// batch is a submission under way.
type batch struct {
	entry  runsheet.PoolEntry
	claim  runsheet.Claim    // of one of them
	tasks  []runsheet.Launch // not submitted yet
	alone  bool              // it has but one task
	args   []string          // what follows the options: the script and its arguments
	why    string            // why it is held, in Slurm's words
	full   bool              // some of it was refused, because there were too many jobs
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
				errs[index[l.Claim.Nonce]] = fmt.Errorf("submit to Slurm: %w", err)
			}
			e.forget(b)
			continue
		}
		if len(b.tasks) > 0 {
			e.hold(ctx, b)
		} else {
			e.forget(b)
		}
	}
	return errs
}

// prepare writes what the jobs of a batch need, before they can be submitted. The batch is returned with an error, too.
func (e *Executor) prepare(of []runsheet.Launch) (*batch, error) {
	slices.SortFunc(of, func(a, b runsheet.Launch) int { return a.Claim.Task - b.Claim.Task })
	c := of[0].Claim
	b := &batch{claim: c, tasks: of, alone: len(of) == 1 && c.Task == 0}
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
	if err := record.MakeState(e.disk, "submit", state); err != nil {
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
	// Where the jobs cannot be noted none is submitted.
	f, err := durable.OpenOwn(e.disk, "submit", record.BatchJobsPath(state, c.Batch), os.O_WRONLY|os.O_APPEND)
	if err != nil {
		return b, err
	}
	if err := f.Close(); err != nil {
		return b, err
	}
	if err := e.sys.FS.Sync("submit", filepath.Dir(list)); err != nil {
		return b, err
	}
	b.args = []string{script, binary, list}
	return b, nil
}

// submit submits what it can of a batch, and takes it out of b.tasks. It returns an error where the rest would never be
// taken; without one the rest is to be held.
func (e *Executor) submit(ctx context.Context, b *batch) error {
	n, refused := len(b.tasks), false
	// Where nobody knows how many it would take now, and it was too many before, one at a time is tried first: or each
	// batch would be refused in all sizes.
	_, known := e.limit(b.entry.Name)
	gently := e.crowded() || b.full && !known
	if gently {
		n = 1
	}
	for len(b.tasks) > 0 && n > 0 {
		n = min(n, len(b.tasks))
		if l, ok := e.limit(b.entry.Name); ok {
			if n = min(n, l.room); n == 0 {
				b.why, b.full = l.words, true
				return nil
			}
		}
		part := b.tasks[:n]
		out, err := e.command(ctx, "sbatch", append(submission(b.entry, part, b.alone), b.args...)...)
		var r *refusal
		if err == nil {
			e.noteJob(ctx, b, part, out)
			e.submitted(part, out)
			e.taken(part)
			b.tasks = b.tasks[n:]
			switch {
			case refused:
			case gently:
				n *= 2
			default:
				n = len(b.tasks)
			}
			continue
		}
		if !errors.As(err, &r) {
			return err
		}
		why := r.reason()
		switch kind := classify(r); {
		case kind == away || r.unsure:
			b.why, b.unsure = r.text, true
			return nil
		case kind == forGood:
			return never{err}
		case kind == ofOurs:
			none, room := e.met(ctx, b.entry, r, n)
			if none {
				return never{err} // nothing of this user's is in the way
			}
			if room > 0 && room < n { // it says itself how many it takes
				n = 2 * room
			}
			if l, ok := e.limit(b.entry.Name); ok {
				why = l.words
			}
		case kind == forNow:
			e.setCrowded(b.entry.Name, n == 1)
			if gently {
				n = 0
			}
		}
		b.why, b.full, refused = why, true, true
		n /= 2
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
	e.seen.since += len(part)
	delete(e.pauses, part[0].Claim.Host)
}
