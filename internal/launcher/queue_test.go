package launcher_test

import (
	"context"
	"iter"
	"sync/atomic"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/executor/exectest"
	"runsheet/internal/journal"
	"runsheet/internal/launcher"
	"runsheet/internal/observe"
	"runsheet/internal/progress"
	"runsheet/internal/record"
)

// queue is a queue that starts at once what it is given, and cannot be asked for a while.
type queue struct {
	*exectest.Fake
	away  atomic.Int64 // as many answers are still to be missed
	waits atomic.Value // a string: all that is in it waits for that
}

func (q *queue) Batch(context.Context) (int, error) { return 10, nil }

func (q *queue) News(_ context.Context, waiting iter.Seq[runsheet.Claim]) (lines []string) {
	if q.waits.Load() != nil {
		for c := range waiting {
			lines = append(lines, c.Run)
		}
	}
	return lines
}

func (q *queue) Waits(context.Context, runsheet.Claim) (runsheet.Sighting, bool) {
	why, _ := q.waits.Load().(string)
	return runsheet.Sighting{Why: why}, why != ""
}

func (q *queue) Probe(ctx context.Context, dir string, c runsheet.Claim, s *runsheet.Start) runsheet.Sighting {
	if q.away.Add(-1) >= 0 {
		return runsheet.Sighting{Liveness: runsheet.LivenessUnknown, Why: "away"}
	}
	if q.waits.Load() != nil {
		return runsheet.Sighting{Liveness: runsheet.LivenessAlive, Waiting: true, Why: "a moment ago"}
	}
	return q.Fake.Probe(ctx, dir, c, s)
}

// TestUnsubmitted: a launcher claimed for a queue, and died before it had noted or submitted that. However long ago that
// was, and although the queue cannot be asked when the next launcher starts, that one submits it, and tells of it.
func TestUnsubmitted(t *testing.T) {
	b := newBench(t, exits(0), "a")
	q := &queue{Fake: b.fake}
	q.away.Store(3)
	b.queued()
	b.clock.forward(10 * time.Minute)
	b.clock.hold()
	out, err := b.launcherOf(q, nil).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := b.status(out); got[0] != runsheet.Finished {
		t.Errorf("it is %s", got)
	}
	if v := b.look("a", 1); v.Attempt != 1 || v.End == nil || v.End.Kind != runsheet.EndExit {
		t.Errorf("%+v", v)
	}
	if b.told(journal.Claimed) != 1 || b.told(journal.Ended) != 1 {
		t.Errorf("it told of %v", b.kinds("a"))
	}
}

// queued claims the first attempt of the first run for a queue.
func (b *bench) queued() {
	b.t.Helper()
	sys := record.NewSystem(b.disk)
	sys.Clock = b.clock
	r := b.sheet.Runs[0]
	if _, err := record.Claim(sys, runsheet.Facts{}, 0, runsheet.Claim{Run: r.Name, Nonce: record.NewNonce(), Session: record.NewNonce(),
		Sheet: b.sheet.Path, Executor: "fake", Host: "fake", Batch: record.NewNonce(), Identity: r.Command, Command: r.Command,
		WorkDir: r.WorkDir, Dir: b.sheet.Dir}); err != nil {
		b.t.Fatal(err)
	}
}

// launcherOf returns a launcher that works with a queue.
func (b *bench) launcherOf(q runsheet.Queue, control <-chan launcher.Control) *launcher.Launcher {
	sys := record.NewSystem(b.disk)
	sys.Clock = b.clock
	return launcher.New(launcher.Config{Sheet: b.sheet, Disk: b.disk, System: sys, Executors: []runsheet.Executor{q}, Fork: b.fork, Listener: b, Control: control,
		Options:  launcher.Options{User: "alice", HostName: "localhost"},
		Observer: observe.New(b.disk, progress.New(b.disk, progress.Options{CacheDir: b.t.TempDir()}), q)})
}

// TestWhyItWaits: what waits in a queue is not looked at, and yet shows what it waits for now.
func TestWhyItWaits(t *testing.T) {
	b := newBench(t, exits(0), "a")
	q := &queue{Fake: b.fake}
	q.waits.Store("Resources")
	b.queued()
	control, done := make(chan launcher.Control), make(chan error)
	go func() {
		_, err := b.launcherOf(q, control).Run(t.Context())
		done <- err
	}()
	shows := func(want string) {
		exectest.Await(t, want, func() bool {
			b.mu.Lock()
			defer b.mu.Unlock()
			return len(b.last.Runs) == 1 && b.last.Runs[0].Reason == want
		})
	}
	shows("Resources")
	q.waits.Store("JobHeldUser")
	shows("JobHeldUser")
	if b.told(journal.Queue) == 0 {
		t.Error("the queue was not asked what is new of the one that waits")
	}
	control <- launcher.Leave
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestTimeLimit: a claim for this machine carries the sheet's time limit to its supervisor; in a queue the limit is the
// scheduler's.
func TestTimeLimit(t *testing.T) {
	for name, run := range map[string]func(b *bench){
		"here": func(b *bench) { b.run(launcher.Options{}) },
		"in a queue": func(b *bench) {
			if _, err := b.launcherOf(&queue{Fake: b.fake}, nil).Run(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
	} {
		b := newBench(t, exits(0), "a")
		b.sheet.Runs[0].Resources.Time = time.Hour
		run(b)
		want := time.Hour
		if name == "in a queue" {
			want = 0
		}
		if v := b.look("a", 1); v.Claim == nil || v.Claim.TimeLimit != want || (v.Claim.Batch == "") != (want > 0) {
			t.Errorf("%s: %+v", name, v.Claim)
		}
	}
}
