package slurm

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"runsheet"
	"runsheet/internal/diagnose"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// settle is how long the records of an attempt whose job is over may take to be seen here, where the file system is
// shared and nobody says how long it caches: DURABILITY's bound for NFS with its defaults.
const settle = 60 * time.Second

// Probe implements runsheet.Executor. The supervisor's lock is asked first: as long as it is held the attempt lives,
// whatever Slurm says. Where it is free, Slurm's word counts.
func (e *Executor) Probe(ctx context.Context, attemptDir string, c runsheet.Claim, s *runsheet.Start) runsheet.Sighting {
	alive, _ := record.Probe(e.sys, attemptDir, c, s)
	q := e.queue(ctx)
	f := e.find(ctx, q, c, s)
	j, ok := f.job, f.ok
	stands := ok && phaseOf(j.state) == suspended
	stood := j.stood + max(time.Since(q.asOf), 0)
	e.mu.Lock()
	k := *e.remember(c.Nonce)
	held := e.holds(c.Nonce)
	e.mu.Unlock()
	begun := s != nil && !s.Void
	young := k.submitted // what is younger than the snapshot need not be in it
	if f.last != nil && f.last.at.After(young) {
		young = f.last.at
	}
	if begun && s.At.After(young) {
		young = s.At
	}
	switch {
	case alive == runsheet.LivenessAlive:
		return runsheet.Sighting{Liveness: alive, Waiting: stands && q.err == nil, Why: standstill(j), Stood: stood}
	case held != "":
		return runsheet.Sighting{Liveness: runsheet.LivenessAlive, Waiting: true, Why: held}
	case q.err != nil:
		return runsheet.Sighting{Liveness: runsheet.LivenessUnknown, Why: diagnoseAway(q.err)}
	case f.doubt(c) != "":
		return runsheet.Sighting{Liveness: runsheet.LivenessUnknown, Why: f.doubt(c)}
	case ok && phaseOf(j.state) == pending:
		why := j.why
		if begun {
			why = "started again by Slurm, " + waitsFor(j, true)
		}
		return runsheet.Sighting{Liveness: runsheet.LivenessAlive, Waiting: true, Why: why, Never: j.never && !begun}
	case ok && phaseOf(j.state) != over && !begun:
		return runsheet.Sighting{Liveness: runsheet.LivenessAlive, Why: fmt.Sprintf("starting on %s (job %s)", j.nodes, j.id)}
	case ok && phaseOf(j.state) != over:
		return runsheet.Sighting{Liveness: runsheet.LivenessAlive, Waiting: stands, Why: standstill(j), Stood: stood}
	case !ok && !q.began.After(young) && time.Since(young) < tickMost:
		return runsheet.Sighting{Liveness: runsheet.LivenessAlive, Waiting: !begun, Why: "submitted to Slurm a moment ago"}
	case alive == runsheet.LivenessOrphan:
		return runsheet.Sighting{Liveness: alive}
	}
	return e.gone(ctx, attemptDir, c, s, f)
}

// gone tells of an attempt whose job is over.
func (e *Executor) gone(ctx context.Context, attemptDir string, c runsheet.Claim, s *runsheet.Start, f found) runsheet.Sighting {
	begun := s != nil && !s.Void
	j, ok := f.job, f.ok
	if begun && !e.settled(ctx, attemptDir, c.Nonce, ok) {
		return runsheet.Sighting{Liveness: runsheet.LivenessUnknown,
			Why: fmt.Sprintf("its job is over%s, and its end has not shown yet", after(j.state))}
	}
	if lives, err := record.CommandLives(e.sys, attemptDir); begun && (err != nil || lives) {
		why := fmt.Sprintf("its job is over%s, and processes of its command still live on %s: end them there, with kill -- -%d", after(j.state), s.Host, s.ProcessGroup)
		if err != nil {
			why = err.Error()
		}
		return runsheet.Sighting{Liveness: runsheet.LivenessUnknown, Why: why}
	}
	e.mu.Lock()
	k := e.remember(c.Nonce)
	stopped, word, told, refused, ours := k.stopped, k.word, k.told, k.refused, !k.submitted.IsZero() || f.last != nil
	e.mu.Unlock()
	id := f.called(c, s)
	if !ok && id != "" {
		if told == nil {
			told = e.accounted(ctx, id, !begun)
			e.mu.Lock()
			k.told = told
			e.mu.Unlock()
		}
		if told != nil {
			j, ok = *told, true
		}
	}
	o := verdict(j.state, j.nodes)
	if begun && stopped == "" && (o.Kind == runsheet.EndLost || o.Cause.Kind == runsheet.CauseCancelled) {
		if words := diagnose.JobMemory(e.words(c)); words != "" { // Slurm's word is FAILED then, or CANCELLED
			o = verdict("OUT_OF_MEMORY", s.Host)
			o.Cause.Text += after(words)
		}
	}
	if begun && stopped == runsheet.EndVoid { // it began in the very moment in which it was taken out of the queue
		stopped = runsheet.EndStopped
	}
	if stopped != "" && (o.Cause.Kind == runsheet.CauseCancelled || o.Kind == runsheet.EndLost) {
		o = runsheet.Over{Kind: stopped}
	}
	out := runsheet.Sighting{Liveness: runsheet.LivenessGone, Over: &o}
	if !begun {
		// Nobody knows what became of the job, or it never came as far as to its supervisor.
		switch {
		case !ok && word != nil:
			out.Over, out.Why = word, word.Cause.Text
		case stopped == runsheet.EndVoid && refused != "":
			out.Over = &runsheet.Over{Kind: stopped, Cause: runsheet.Cause{Kind: runsheet.CauseRefused, Text: refused}}
			out.Why = refused
		case stopped != "":
			out.Over = &runsheet.Over{Kind: stopped, Cause: runsheet.Cause{Kind: runsheet.CauseWithdrawn, Text: "taken out of the queue"}}
			out.Why = out.Over.Cause.Text
		case !ok && ours:
			out.Over = &runsheet.Over{Kind: runsheet.EndCancelled, Cause: runsheet.Cause{Kind: runsheet.CauseCancelled,
				Text: "its job" + named(id) + " was cancelled in the queue"}}
			out.Why = out.Over.Cause.Text
		case !ok:
			out.Over, out.Why = nil, notYet(e.noted(c))
		case o.Kind == runsheet.EndLost:
			o.Cause.Kind = runsheet.CauseNotStarted
			o.Cause.Text = fmt.Sprintf("its job %s ended as %s before it began%s", j.id, j.state, e.jobWords(c))
			out.Why = o.Cause.Text
		default:
			out.Why = o.Cause.Text
		}
	}
	return out
}

// settled says whether the records of an attempt whose job is over can be trusted to show all that they hold.
func (e *Executor) settled(ctx context.Context, attemptDir, nonce string, shown bool) bool {
	if kind, err := durable.FileSystemOf(attemptDir); err == nil && kind.Local {
		return true
	}
	if c, err := e.configured(ctx); err == nil && !shown && c.remembers >= settle {
		return true // Slurm has forgotten it, and it remembers for longer than that
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	k := e.remember(nonce)
	if k.gone.IsZero() {
		k.gone = time.Now()
	}
	return time.Since(k.gone) >= settle
}

// named is a job's name as it stands behind a word, where it is known.
func named(id string) string {
	if id == "" {
		return ""
	}
	return " " + id
}

// standstill says why a job makes no progress, if it is suspended.
func standstill(j job) string {
	if phaseOf(j.state) == suspended {
		return fmt.Sprintf("suspended by Slurm on %s (job %s)", j.nodes, j.id)
	}
	return ""
}

// diagnoseAway renders why Slurm cannot be asked on one line.
func diagnoseAway(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

func after(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}

// stateOf returns the sheet's state directory that a claim's submission belongs to.
func stateOf(c runsheet.Claim) string { return filepath.Clean(record.StateOf(c)) }
