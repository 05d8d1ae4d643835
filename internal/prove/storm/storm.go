// Package storm kills launchers, supervisors and commands with SIGKILL, and pauses them with SIGSTOP, at random
// instants while several launchers compete for the same runs, and looks for what must never happen: two live attempts
// of a run, a finished run that is started again, an acknowledged record that is lost or changed, a lock that nobody
// can get any more, a status that says more than the evidence, a sheet that never comes to its end.
//
// It is a method of the proof. It only drives the program as a user would, reads what is on the disk, and signals none
// but its own processes: those that carry its mark in their environment, after their identity was compared.
package storm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"runsheet/internal/prove/method"
)

// name is the method's.
const name = "storm"

// Method returns the method. One of its units is a kill.
func Method() method.Method {
	return method.Method{Name: name, Does: "kills and pauses launchers, supervisors and commands at random instants",
		Run: run, Worker: worker, Limit: 45 * time.Second}
}

const (
	perRound = 250 // kills that one sheet goes through before it is brought to its end
	worth    = 25  // kills for which no further round is begun
)

// budget is the kills that are left to be done.
type budget struct {
	mu    sync.Mutex
	kills int
}

func (b *budget) take() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(perRound, b.kills)
	b.kills -= n
	return n
}

func (b *budget) giveBack(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kills += n
}

// tally is what all rounds did together.
type tally struct {
	mu    sync.Mutex
	count map[string]int
}

func (t *tally) add(what string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count[what] += n
}

func run(ctx context.Context, c method.Config) (method.Result, error) {
	var r method.Result
	if c.Runsheet == "" {
		return r, errors.New("the storm needs the binary under test: -runsheet")
	}
	kills := int(c.N(64, 1500+worth, 10_000+worth))
	lanes := method.Of(c.Size, 1, 2, 2) // rounds at once: one waits for its last runs while another is at work
	total := &tally{count: map[string]int{}}
	left := budget{kills: kills}
	var number atomic.Int64
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// A kill takes nothing from the disk, so that one lane may do without one and is several times as quick.
	memory, err := memoryDir()
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(memory)
	var mu sync.Mutex
	var g errgroup.Group
	for lane := range lanes {
		dir := c.Dir
		if lane == 0 && memory != "" {
			dir = memory
		}
		g.Go(func() error {
			for ctx.Err() == nil {
				n := left.take()
				if n < worth && n < kills {
					return nil
				}
				rd, err := newRound(c, dir, int(number.Add(1)), n, total)
				if err != nil {
					return err
				}
				err = rd.run(ctx)
				left.giveBack(n - rd.done) // what the sheet was finished too early for
				mu.Lock()
				for _, v := range rd.violations {
					r.Violate("round %d: %s", rd.number, v)
				}
				mu.Unlock()
				if err != nil {
					return fmt.Errorf("round %d: %w", rd.number, err)
				}
				if len(rd.violations) > 0 {
					cancel()
					return nil
				}
				os.RemoveAll(rd.dir)
			}
			return nil
		})
	}
	err = g.Wait()
	if len(r.Violations) > 0 {
		err = nil // the other lane was called off
	}
	total.figures(&r)
	return r, err
}

// memoryDir makes a directory on a file system in memory; "" where there is none with room enough.
func memoryDir() (string, error) {
	const shm, room = "/dev/shm", 128 << 20
	var st unix.Statfs_t
	if err := unix.Statfs(shm, &st); err != nil || st.Type != unix.TMPFS_MAGIC || st.Bavail*uint64(st.Bsize) < room {
		return "", nil
	}
	return os.MkdirTemp(shm, "prove-storm-")
}

// figures puts the counts into the result.
func (t *tally) figures(r *method.Result) {
	kills := 0
	var targets, ends []string
	for what, n := range t.count {
		if target, ok := strings.CutPrefix(what, killed); ok {
			kills += n
			targets = append(targets, fmt.Sprintf("%s %d", target, n))
		}
		if kind, ok := strings.CutPrefix(what, ended); ok {
			ends = append(ends, fmt.Sprintf("%s %d", kind, n))
		}
	}
	slices.Sort(targets)
	slices.Sort(ends)
	r.Figure("kills", fmt.Sprintf("%d (%s)", kills, strings.Join(targets, ", ")))
	for _, what := range []string{"pauses", "rounds", "runs", "launchers"} {
		r.Figure(what, t.count[what])
	}
	r.Figure("attempts", fmt.Sprintf("%d (%s)", t.count["attempts"], strings.Join(ends, ", ")))
	for _, what := range []string{"statuses", "records read", "work dirs taken away", "supervisors asleep past their time"} {
		r.Figure(what, t.count[what])
	}
}

// The beginnings of counts that are told together.
const (
	killed = "killed "
	ended  = "ended "
)

// round is one sheet that is brought to its end in spite of everything.
type round struct {
	c      method.Config
	number int
	target int // kills to be done
	total  *tally

	dir, ledger, mark string
	runs              []string // the names of the work dirs
	stays             []string // the first attempt of these stays until its work dir is taken away
	epochs            int      // that a run consists of

	sleepers, fences errgroup.Group // who waits for supervisors that sleep, and for those whose work dir is gone
	callOff          context.CancelFunc

	mu         sync.Mutex
	violations []string
	victims    map[victim]bool // whoever was sent a SIGKILL
	guarded    map[string]bool // runs whose processes are left alone
	asleep     map[int]bool    // supervisors that are paused past their time
	sleepy     map[string]bool // their runs
	away       map[string]bool // runs whose work dir was taken away
	done       int             // kills
	seen       seen
	over       bool // every run was finished before the kills were done
}

// victim is a process without what all have in common.
type victim struct {
	pid   int
	start uint64
}

func (rd *round) violate(format string, args ...any) {
	rd.mu.Lock()
	defer rd.mu.Unlock()
	if text := fmt.Sprintf(format, args...); len(rd.violations) < 10 && !slices.Contains(rd.violations, text) {
		rd.violations = append(rd.violations, text)
		rd.callOff() // going on would teach nothing
	}
}

func (rd *round) broken() bool {
	rd.mu.Lock()
	defer rd.mu.Unlock()
	return len(rd.violations) > 0
}

func (rd *round) workDir(run string) string { return filepath.Join(rd.dir, "runs", run) }

// settle is how long a sheet may take to come to its end once nothing is killed any more: an attempt that was claimed
// and never began is given up after half a minute.
const settle = 3 * time.Minute

// run goes through the round.
func (rd *round) run(ctx context.Context) error {
	began := time.Now()
	defer rd.endAll()
	outer := ctx
	ctx, rd.callOff = context.WithCancel(ctx)
	defer rd.callOff()
	rd.c.Say("round %d: %d kills over %d runs in %s", rd.number, rd.target, len(rd.runs), rd.dir)
	watching, stopWatching := context.WithCancel(ctx)
	defer stopWatching()
	storming, calm := context.WithCancel(ctx)
	defer calm()
	var watchers, storm errgroup.Group
	watchers.Go(func() error { return rd.watchRecords(watching) })
	watchers.Go(func() error { return rd.sampleStatus(watching) })
	watchers.Go(func() error { return rd.takeAway(watching) })
	for slot := range 3 {
		storm.Go(func() error { return rd.keepLaunching(storming, slot) })
	}
	storm.Go(func() error { return rd.layAsleep(storming, ctx) })
	storm.Go(func() error { return rd.pause(storming) })
	err := rd.kill(storming)
	calm()
	err = errors.Join(err, storm.Wait())
	if err == nil && ctx.Err() == nil {
		rd.c.Say("round %d: %d kills in %v; bringing it to its end", rd.number, rd.done, time.Since(began).Round(time.Second))
		err = rd.finish(ctx)
	}
	if err != nil {
		rd.callOff()
	}
	err = errors.Join(err, rd.sleepers.Wait())
	stopWatching()
	err = errors.Join(err, watchers.Wait(), rd.fences.Wait())
	if err == nil && outer.Err() == nil {
		err = rd.judge()
	}
	if outer.Err() != nil && !rd.broken() {
		return outer.Err()
	}
	rd.c.Say("round %d: over after %v", rd.number, time.Since(began).Round(time.Second))
	rd.total.add("rounds", 1)
	rd.total.add("runs", len(rd.runs))
	return err
}
