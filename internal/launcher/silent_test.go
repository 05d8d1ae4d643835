package launcher_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/durable/fusetest"
	"runsheet/internal/executor/exectest"
	"runsheet/internal/executor/local"
	"runsheet/internal/forkserver"
	"runsheet/internal/journal"
	"runsheet/internal/launcher"
	"runsheet/internal/record"
)

// of returns what the snapshot shows of a run.
func (b *bench) of(run string) (out runsheet.Observed) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range b.last.Runs {
		if o.Run.Name == run {
			out = o
		}
	}
	return out
}

func (b *bench) saw(run string, kind journal.Kind) bool { return slices.Contains(b.kinds(run), kind) }

// TestSilentFileSystem: a file system that does not answer holds up the runs on it, and no others: ends are noticed, what
// waits is launched, and the launcher can leave. A run there keeps its slot, and is neither launched nor called failed.
func TestSilentFileSystem(t *testing.T) {
	b := newBench(t, untilStopped, "hung", "a", "b", "waits", "c")
	b.sheet.Policy.Jobs = 2
	m := fusetest.New(t, t.TempDir(), fusetest.Options{})
	for _, i := range []int{0, 3} {
		b.sheet.Runs[i].WorkDir = filepath.Join(m.Dir, b.sheet.Runs[i].Name)
	}
	wait := b.background(launcher.Options{}, nil)
	exectest.Await(t, "two to begin", func() bool { return b.saw("hung", journal.Began) && b.saw("a", journal.Began) })
	m.Halt()
	exectest.Await(t, "it to be noticed", func() bool { return !b.of("hung").Silent.IsZero() })
	b.letGo("a")
	exectest.Await(t, "the end of a, and b to begin", func() bool { return b.saw("a", journal.Ended) && b.saw("b", journal.Began) })
	b.letGo("b")
	exectest.Await(t, "the end of b, and c to begin", func() bool { return b.saw("b", journal.Ended) && b.saw("c", journal.Began) })
	for _, run := range []string{"hung", "waits"} {
		if o := b.of(run); o.Status != runsheet.Unknown || !strings.HasPrefix(o.Reason, "its file system has not answered for ") {
			t.Errorf("%s is %s: %s", run, o.Status, o.Reason)
		}
	}
	if b.saw("waits", journal.Claimed) || b.saw("hung", journal.Ended) || b.told(journal.GaveUp)+b.told(journal.Trouble) > 0 {
		t.Errorf("events %v", b.kinds(""))
	}
	b.letGo("c")
	exectest.Await(t, "the end of c", func() bool { return b.saw("c", journal.Ended) })
	m.GoOn()
	for _, i := range []int{0, 3} {
		run := b.sheet.Runs[i]
		exectest.Await(t, run.Name+" to begin", func() bool { return b.saw(run.Name, journal.Began) })
		write(t, filepath.Join(run.WorkDir, "go"), "")
	}
	out := wait()
	for _, o := range out.Snapshot.Runs {
		if o.Status != runsheet.Finished || o.Attempt != 1 {
			t.Errorf("%s is %s in attempt %d: %s", o.Run.Name, o.Status, o.Attempt, o.Reason)
		}
	}
}

// TestLeaveSilent: a launcher leaves, or ends the runs that it can reach, whatever does not answer.
func TestLeaveSilent(t *testing.T) {
	for _, c := range []launcher.Control{launcher.Leave, launcher.Interrupt} {
		b := newBench(t, untilStopped, "hung", "a")
		b.sheet.Policy.Jobs = 2
		m := fusetest.New(t, t.TempDir(), fusetest.Options{})
		b.sheet.Runs[0].WorkDir = filepath.Join(m.Dir, "hung")
		control := make(chan launcher.Control, 1)
		wait := b.background(launcher.Options{}, control)
		exectest.Await(t, "both to begin", func() bool { return b.told(journal.Began) == 2 })
		m.Halt()
		exectest.Await(t, "it to be noticed", func() bool { return !b.of("hung").Silent.IsZero() })
		control <- c
		out := wait()
		if got := b.status(out); got[0] != runsheet.Unknown || out.Left != (c == launcher.Leave) {
			t.Errorf("statuses %v, left %t", got, out.Left)
		}
		if v := b.look("a", 1); (v.End != nil) != (c == launcher.Interrupt) {
			t.Errorf("the end of a: %+v", v.End)
		}
		m.GoOn()
		write(t, filepath.Join(m.Dir, "hung", "go"), "")
		b.letGo("a")
		exectest.AwaitEnd(t, record.AttemptDir(b.sheet.Runs[0].WorkDir, 1))
	}
}

// TestSilentAtStart: what does not answer from the beginning is no attempt whose records are gone.
func TestSilentAtStart(t *testing.T) {
	b := newBench(t, untilStopped, "hung", "a")
	b.sheet.Policy.Jobs = 2
	m := fusetest.New(t, t.TempDir(), fusetest.Options{})
	b.sheet.Runs[0].WorkDir = filepath.Join(m.Dir, "hung")
	control := make(chan launcher.Control, 1)
	wait := b.background(launcher.Options{}, control)
	exectest.Await(t, "both to begin", func() bool { return b.told(journal.Began) == 2 })
	control <- launcher.Leave
	wait()
	m.Halt()
	wait = b.background(launcher.Options{}, nil)
	exectest.Await(t, "a to be adopted", func() bool { return b.saw("a", journal.Adopted) })
	b.letGo("a")
	exectest.Await(t, "the end of a", func() bool { return b.saw("a", journal.Ended) })
	if b.saw("hung", journal.Ended) || b.saw("hung", journal.GaveUp) {
		t.Errorf("events %v", b.kinds("hung"))
	}
	m.GoOn()
	write(t, filepath.Join(m.Dir, "hung", "go"), "")
	for _, o := range wait().Snapshot.Runs {
		if o.Status != runsheet.Finished || o.Attempt != 1 {
			t.Errorf("%s is %s in attempt %d: %s", o.Run.Name, o.Status, o.Attempt, o.Reason)
		}
	}
}

// flood writes into the log of the run "busy" for as long as its attempt lives; the others do what untilStopped does.
func flood(ctx context.Context, c runsheet.Claim) int {
	if c.Run != "busy" {
		return untilStopped(ctx, c)
	}
	log, err := os.OpenFile(record.LogPath(record.AttemptDir(c.WorkDir, c.Attempt)), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return 2
	}
	defer log.Close()
	for n := 0; n < 1000; n++ {
		if _, err := log.WriteString(strings.Repeat("step 7/100 loss 0.5\r", 50)); err != nil {
			return 3
		}
	}
	return untilStopped(ctx, c)
}

// slowDisk is one on which the log of the run "busy" is read for as long as the test wants. It answers: the reading is what
// takes so long.
type slowDisk struct {
	durable.Disk
	begun   chan struct{} // closed when it is being read
	release chan struct{}
	once    sync.Once
}

func (d *slowDisk) Open(label, path string, flag int, perm os.FileMode) (durable.File, error) {
	f, err := d.Disk.Open(label, path, flag, perm)
	if err == nil && strings.Contains(path, "/busy/") && filepath.Base(path) == "run.log" {
		return slowFile{f, d}, nil
	}
	return f, err
}

type slowFile struct {
	durable.File
	of *slowDisk
}

func (f slowFile) ReadAt(p []byte, off int64) (int, error) {
	f.of.once.Do(func() { close(f.of.begun) })
	<-f.of.release
	return f.File.ReadAt(p, off)
}

// TestSlowEvidence: while the evidence of one run is being read, the ends of the others are noticed, and its own; what is
// launched goes on. Its progress is what was known before, or none.
func TestSlowEvidence(t *testing.T) {
	b := newBench(t, flood, "busy", "a", "b", "c")
	b.sheet.Policy.Jobs = 2
	b.sheet.Runs[0].Progress = runsheet.ProgressSpec{Tracker: "log"}
	disk := &slowDisk{Disk: durable.OS(), begun: make(chan struct{}), release: make(chan struct{})}
	b.disk = disk
	wait := b.background(launcher.Options{}, nil)
	<-disk.begun // it is not answered before the test says so
	for _, run := range []string{"a", "b"} {
		exectest.Await(t, run+" to begin", func() bool { return b.saw(run, journal.Began) })
		b.letGo(run)
		exectest.Await(t, "the end of "+run, func() bool { return b.saw(run, journal.Ended) })
	}
	exectest.Await(t, "it to be seen", func() bool { return b.of("busy").Reading })
	if o := b.of("busy"); o.Status != runsheet.Running || o.Progress.Completed != 0 {
		t.Errorf("it is %s: %s, %+v", o.Status, o.Reason, o.Progress)
	}
	b.letGo("busy") // its end has no progress, as that of one whose supervisor was killed
	exectest.Await(t, "its own end to be seen", func() bool { return b.of("busy").End != nil })
	if o := b.of("busy"); o.Status != runsheet.Unknown || o.Reason != "its evidence is being read" || b.saw("busy", journal.Ended) {
		t.Errorf("it is %s: %s", o.Status, o.Reason)
	}
	b.letGo("c")
	exectest.Await(t, "the end of c", func() bool { return b.saw("c", journal.Ended) })
	close(disk.release)
	for _, o := range wait().Snapshot.Runs {
		if o.Status != runsheet.Finished || o.Attempt != 1 {
			t.Errorf("%s is %s in attempt %d: %s", o.Run.Name, o.Status, o.Attempt, o.Reason)
		}
	}
}

// TestUnreadAfterBreaker: a launcher that launches nothing more waits for the evidence of an attempt that has ended, and tells
// how it ended.
func TestUnreadAfterBreaker(t *testing.T) {
	b := newBench(t, func(ctx context.Context, c runsheet.Claim) int {
		if c.Run == "busy" {
			flood(ctx, c)
		}
		return 1
	}, "busy", "a", "b", "c", "d")
	b.sheet.Policy.Jobs = 2
	b.sheet.Runs[0].Progress = runsheet.ProgressSpec{Tracker: "log"}
	disk := &slowDisk{Disk: durable.OS(), begun: make(chan struct{}), release: make(chan struct{})}
	b.disk = disk
	wait := b.background(launcher.Options{}, nil)
	<-disk.begun
	b.letGo("busy")
	exectest.Await(t, "it to have ended, and nothing more to be launched", func() bool {
		return b.of("busy").End != nil && b.told(journal.Ended) >= 3 && b.of("d").Status == runsheet.Pending
	})
	exectest.Await(t, "the breaker", func() bool {
		return slices.ContainsFunc(b.texts(), func(s string) bool { return strings.HasPrefix(s, "nothing more is launched") })
	})
	close(disk.release)
	out := wait()
	if o := out.Snapshot.Runs[0]; out.Broken == "" || o.Status != runsheet.Failed || !b.saw("busy", journal.Ended) {
		t.Errorf("broken: %q; it is %s: %s; events %v", out.Broken, o.Status, o.Reason, b.kinds("busy"))
	}
}

// TestSignalsSilent: SIGTERM ends a launcher while a file system does not answer, and `status` says what it can.
func TestSignalsSilent(t *testing.T) {
	m := fusetest.New(t, t.TempDir(), fusetest.Options{})
	p := newProject(t, "version: 1\ncommand: bash train.sh {work_dir} 2 0.01 plain\nmatrix: {run: [a, hung]}\nwork_dir: runs/{run}\npolicy: {jobs: 2}\n")
	if err := os.Mkdir(filepath.Join(p.dir, "runs"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(m.Dir, p.work("hung")); err != nil {
		t.Fatal(err)
	}
	release := p.hold("1")
	l := p.runsheet("run")
	for _, run := range []string{"a", "hung"} {
		p.awaitEpochs(run, 1)
	}
	exectest.Await(t, "both to have begun", func() bool { return p.count(journal.Began) == 2 })
	m.Halt()
	said := p.runsheet("status").wait(0)
	if !strings.Contains(said, "its file system has not answered for") || !strings.Contains(said, "running") {
		t.Errorf("status said:\n%s", said)
	}
	l.cmd.Process.Signal(unix.SIGTERM)
	l.wait(128 + int(unix.SIGTERM))
	m.GoOn()
	release()
	p.runsheet("run").wait(0)
	for _, run := range []string{"a", "hung"} {
		p.noted(run, "start 1 at 0", "stop 1")
	}
}

// TestStartThatHangs: while the launcher has evidence open on a file system that does not answer, other runs are started and
// end. What is started has a copy of all its files, and cannot close that one.
func TestStartThatHangs(t *testing.T) {
	fork, err := forkserver.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer fork.Close()
	b := newBench(t, nil, "busy", "a", "b", "c")
	b.local, b.fork = local.New(durable.OS(), fork), fork
	b.sheet.Pool = []runsheet.PoolEntry{{Kind: local.Name}}
	b.sheet.Policy.Jobs = 2
	b.sheet.Setup = "true"
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, e := range b.events {
			if e.Kind == journal.Claimed {
				exectest.EndAll(t, e.Nonce)
			}
		}
	})
	m := fusetest.New(t, t.TempDir(), fusetest.Options{})
	for i := range b.sheet.Runs {
		run := &b.sheet.Runs[i]
		run.Command = `echo "step 7/100 loss 0.5"; until [ -e go ]; do sleep 0.01; done`
		if run.Name == "busy" {
			run.WorkDir = filepath.Join(m.Dir, run.Name)
			run.Progress = runsheet.ProgressSpec{Tracker: "log"}
		}
		run.Command = fmt.Sprintf("cd %s; %s", run.WorkDir, run.Command)
	}
	disk := &slowDisk{Disk: durable.OS(), begun: make(chan struct{}), release: make(chan struct{})}
	b.disk = disk
	wait := b.background(launcher.Options{}, nil)
	<-disk.begun // its log is open
	exectest.Await(t, "both to begin", func() bool { return b.saw("busy", journal.Began) && b.saw("a", journal.Began) })
	m.Halt()
	for _, run := range []string{"a", "b", "c"} {
		exectest.Await(t, run+" to begin", func() bool { return b.saw(run, journal.Began) })
		b.letGo(run)
		exectest.Await(t, "the end of "+run, func() bool { return b.saw(run, journal.Ended) })
	}
	m.GoOn()
	close(disk.release)
	write(t, filepath.Join(m.Dir, "busy", "go"), "")
	for _, o := range wait().Snapshot.Runs {
		if o.Status != runsheet.Finished || o.Attempt != 1 {
			t.Errorf("%s is %s in attempt %d: %s", o.Run.Name, o.Status, o.Attempt, o.Reason)
		}
	}
}
