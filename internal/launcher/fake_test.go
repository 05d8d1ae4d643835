package launcher_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/executor/exectest"
	"runsheet/internal/executor/local"
	"runsheet/internal/forkserver"
	"runsheet/internal/journal"
	"runsheet/internal/launcher"
	"runsheet/internal/observe"
	"runsheet/internal/proc"
	"runsheet/internal/progress"
	"runsheet/internal/record"
)

// bench is a sheet whose attempts are functions of the test.
type bench struct {
	t     *testing.T
	sheet *runsheet.Sheet
	fake  *exectest.Fake
	clock *clock
	local *local.Executor // where it is not nil the attempts are processes
	fork  *forkserver.Server

	disk durable.Disk
	on   *runsheet.Machine // that the launcher runs on, whose disk the sheet lies on; nil: this one

	mu     sync.Mutex
	events []journal.Event
	last   runsheet.Snapshot
}

// clock is the system's, put forward by the test.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
	held  bool // nothing puts it forward
}

// hold makes forward do nothing, or something again.
func (c *clock) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = !c.held
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) Wait(ctx context.Context, d time.Duration) error {
	return proc.SystemClock().Wait(ctx, d)
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.held {
		c.ahead += d
	}
}

func (b *bench) Event(e journal.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, e)
}

func (b *bench) Snapshot(now func() runsheet.Snapshot) {
	s := now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last = s
}

// kinds returns what the launcher told of one run; "" tells of all.
func (b *bench) kinds(run string) (out []journal.Kind) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.events {
		if run == "" || e.Run == run {
			out = append(out, e.Kind)
		}
	}
	return out
}

func (b *bench) told(kind journal.Kind) (n int) {
	for _, k := range b.kinds("") {
		if k == kind {
			n++
		}
	}
	return n
}

// newBench makes a sheet with the given runs; no goroutine may be left when the test ends.
func newBench(t *testing.T, command func(ctx context.Context, c runsheet.Claim) int, runs ...string) *bench {
	t.Helper()
	before := goleak.IgnoreCurrent()
	b := &bench{t: t, fake: exectest.NewFake(command), clock: &clock{}, fork: forkserver.Here(), disk: durable.OS()}
	t.Cleanup(func() {
		b.fake.Wait()
		goleak.VerifyNone(t, before)
	})
	dir := t.TempDir()
	p := runsheet.DefaultPolicy
	p.Backoff, p.StopGrace = 0, 100*time.Millisecond
	b.sheet = &runsheet.Sheet{Path: filepath.Join(dir, "runsheet.yaml"), Dir: dir, Name: "bench", Policy: p,
		Pool: []runsheet.PoolEntry{{Kind: "fake"}}}
	text := "version: 1\n"
	write(t, b.sheet.Path, text)
	b.sheet.Digest = fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
	for _, name := range runs {
		b.sheet.Runs = append(b.sheet.Runs, runsheet.Run{Name: name, WorkDir: filepath.Join(dir, "runs", name), Shown: "runs/" + name,
			Command: "train " + name, Resumed: "train " + name + " --resume", Progress: runsheet.ProgressSpec{Tracker: "auto"}})
	}
	return b
}

func (b *bench) launcher(o launcher.Options, control <-chan launcher.Control) *launcher.Launcher {
	sys := record.NewSystem(b.disk)
	sys.Clock = b.clock
	if b.on != nil {
		sys.FS, sys.Procs = ownDisk{sys.FS}, machine{sys.Procs, *b.on}
	}
	o.User, o.HostName = "alice", "localhost"
	var executor runsheet.Executor = b.fake
	if b.local != nil {
		executor = b.local
	}
	return launcher.New(launcher.Config{Sheet: b.sheet, Disk: b.disk, System: sys, Executors: []runsheet.Executor{executor}, Fork: b.fork, Listener: b, Control: control, Options: o,
		Observer: observe.New(b.disk, progress.New(b.disk, progress.Options{CacheDir: filepath.Join(b.sheet.Dir, "cache")}), executor)})
}

// run launches to the end, which must come.
func (b *bench) run(o launcher.Options) launcher.Outcome {
	b.t.Helper()
	return b.controlled(o, nil)
}

func (b *bench) controlled(o launcher.Options, control <-chan launcher.Control) launcher.Outcome {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := b.launcher(o, control).Run(ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	if ctx.Err() != nil {
		b.t.Fatalf("the launcher did not come to its end: %v", b.kinds(""))
	}
	return out
}

// background launches beside the test; the function that it returns waits for the outcome.
func (b *bench) background(o launcher.Options, control <-chan launcher.Control) func() launcher.Outcome {
	done := make(chan launcher.Outcome, 1)
	go func() { done <- b.controlled(o, control) }()
	return func() launcher.Outcome { return <-done }
}

func (b *bench) status(out launcher.Outcome) (s []runsheet.Status) {
	for _, r := range out.Snapshot.Runs {
		s = append(s, r.Status)
	}
	return s
}

func (b *bench) look(run string, n int) record.View {
	b.t.Helper()
	v, err := record.LookAt(record.NewSystem(durable.OS()), filepath.Join(b.sheet.Dir, "runs", run), n)
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

func exits(code int) func(context.Context, runsheet.Claim) int {
	return func(context.Context, runsheet.Claim) int { return code }
}

// untilStopped lives until it is told to end, or the file go stands in its work dir.
func untilStopped(ctx context.Context, c runsheet.Claim) int {
	for ctx.Err() == nil {
		if _, err := os.Lstat(filepath.Join(c.WorkDir, "go")); err == nil {
			return 0
		}
		time.Sleep(5 * time.Millisecond)
	}
	return 1
}

func (b *bench) letGo(run string) { write(b.t, filepath.Join(b.sheet.Dir, "runs", run, "go"), "") }

// TestRetryBudgets holds how many attempts a session has, and that --once and --detach share one.
func TestRetryBudgets(t *testing.T) {
	b := newBench(t, exits(1), "a")
	out := b.run(launcher.Options{})
	if !slices.Equal(out.GivenUp, []string{"a"}) || b.look("a", 3).End == nil || b.look("a", 4).Claim != nil {
		t.Fatalf("given up: %v, events %v", out.GivenUp, b.kinds(""))
	}
	// Typed anew: a new budget.
	if b.run(launcher.Options{}); b.look("a", 6).End == nil || b.look("a", 7).Claim != nil {
		t.Fatalf("events %v", b.kinds(""))
	}
	// From cron: each of many goes on with the budget of the one before, until it is used up for good.
	for range 12 {
		b.run(launcher.Options{Once: true, Continue: true})
		b.fake.Wait()
	}
	if b.look("a", 9).End == nil || b.look("a", 10).Claim != nil {
		t.Errorf("events %v", b.kinds(""))
	}
	if b.told(journal.GaveUp) != 3 {
		t.Errorf("it said %d times that it gives up", b.told(journal.GaveUp))
	}
}

// TestBreaker holds that a sheet whose first runs fail alike is not burnt to the end.
func TestBreaker(t *testing.T) {
	b := newBench(t, exits(1), "a", "b", "c", "d", "e", "f")
	b.sheet.Policy.Retries = 0
	out := b.run(launcher.Options{})
	if out.Broken == "" || b.look("d", 1).Claim != nil || b.look("c", 1).End == nil {
		t.Errorf("broken %q, events %v", out.Broken, b.kinds(""))
	}
}

// TestOldFailures holds that failures of an earlier session come after runs without any attempt, and do not stop them. The
// earlier session came to its end, or was interrupted during a retry.
func TestOldFailures(t *testing.T) {
	for _, interrupted := range []bool{false, true} {
		tried := false
		b := newBench(t, func(ctx context.Context, c runsheet.Claim) int {
			switch {
			case strings.HasPrefix(c.Run, "good"):
				return 0
			case interrupted && !tried && c.Attempt == 2:
				<-ctx.Done()
			case interrupted && !tried: // each in its own way
				return int(c.Run[len(c.Run)-1])
			}
			return 1
		}, "bad1", "bad2", "bad3", "bad4")
		b.sheet.Policy.Jobs, b.sheet.Policy.Retries = 4, 0
		if interrupted {
			b.sheet.Policy.Retries = 1
		}
		control := make(chan launcher.Control, 1)
		wait := b.background(launcher.Options{}, control)
		if interrupted {
			exectest.Await(t, "the second attempts to begin", func() bool { return b.told(journal.Began) == 8 })
			control <- launcher.Interrupt
		}
		if out := wait(); out.Stopped != interrupted || (out.Broken != "") == interrupted {
			t.Fatalf("the first session: %+v", out)
		}
		tried = true
		for n := range 9 {
			b.sheet.Runs = append(b.sheet.Runs, runsheet.Run{Name: fmt.Sprint("good", n), WorkDir: filepath.Join(b.sheet.Dir, "runs", fmt.Sprint("good", n)),
				Command: "train", Resumed: "train", Progress: runsheet.ProgressSpec{Tracker: "auto"}})
		}
		b.events = nil
		out := b.run(launcher.Options{})
		if out.Broken != "" {
			t.Errorf("interrupted %v: it broke off: %s", interrupted, out.Broken)
		}
		for _, r := range out.Snapshot.Runs {
			if strings.HasPrefix(r.Run.Name, "good") != (r.Status == runsheet.Finished) {
				t.Errorf("interrupted %v: %s is %s", interrupted, r.Run.Name, r.Status)
			}
		}
		bad := false
		for _, e := range b.events {
			if e.Kind != journal.Claimed {
				continue
			}
			if bad = bad || strings.HasPrefix(e.Run, "bad"); bad && strings.HasPrefix(e.Run, "good") {
				t.Errorf("interrupted %v: %s was claimed after what failed before", interrupted, e.Run)
			}
		}
	}
}

// TestRetryGoesOn holds that a launcher that broke off goes on once a person asks for a retry, as long as it lives.
func TestRetryGoesOn(t *testing.T) {
	mended := make(chan struct{})
	b := newBench(t, func(ctx context.Context, c runsheet.Claim) int {
		if c.Run == "long" {
			return untilStopped(ctx, c)
		}
		select {
		case <-mended:
			return 0
		default:
			return 1
		}
	}, "long", "a", "b", "c", "d", "e")
	b.sheet.Policy.Jobs, b.sheet.Policy.Retries = 2, 0
	control := make(chan launcher.Control)
	wait := b.background(launcher.Options{}, control)
	exectest.Await(t, "it to break off", func() bool { return b.told(journal.Trouble) == 1 })
	close(mended)
	if _, err := record.Request(record.NewSystem(durable.OS()), b.sheet.Runs[1].WorkDir, runsheet.RequestRetry, "bob"); err != nil {
		t.Fatal(err)
	}
	control <- launcher.Look
	exectest.Await(t, "the last to end", func() bool { return b.look("e", 1).End != nil })
	b.letGo("long")
	if out := wait(); out.Broken != "" || b.look("a", 2).End == nil {
		t.Errorf("outcome %+v, events %v", out, b.kinds(""))
	}
}

// TestStoppedRuns holds that a person's stop is final until a person says otherwise.
func TestStoppedRuns(t *testing.T) {
	b := newBench(t, exits(0), "a", "b")
	if _, err := record.Request(record.NewSystem(durable.OS()), b.sheet.Runs[0].WorkDir, runsheet.RequestStop, "bob"); err != nil {
		t.Fatal(err)
	}
	if got := b.status(b.run(launcher.Options{})); !slices.Equal(got, []runsheet.Status{runsheet.Stopped, runsheet.Finished}) || b.look("a", 1).Claim != nil {
		t.Fatalf("statuses %v", got)
	}
	if got := b.status(b.run(launcher.Options{ResumeStopped: true})); !slices.Equal(got, []runsheet.Status{runsheet.Finished, runsheet.Finished}) {
		t.Errorf("statuses %v", got)
	}
	if b.look("a", 1).Claim.Request != 2 || b.look("b", 2).Claim != nil {
		t.Errorf("claims %+v, %+v", b.look("a", 1).Claim, b.look("b", 2).Claim)
	}
}

// TestInterrupt holds that Ctrl-C stops the runs without a request, so that the next run goes on.
func TestInterrupt(t *testing.T) {
	b := newBench(t, untilStopped, "a", "b", "c")
	b.sheet.Policy.Jobs = 2
	control := make(chan launcher.Control, 2)
	wait := b.background(launcher.Options{}, control)
	exectest.Await(t, "two to begin", func() bool { return b.told(journal.Began) == 2 })
	control <- launcher.Interrupt
	out := wait()
	if got := b.status(out); !out.Stopped || !slices.Equal(got, []runsheet.Status{runsheet.Stopped, runsheet.Stopped, runsheet.Pending}) {
		t.Fatalf("outcome %+v, statuses %v", out, got)
	}
	for _, run := range []string{"a", "b"} {
		if v := b.look(run, 1); v.End == nil || v.End.Kind != runsheet.EndStopped || v.Request != nil {
			t.Errorf("%s: %+v", run, v)
		}
		b.letGo(run)
	}
	if err := os.MkdirAll(filepath.Join(b.sheet.Dir, "runs/c"), 0o700); err != nil {
		t.Fatal(err)
	}
	b.letGo("c")
	b.sheet.Policy.ActivityWindow = 0
	if got := b.status(b.run(launcher.Options{})); slices.Contains(got, runsheet.Stopped) {
		t.Errorf("the next run left %v", got)
	}
}

// TestLeave holds that a launcher which leaves ends nothing, and that the next one adopts what lives.
func TestLeave(t *testing.T) {
	b := newBench(t, untilStopped, "a")
	control := make(chan launcher.Control, 1)
	wait := b.background(launcher.Options{}, control)
	exectest.Await(t, "it to begin", func() bool { return b.told(journal.Began) == 1 })
	if _, err := b.launcher(launcher.Options{}, nil).Run(context.Background()); err == nil || !strings.Contains(err.Error(), record.ErrLauncher.Error()) {
		t.Errorf("a second launcher: %v", err)
	}
	control <- launcher.Leave
	if out := wait(); !out.Left || out.Stopped {
		t.Errorf("outcome %+v", out)
	}
	wait = b.background(launcher.Options{}, nil)
	exectest.Await(t, "it to be adopted", func() bool { return b.told(journal.Adopted) == 1 })
	b.letGo("a")
	if got := b.status(wait()); !slices.Equal(got, []runsheet.Status{runsheet.Finished}) || b.look("a", 2).Claim != nil {
		t.Errorf("statuses %v, events %v", got, b.kinds(""))
	}
}

// flies puts the clock forward, and wakes the launcher, until the function that it returns is called.
func (b *bench) flies() (control chan launcher.Control, land func()) {
	control, done := make(chan launcher.Control), make(chan struct{})
	go func() {
		for held := 0; ; held++ {
			// Or the time that a start may take would fly as well; but some attempts never begin.
			if !b.starting() || held == 50 {
				b.clock.forward(5 * time.Second)
				held = 0
			}
			select {
			case control <- launcher.Look:
			case <-done:
				return
			}
		}
	}()
	return control, func() { close(done) }
}

// starting says whether some attempt was claimed, and has neither begun nor ended.
func (b *bench) starting() bool {
	for _, r := range b.sheet.Runs {
		v, err := record.Look(record.NewSystem(durable.OS()), r.WorkDir)
		if err == nil && v.Claim != nil && v.Start == nil && v.End == nil {
			return true
		}
	}
	return false
}

// TestFileInTheWay holds that a run without a work dir is given up by its name, and leaves the others alone.
func TestFileInTheWay(t *testing.T) {
	b := newBench(t, exits(0), "bad", "good", "better")
	if err := os.MkdirAll(filepath.Join(b.sheet.Dir, "runs"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, b.sheet.Runs[0].WorkDir, "in the way")
	out := b.run(launcher.Options{})
	if got := b.status(out); !slices.Equal(got, []runsheet.Status{runsheet.Unknown, runsheet.Finished, runsheet.Finished}) {
		t.Errorf("statuses %v", got)
	}
	if !slices.Equal(out.GivenUp, []string{"bad"}) || out.Broken != "" || !strings.Contains(out.Snapshot.Runs[0].Reason, b.sheet.Runs[0].WorkDir) {
		t.Errorf("given up: %v, broken %q, reason %q", out.GivenUp, out.Broken, out.Snapshot.Runs[0].Reason)
	}
}

// fullDisk cannot take the claims of the run "bad", so many times.
type fullDisk struct {
	durable.Disk
	times int
	why   error
}

func (d *fullDisk) Link(label, from, to string) error {
	if label == "claim" && strings.Contains(to, "/runs/bad/") && d.times > 0 {
		d.times--
		return &os.LinkError{Op: "link", Old: from, New: to, Err: d.why}
	}
	return d.Disk.Link(label, from, to)
}

// TestTrouble holds that what goes wrong with one run leaves the others alone, and is tried again until it passes or is
// given up.
func TestTrouble(t *testing.T) {
	for _, c := range []struct {
		times int
		why   error
		want  runsheet.Status
		tries int
	}{{2, unix.EIO, runsheet.Finished, 2}, {1000, unix.EIO, runsheet.Pending, 6}, {20, unix.ENOSPC, runsheet.Finished, 20}} {
		b := newBench(t, exits(0), "bad", "good")
		disk := &fullDisk{durable.OS(), c.times, c.why}
		b.disk, b.sheet.Policy.Jobs = disk, 1 // the place is for the other one meanwhile
		control, land := b.flies()
		out := b.controlled(launcher.Options{}, control)
		land()
		if got := b.status(out); !slices.Equal(got, []runsheet.Status{c.want, runsheet.Finished}) {
			t.Errorf("statuses %v", got)
		}
		if (len(out.GivenUp) == 0) != (c.want == runsheet.Finished) || out.Broken != "" {
			t.Errorf("given up: %v, broken %q", out.GivenUp, out.Broken)
		}
		if tried := c.times - disk.times; tried != c.tries {
			t.Errorf("it was tried %d times: %v", tried, b.kinds("bad"))
		}
		if b.look("good", 2).Claim != nil || b.look("bad", 2).Claim != nil {
			t.Error("an attempt too many")
		}
	}
}

// TestCannotStart holds the same where the executor cannot start anything.
func TestCannotStart(t *testing.T) {
	b := newBench(t, exits(0), "a")
	b.fake.FailStart(fmt.Errorf("no such machine"))
	control, land := b.flies()
	out := b.controlled(launcher.Options{}, control)
	land()
	if got := out.Snapshot.Runs[0]; !slices.Equal(out.GivenUp, []string{"a"}) || got.Status != runsheet.Failed || got.Reason != "could not be started: no such machine" {
		t.Errorf("outcome %+v, events %v", out, b.kinds("a"))
	}
	for n := 1; b.look("a", n).Claim != nil; n++ {
		if v := b.look("a", n); v.End == nil || v.End.Kind != runsheet.EndVoid || v.End.Cause.Kind != runsheet.CauseNotStarted {
			t.Errorf("attempt %d: %+v", n, v)
		}
	}
}

// ghost is a system whose process has died: what it writes is of somebody who is gone.
func ghost(pid int) record.System {
	sys := record.NewSystem(durable.OS())
	sys.Procs = dead{sys.Procs, pid}
	return sys
}

type dead struct {
	proc.Procs
	pid int
}

func (d dead) Self() runsheet.Process {
	p := d.Procs.Self()
	p.PID, p.StartTime = d.pid, 1
	return p
}

// lost leaves an attempt behind whose launcher and supervisor are gone.
func (b *bench) lost(run int) runsheet.Claim {
	b.t.Helper()
	r, sys := b.sheet.Runs[run], ghost(1<<22-1)
	c, err := record.Claim(sys, runsheet.Facts{}, 0, runsheet.Claim{Run: r.Name, Nonce: record.NewNonce(), Session: "gone", Executor: "fake",
		Host: "localhost", Identity: r.Command, Command: r.Command, WorkDir: r.WorkDir, Dir: b.sheet.Dir, Progress: r.Progress})
	if err != nil {
		b.t.Fatal(err)
	}
	tenure, err := record.Take(sys, record.AttemptDir(r.WorkDir, 1))
	if err == nil {
		err = tenure.Begin(0)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	tenure.Leave()
	return c
}

// TestOnceRecovers holds that a launcher which waits for nothing waits for the ends that it writes for the dead, and
// then launches what they made way for.
func TestOnceRecovers(t *testing.T) {
	b := newBench(t, exits(0), "a")
	b.lost(0)
	b.run(launcher.Options{Once: true, Continue: true})
	if v := b.look("a", 1); v.End == nil || v.End.Kind != runsheet.EndLost {
		t.Errorf("attempt 1: %+v", v)
	}
	if b.look("a", 2).Claim == nil {
		t.Errorf("nothing was launched: %v", b.kinds(""))
	}
	b.fake.Wait()
}

// TestVanished holds that the journal alone keeps a run from being claimed again while its attempt lives, and that it is
// claimed with the next number once that is gone.
func TestRecordsVanished(t *testing.T) {
	b := newBench(t, exits(0), "a")
	c := b.lost(0)
	if err := os.RemoveAll(b.sheet.Runs[0].WorkDir); err != nil {
		t.Fatal(err)
	}
	state := record.StateDir(b.sheet.Dir, b.sheet.Path)
	if err := os.MkdirAll(state, 0o700); err != nil {
		t.Fatal(err)
	}
	w, err := journal.Open(durable.OS(), state, record.JournalPath(state))
	if err != nil {
		t.Fatal(err)
	}
	note := func(e journal.Event) {
		t.Helper()
		e.At, e.Session, e.Run, e.WorkDir, e.Attempt, e.Nonce = time.Now(), "gone", "a", c.WorkDir, 1, c.Nonce
		if err := w.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	self := proc.System().Self()
	note(journal.Event{Kind: journal.Claimed, Process: &c.By})
	note(journal.Event{Kind: journal.Began, Process: &self})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	actions, err := b.launcher(launcher.Options{}, nil).Plan(context.Background())
	if err != nil || actions[0].Verb != runsheet.VerbWait {
		t.Fatalf("its supervisor lives, and the plan is %+v, error %v", actions, err)
	}
	if b.run(launcher.Options{Once: true}); b.told(journal.Claimed) != 0 {
		t.Fatalf("its supervisor lives, and it was claimed again: %v", b.kinds(""))
	}
	if _, err := record.Release(record.NewSystem(b.disk), c.WorkDir, c.Nonce, "alice"); err != nil {
		t.Fatal(err)
	}
	if b.run(launcher.Options{Once: true}); b.told(journal.Claimed) != 0 {
		t.Fatalf("its supervisor lives, whatever a person says, and it was claimed again: %v", b.kinds(""))
	}
	if w, err = journal.Open(durable.OS(), state, record.JournalPath(state)); err != nil {
		t.Fatal(err)
	}
	gone := ghost(1<<22 - 2).Procs.Self()
	note(journal.Event{Kind: journal.Began, Process: &gone})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := b.status(b.run(launcher.Options{})); !slices.Equal(got, []runsheet.Status{runsheet.Finished}) || b.look("a", 2).End == nil {
		t.Errorf("statuses %v, events %v", got, b.kinds(""))
	}
}

// TestUnreadableForNow holds that an attempt whose records cannot be read for a moment keeps its place, and its launcher;
// and that records which stay so are given up.
func TestUnreadableForNow(t *testing.T) {
	for _, passes := range []bool{true, false} {
		b := newBench(t, untilStopped, "a", "b")
		b.sheet.Policy.Jobs = 1
		control, land := b.flies()
		wait := b.background(launcher.Options{}, control)
		exectest.Await(t, "one to begin", func() bool { return b.told(journal.Began) == 1 })
		start := record.StartPath(record.AttemptDir(b.sheet.Runs[0].WorkDir, 1))
		whole := must(os.ReadFile(start))
		shown := func() runsheet.Status {
			b.mu.Lock()
			defer b.mu.Unlock()
			return b.last.Runs[0].Status
		}
		if passes {
			b.clock.hold()
		}
		write(t, start, "{")
		exectest.Await(t, "it to be seen", func() bool { return shown() == runsheet.Unknown })
		if passes {
			if b.told(journal.GaveUp) != 0 || b.look("b", 1).Claim != nil {
				t.Errorf("events %v", b.kinds(""))
			}
			write(t, start, string(whole))
			b.clock.hold()
		} else {
			exectest.Await(t, "it to be given up", func() bool { return b.told(journal.GaveUp) == 1 })
			write(t, start, string(whole))
		}
		b.letGo("a")
		exectest.Await(t, "the next to begin", func() bool { return b.look("b", 1).Start != nil })
		b.letGo("b")
		if got := b.status(wait()); passes && !slices.Equal(got, []runsheet.Status{runsheet.Finished, runsheet.Finished}) {
			t.Errorf("statuses %v", got)
		}
		land()
	}
}

// TestSetAside holds that a fresh attempt finds an empty work dir, and that nothing is lost: everything is moved, and
// nothing is moved over what is there.
func TestSetAside(t *testing.T) {
	var found []string
	b := newBench(t, func(_ context.Context, c runsheet.Claim) int {
		for _, e := range must(os.ReadDir(c.WorkDir)) {
			if e.Name() != record.DirName {
				found = append(found, e.Name())
			}
		}
		write(t, filepath.Join(c.WorkDir, "result"), c.Command)
		return 0
	}, "a")
	b.run(launcher.Options{})
	work := b.sheet.Runs[0].WorkDir
	for name, text := range map[string]string{"epoch_0/done": "old", ".hidden": "old", "epoch_0.2/done": "two", "train.log": "old"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(work, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(work, name), text)
	}
	if err := os.Symlink("epoch_0", filepath.Join(work, "latest")); err != nil {
		t.Fatal(err)
	}
	to := record.EvidenceDir(record.AttemptDir(work, 1))
	if err := os.MkdirAll(filepath.Join(to, "epoch_0"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(to, "epoch_0/done"), "older")
	write(t, filepath.Join(to, "result"), "older")
	b.sheet.Runs[0].Command = "train a --better"
	found = nil
	if got := b.status(b.run(launcher.Options{})); !slices.Equal(got, []runsheet.Status{runsheet.Outdated}) {
		t.Fatalf("without being asked: %v", got)
	}
	if got := b.status(b.run(launcher.Options{Outdated: true})); !slices.Equal(got, []runsheet.Status{runsheet.Finished}) || len(found) > 0 {
		t.Errorf("statuses %v; the fresh attempt found %q", got, found)
	}
	got := map[string]string{}
	err := filepath.WalkDir(to, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			rel, _ := filepath.Rel(to, path)
			got[rel] = string(must(os.ReadFile(path)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for name, text := range got {
		texts = append(texts, strings.SplitN(name, "/", 2)[0][:3]+" "+text)
	}
	slices.Sort(texts)
	if want := []string{".hi old", "epo old", "epo older", "epo two", "res older", "res train a", "tra old"}; !slices.Equal(texts, want) {
		t.Errorf("set aside: %v", got)
	}
	if link, err := os.Readlink(filepath.Join(to, "latest")); err != nil || link != "epoch_0" {
		t.Errorf("the link became %q: %v", link, err)
	}
	if v := b.look("a", 2); v.Claim == nil || !v.Claim.Fresh || v.Claim.Resume {
		t.Errorf("claim %+v", v.Claim)
	}
}

// TestSheetChanged holds that a launcher says, once, that its sheet is another one by now.
func TestSheetChanged(t *testing.T) {
	b := newBench(t, untilStopped, "a")
	control := make(chan launcher.Control)
	wait := b.background(launcher.Options{}, control)
	exectest.Await(t, "it to begin", func() bool { return b.told(journal.Began) == 1 })
	write(t, b.sheet.Path, "version: 1\n# another one\n")
	for range 3 {
		control <- launcher.Look
	}
	exectest.Await(t, "it to be said", func() bool { return b.told(journal.SheetChanged) == 1 })
	b.letGo("a")
	wait()
	if n := b.told(journal.SheetChanged); n != 1 {
		t.Errorf("it was said %d times", n)
	}
}

// TestSecretMissing holds that nothing is started without the secrets that the sheet names.
func TestSecretMissing(t *testing.T) {
	b := newBench(t, exits(0), "a")
	b.sheet.Secrets = []string{"RS_TEST_ABSENT"}
	if _, err := b.launcher(launcher.Options{}, nil).Run(context.Background()); err == nil || durable.Hint(err) == "" || !strings.Contains(err.Error(), "RS_TEST_ABSENT") {
		t.Errorf("error %v, hint %q", err, durable.Hint(err))
	}
	if b.look("a", 1).Claim != nil {
		t.Error("it was claimed")
	}
}
