// Package observe makes read-only snapshots of runs; it is the only place where Facts are made. Records are read
// first and evidence after, so that an end is judged with evidence that is no older than it.
//
// The package never writes anything but caches, never takes a lock that could hold up a supervisor, and never executes
// anything. What is wrong with one run stands in that run's facts, and nowhere else.
package observe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/diagnose"
	"runsheet/internal/durable"
	"runsheet/internal/progress"
	"runsheet/internal/record"
)

// Observer observes the runs whose work dirs this machine can read. It implements runsheet.Source, and is safe for
// use by several goroutines.
type Observer struct {
	sys       record.System
	disk      durable.Disk
	cache     *progress.Cache
	executors map[string]runsheet.Executor
}

// New returns an observer that asks the given executors about the attempts that they started.
func New(disk durable.Disk, cache *progress.Cache, executors ...runsheet.Executor) *Observer {
	o := &Observer{sys: record.NewSystem(disk), disk: disk, cache: cache, executors: map[string]runsheet.Executor{}}
	for _, e := range executors {
		o.executors[e.Name()] = e
	}
	return o
}

// Observe implements runsheet.Source.
func (o *Observer) Observe(ctx context.Context, runs []runsheet.Run) []runsheet.Facts {
	return o.all(ctx, runs, false)
}

// Recompute observes as Observe does, but reads all the evidence anew, whatever the cache says.
func (o *Observer) Recompute(ctx context.Context, runs []runsheet.Run) []runsheet.Facts {
	return o.all(ctx, runs, true)
}

func (o *Observer) all(ctx context.Context, runs []runsheet.Run, recompute bool) []runsheet.Facts {
	facts := make([]runsheet.Facts, len(runs))
	var g errgroup.Group
	g.SetLimit(atOnce())
	for i := range runs {
		g.Go(func() error {
			facts[i] = o.one(ctx, runs[i], recompute)
			return nil
		})
	}
	g.Wait()
	return facts
}

// atOnce returns how many runs are looked at side by side: file servers answer several questions at once, but each look has
// some files open, and all of them together no more than a quarter of what is allowed.
func atOnce() int {
	const files = 8 // at most, of one look
	most := 4 * runtime.GOMAXPROCS(0)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err == nil {
		most = min(most, int(max(min(limit.Cur, 1<<20)/4/files, 1)))
	}
	return most
}

// One observes a single run.
func (o *Observer) One(ctx context.Context, run runsheet.Run) runsheet.Facts {
	return o.one(ctx, run, false)
}

func (o *Observer) one(ctx context.Context, run runsheet.Run, recompute bool) runsheet.Facts {
	f := o.records(ctx, run.WorkDir)
	if c := record.Foreign(o.sys, run, f.Claim); c != nil {
		return foreign(run, c)
	}
	run.Progress = f.Spec(run.Progress)
	p := o.evidence(ctx, run, recompute)
	share(f.Claim, run)
	if f.Waiting && f.Start == nil {
		o.cache.Forget(run.WorkDir) // ten thousand may wait in a queue, and nothing of them changes for hours
	}
	f.Progress = &p
	f.LastActivity = p.LastActivity
	if f.Attempt > 0 {
		info, err := o.disk.Lstat("observe", record.LogPath(record.AttemptDir(run.WorkDir, f.Attempt)))
		if err == nil && info.Size() > 0 && info.ModTime().After(f.LastActivity) {
			f.LastActivity = info.ModTime()
		}
	}
	return f
}

// foreign are the facts of a run in whose work dir another sheet is at work: nothing that is there says anything of it.
func foreign(run runsheet.Run, c *runsheet.Claim) runsheet.Facts {
	why := runsheet.ForeignReason(run, *c)
	return runsheet.Facts{Foreign: c, Problem: why, Progress: &runsheet.Progress{Unit: run.Progress.Unit, AsOf: time.Now(), Error: why}}
}

// records reads what is recorded of the last attempt, and asks its executor whether it lives.
func (o *Observer) records(ctx context.Context, workDir string) runsheet.Facts {
	var f runsheet.Facts
	for range 3 {
		v, err := record.Look(o.sys, workDir)
		if err != nil {
			return runsheet.Facts{Problem: problem(err), Passing: durable.Starved(err)}
		}
		f = runsheet.Facts{Attempt: v.Attempt, Claim: v.Claim, Start: v.Start, End: v.End, Request: v.Request}
		if !f.Live() {
			return f
		}
		dir := record.AttemptDir(workDir, f.Attempt)
		switch copied, err := record.Copied(o.sys, dir, *f.Claim); {
		case err != nil:
			f.Liveness, f.Why = runsheet.LivenessUnknown, problem(err)
			return f
		case copied:
			f.Liveness, f.Why = runsheet.LivenessGone, "its records are copies of those in "+f.Claim.WorkDir
			f.Over = &runsheet.Over{Kind: runsheet.EndLost, Cause: runsheet.Cause{Kind: runsheet.CauseLost, Text: f.Why}}
			return f
		}
		e := o.executors[f.Claim.Executor]
		if e == nil {
			f.Liveness, f.Why = runsheet.LivenessUnknown, fmt.Sprintf("started by the executor %q, which this command has no access to", f.Claim.Executor)
			return f
		}
		seen := e.Probe(ctx, dir, *f.Claim, f.Start)
		f.Liveness, f.Why, f.Waiting, f.Over, f.Stood = seen.Liveness, seen.Why, seen.Waiting, seen.Over, seen.Stood
		switch {
		case f.Liveness == runsheet.LivenessAlive && f.Start != nil:
			if words := o.lastWords(dir); words != "" { // a process that cannot be killed, an end that cannot be written
				f.Why = words
			}
			return f
		case f.Liveness == runsheet.LivenessAlive && f.Waiting:
			return f // in a queue, and so without a supervisor that could have begun meanwhile
		case f.Liveness == runsheet.LivenessAlive:
			continue
		}
		if again, err := record.LookAt(o.sys, workDir, f.Attempt); err == nil && sameView(v, again) {
			if words := o.lastWords(dir); f.Start == nil && words != "" {
				f.Why = words
			}
			return f
		}
		// It ended, or began, while it was asked.
	}
	return f
}

// sameView says whether the records of an attempt have not changed between two looks.
func sameView(a, b record.View) bool {
	return (a.Start == nil) == (b.Start == nil) && (a.End == nil) == (b.End == nil)
}

// lastWords returns what the supervisor of an attempt complained of last; most never have to.
func (o *Observer) lastWords(attemptDir string) string {
	info, err := o.disk.Lstat("observe", record.SuperviseLogPath(attemptDir))
	if err != nil || info.Size() == 0 {
		return ""
	}
	data, _, err := durable.Read(o.disk, "observe", record.SuperviseLogPath(attemptDir), 64<<10)
	if err != nil {
		return ""
	}
	for _, line := range slices.Backward(strings.Split(strings.TrimSpace(string(data)), "\n")) {
		stamp, words, _ := strings.Cut(line, " ")
		if _, err := time.Parse(time.RFC3339, stamp); err != nil {
			words = line
		}
		if !strings.HasPrefix(words, "left alone: ") { // that was said by another one, which came too late
			return diagnose.Clean(words)
		}
	}
	return ""
}

// evidence reads the progress of a run, through the cache.
func (o *Observer) evidence(ctx context.Context, run runsheet.Run, recompute bool) runsheet.Progress {
	if _, err := o.disk.Lstat("observe", run.WorkDir); errors.Is(err, fs.ErrNotExist) {
		return runsheet.Progress{Total: run.Progress.Total, Unit: run.Progress.Unit, AsOf: time.Now(), Settled: true}
	}
	return o.cache.Get(ctx, run.WorkDir, run.Progress, recompute)
}

// problem renders an error with its hint as one line.
func problem(err error) string {
	text := diagnose.Clean(err.Error())
	if hint := durable.Hint(err); hint != "" {
		text += " (" + hint + ")"
	}
	return text
}
