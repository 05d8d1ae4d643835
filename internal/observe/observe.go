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
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/diagnose"
	"runsheet/internal/durable"
	"runsheet/internal/progress"
	"runsheet/internal/record"
)

// atOnce returns how many looks are under way at a time, on one mount: file servers answer several questions at once, but
// each look has some files open, and all of them together no more than a quarter of what is allowed.
var atOnce = sync.OnceValue(func() int {
	const files = 8 // at most, of one look
	most := 4 * runtime.GOMAXPROCS(0)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err == nil {
		most = min(most, int(max(min(limit.Cur, 1<<20)/4/files, 1)))
	}
	return most
})

// Observer observes the runs whose work dirs this machine can read. It implements runsheet.Source, and is safe for
// use by several goroutines.
type Observer struct {
	sys       record.System
	disk      durable.Disk
	cache     *progress.Cache
	executors map[string]runsheet.Executor
	readings  readings
}

// New returns an observer that asks the given executors about the attempts that they started.
func New(disk durable.Disk, cache *progress.Cache, executors ...runsheet.Executor) *Observer {
	o := &Observer{sys: record.NewSystem(disk), disk: disk, cache: cache, executors: map[string]runsheet.Executor{},
		readings: readings{of: map[string]*reading{}, slow: map[string]bool{}}}
	for _, e := range executors {
		o.executors[e.Name()] = e
	}
	return o
}

// Observe implements runsheet.Source. It waits for evidence that takes long to read, and not for file systems that do not
// answer.
func (o *Observer) Observe(ctx context.Context, runs []runsheet.Run) []runsheet.Facts {
	return o.all(runs, func(run runsheet.Run) runsheet.Facts { return o.look(ctx, run, patient) })
}

// Recompute observes as Observe does, but reads all the evidence anew, whatever the cache says.
func (o *Observer) Recompute(ctx context.Context, runs []runsheet.Run) []runsheet.Facts {
	return o.all(runs, func(run runsheet.Run) runsheet.Facts { return o.look(ctx, run, recompute) })
}

// Brief observes runs for a person who waits for the answer: reading that takes longer than Patience is called off. The facts
// say so then (Reading). How far it came is kept, and whoever looks next goes on from there.
func (o *Observer) Brief(ctx context.Context, runs []runsheet.Run) []runsheet.Facts {
	return o.all(runs, func(run runsheet.Run) runsheet.Facts { return o.look(ctx, run, brief) })
}

// One observes a single run, as Observe does.
func (o *Observer) One(ctx context.Context, run runsheet.Run) runsheet.Facts {
	return o.look(ctx, run, patient)
}

// Glance observes runs for somebody who has others to look after: evidence that takes long to read is waited for once, and
// from then on read beside the caller. The facts say so then (Reading), and a later glance has what it said; until then
// their Progress is nil, or says in its Error that it is not known.
func (o *Observer) Glance(ctx context.Context, runs []runsheet.Run) []runsheet.Facts {
	return o.all(runs, func(run runsheet.Run) runsheet.Facts { return o.glance(ctx, run) })
}

// GlanceAnew is a glance at one run by somebody who is about to act upon it: all that it tells was read during the call.
func (o *Observer) GlanceAnew(ctx context.Context, run runsheet.Run) runsheet.Facts {
	return o.look(ctx, run, hurried)
}

// Busy says whether evidence is being read that nobody waits for.
func (o *Observer) Busy() bool { return o.readings.any() }

// all looks at runs side by side: at those of one mount no more than its server answers at once, and at those of others
// whatever has become of that.
func (o *Observer) all(runs []runsheet.Run, look func(runsheet.Run) runsheet.Facts) []runsheet.Facts {
	facts := make([]runsheet.Facts, len(runs))
	byGate := map[*gate][]int{}
	for i := range runs {
		at := mounts.of(runs[i].WorkDir)
		byGate[at] = append(byGate[at], i)
	}
	var all sync.WaitGroup
	for _, those := range byGate {
		all.Go(func() {
			var g errgroup.Group
			g.SetLimit(atOnce())
			for _, i := range those {
				g.Go(func() error {
					facts[i] = look(runs[i])
					return nil
				})
			}
			g.Wait()
		})
	}
	all.Wait()
	return facts
}

// lookAgain is how often the records are looked at again, where they do not explain what the evidence shows: each time
// they have changed meanwhile, which few attempts do in a row.
const lookAgain = 10

// manner is how a look waits for evidence.
type manner int

const (
	patient   manner = iota // for as long as it takes
	recompute               // likewise, and all of it is read anew
	hurried                 // for a moment; it is read beside the caller then
	brief                   // for a moment; it is not read any further then
)

func (o *Observer) look(ctx context.Context, run runsheet.Run, how manner) runsheet.Facts {
	for tries := 1; ; tries++ {
		f, ok := o.recorded(ctx, run)
		if !ok {
			return f
		}
		run.Progress = f.Spec(run.Progress)
		r, silent := o.read(ctx, run, how)
		returned := false
		if r != nil {
			atMost := time.Duration(0)
			if how == hurried {
				atMost = Patience
			}
			returned, silent = r.call.wait(ctx, Patience, atMost)
		}
		switch {
		case !silent.IsZero():
			return unheard(f, silent)
		case !returned:
			if r != nil {
				go r.call.announce()
			}
			return unread(f)
		case r.calledOff:
			return unread(f)
		}
		f = with(f, r.progress)
		if tries < lookAgain && ctx.Err() == nil && !o.explains(ctx, run, f) {
			continue
		}
		return o.lean(f, run)
	}
}

// recorded returns the facts that the records tell. ok is false where they are all that there is to be said.
func (o *Observer) recorded(ctx context.Context, run runsheet.Run) (f runsheet.Facts, ok bool) {
	// Whoever does not want to wait any longer is to know what the records say all the same.
	f, silent, ok := Try(context.WithoutCancel(ctx), run.WorkDir, Patience, func() runsheet.Facts {
		f := o.records(ctx, run.WorkDir)
		if c := record.Foreign(o.sys, run, f.Claim); c != nil {
			return foreign(run, c)
		}
		if f.Attempt > 0 {
			info, err := o.disk.Lstat("observe", record.LogPath(record.AttemptDir(run.WorkDir, f.Attempt)))
			if err == nil && info.Size() > 0 {
				f.LastActivity = info.ModTime()
			}
		}
		return f
	})
	switch {
	case !ok:
		return unheard(runsheet.Facts{}, silent), false
	case f.Foreign != nil:
		return f, false
	}
	return f, true
}

// unheard returns facts of a run whose file system does not answer: nothing is known of its progress.
func unheard(f runsheet.Facts, since time.Time) runsheet.Facts {
	f = f.Unheard(since)
	f.Progress = &runsheet.Progress{AsOf: time.Now(), Error: "its file system does not answer"}
	return f
}

// unread returns facts whose evidence is still being read. Until then the end of the attempt is the only word on its progress.
func unread(f runsheet.Facts) runsheet.Facts {
	f.Reading = true
	if f.End == nil || f.End.Progress == nil {
		f.Progress = &runsheet.Progress{AsOf: time.Now(), Error: "its evidence is being read"}
	}
	return f
}

// with adds what the evidence says.
func with(f runsheet.Facts, p runsheet.Progress) runsheet.Facts {
	f.Progress = &p
	if p.LastActivity.After(f.LastActivity) {
		f.LastActivity = p.LastActivity
	}
	return f
}

// lean gives back what need not be kept of a run in memory.
func (o *Observer) lean(f runsheet.Facts, run runsheet.Run) runsheet.Facts {
	share(f.Claim, run)
	if f.Waiting && f.Start == nil {
		o.cache.Forget(run.WorkDir) // ten thousand may wait in a queue, and nothing of them changes for hours
	}
	return f
}

// foreign are the facts of a run in whose work dir another sheet is at work: nothing that is there says anything of it.
func foreign(run runsheet.Run, c *runsheet.Claim) runsheet.Facts {
	why := runsheet.ForeignReason(run, *c)
	return runsheet.Facts{Foreign: c, Problem: why, Progress: &runsheet.Progress{Unit: run.Progress.Unit, AsOf: time.Now(), Error: why}}
}

// explains says whether the records explain the evidence that was read after them. Where its file system does not answer
// any more, nothing speaks against it.
func (o *Observer) explains(ctx context.Context, run runsheet.Run, f runsheet.Facts) bool {
	explained, _, ok := Try(ctx, run.WorkDir, Patience, func() bool { return o.explained(run.WorkDir, f) })
	return explained || !ok
}

// explained says whether evidence can be the work of the attempts in f, whose records were read before it. An attempt that
// was claimed in between is no stranger, and its work must not be taken for that of the attempt before.
func (o *Observer) explained(workDir string, f runsheet.Facts) bool {
	switch {
	case f.Problem != "" || f.LastActivity.IsZero():
		return true
	case f.Live() && (f.Liveness == runsheet.LivenessGone || f.Liveness == runsheet.LivenessOrphan): // somebody may end it
	default: // it has ended, or is at work; but by now another one may be, which goes on in the same files
		numbers, err := record.Attempts(o.sys, workDir)
		if err != nil || len(numbers) == 0 || numbers[len(numbers)-1] <= f.Attempt {
			return true
		}
	}
	v, err := record.Look(o.sys, workDir)
	return err != nil || v.Attempt == f.Attempt && sameView(v, record.View{Start: f.Start, End: f.End}) &&
		(v.Claim == nil || f.Claim != nil && v.Claim.Nonce == f.Claim.Nonce)
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
		origin, err := o.origin(ctx, workDir, f)
		switch {
		case err != nil:
			f.Liveness, f.Why = runsheet.LivenessUnknown, problem(err)
			return f
		case origin == record.Copied:
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
		f.Never = seen.Never
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
		case origin == record.Doubtful && f.Start != nil && !f.Start.Void && f.Over == nil:
			f.Liveness, f.Why = runsheet.LivenessUnknown, "nobody here can tell whether it lives: "+record.Doubt(*f.Claim)
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

// origin says what the records of an attempt are. What they may be copies of lies on a file system of its own.
func (o *Observer) origin(ctx context.Context, workDir string, f runsheet.Facts) (record.Origin, error) {
	if f.Claim.WorkDir == workDir {
		return record.Original, nil
	}
	var err error
	origin, silent, ok := Try(ctx, f.Claim.WorkDir, Patience, func() (out record.Origin) {
		out, err = record.OriginOf(o.sys, record.AttemptDir(workDir, f.Attempt), *f.Claim, f.Start)
		return out
	})
	if !ok {
		return record.Doubtful, fmt.Errorf("its records may be those in %s, whose file system has not answered for %s", f.Claim.WorkDir, runsheet.Span(time.Since(silent)))
	}
	return origin, err
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
	p := o.cache.Get(ctx, run.WorkDir, run.Progress, recompute)
	if p.Completed == 0 && !p.LastActivity.IsZero() && o.onlyOurs(run.WorkDir) {
		p.LastActivity = time.Time{}
	}
	return p
}

// onlyOurs says whether nothing but our own directory lies in a work dir: whoever made that is about to claim the run, or to
// ask something of it, and that the work dir has changed tells of nobody's work.
func (o *Observer) onlyOurs(workDir string) bool {
	entries, err := o.disk.ReadDir("observe", workDir)
	return err == nil && len(entries) == 1 && entries[0].Name() == record.DirName
}

// problem renders an error with its hint as one line.
func problem(err error) string {
	text := diagnose.Clean(err.Error())
	if hint := durable.Hint(err); hint != "" {
		text += " (" + hint + ")"
	}
	return text
}
