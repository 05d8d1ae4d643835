package launcher_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/executor/exectest"
	"runsheet/internal/journal"
	"runsheet/internal/launcher"
	"runsheet/internal/record"
)

// fullJournal has no room for the journal while it is full: the first bytes of a line still fit.
type fullJournal struct {
	durable.Disk
	full atomic.Bool
}

func (d *fullJournal) Open(label, path string, flag int, perm os.FileMode) (durable.File, error) {
	f, err := d.Disk.Open(label, path, flag, perm)
	if err != nil || label != "journal" {
		return f, err
	}
	return &fullJournalFile{f, d}, nil
}

type fullJournalFile struct {
	durable.File
	disk *fullJournal
}

func (f *fullJournalFile) Write(p []byte) (int, error) {
	if !f.disk.full.Load() {
		return f.File.Write(p)
	}
	n, err := f.File.Write(p[:7])
	if err == nil {
		err = &os.PathError{Op: "write", Path: f.Name(), Err: unix.ENOSPC}
	}
	return n, err
}

// texts returns what the launcher told of all runs.
func (b *bench) texts() (out []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.events {
		if e.Run == "" {
			out = append(out, e.Text)
		}
	}
	return out
}

func (b *bench) saysUnwritten() bool {
	return slices.ContainsFunc(b.texts(), func(s string) bool { return strings.HasPrefix(s, "nothing goes on until the journal can be written") })
}

// TestJournalWaits holds that a launcher outlasts a full disk: while its journal cannot be written it claims and tells
// nothing, says so once, and goes on afterwards with nothing lost and nothing twice.
func TestJournalWaits(t *testing.T) {
	b := newBench(t, untilStopped, "a", "b")
	disk := &fullJournal{Disk: durable.OS()}
	b.disk = disk
	wait := b.background(launcher.Options{}, nil)
	exectest.Await(t, "it to begin", func() bool { return b.told(journal.Began) == 1 })
	disk.full.Store(true)
	b.letGo("a")
	exectest.Await(t, "it to say so", b.saysUnwritten)
	exectest.Await(t, "the end of a", func() bool { return b.look("a", 1).End != nil })
	if b.told(journal.Ended) != 0 || b.look("b", 1).Claim != nil {
		t.Errorf("it went on without its journal: %v", b.kinds(""))
	}
	disk.full.Store(false)
	exectest.Await(t, "the next to begin", func() bool { return b.look("b", 1).Start != nil })
	b.letGo("b")
	out := wait()
	if got := b.status(out); !slices.Equal(got, []runsheet.Status{runsheet.Finished, runsheet.Finished}) {
		t.Errorf("statuses %v", got)
	}
	said := 0
	for _, s := range b.texts() {
		if strings.Contains(s, "the journal can be written") {
			said++
		}
	}
	if said != 2 {
		t.Errorf("it said so and that it is over %d times: %q", said, b.texts())
	}
	events, err := journal.Read(durable.OS(), record.JournalPath(record.StateDir(b.sheet.Dir, b.sheet.Path)))
	if err != nil {
		t.Fatal(err)
	}
	var kinds []journal.Kind
	for _, e := range events {
		kinds = append(kinds, e.Kind)
	}
	if want := []journal.Kind{journal.LauncherStarted, journal.Claimed, journal.Began, journal.Ended, journal.Claimed, journal.Began, journal.Ended,
		journal.LauncherEnded}; !slices.Equal(kinds, want) {
		t.Errorf("the journal has %v", kinds)
	}
}

// TestJournalWaitsInterrupted holds that a launcher hears its controls while it waits for its journal. Interrupt stops the
// runs, Leave lets them go on, and the next launcher finds how they ended.
func TestJournalWaitsInterrupted(t *testing.T) {
	for _, tell := range []launcher.Control{launcher.Interrupt, launcher.Leave} {
		b := newBench(t, untilStopped, "a", "b", "c")
		b.sheet.Policy.Jobs = 2
		disk := &fullJournal{Disk: durable.OS()}
		b.disk = disk
		control := make(chan launcher.Control, 2)
		wait := b.background(launcher.Options{}, control)
		exectest.Await(t, "two to begin", func() bool { return b.told(journal.Began) == 2 })
		disk.full.Store(true)
		b.letGo("a")
		exectest.Await(t, "it to say so", b.saysUnwritten)
		control <- tell
		out := wait()
		if out.Stopped != (tell == launcher.Interrupt) || out.Left == out.Stopped || b.look("c", 1).Claim != nil {
			t.Errorf("told %d: %+v", tell, out)
		}
		want := []runsheet.Status{runsheet.Finished, runsheet.Running, runsheet.Pending}
		if out.Stopped {
			want[1] = runsheet.Stopped
		}
		if got := b.status(out); !slices.Equal(got, want) {
			t.Errorf("told %d: statuses %v", tell, got)
		}
		disk.full.Store(false)
		for _, run := range []string{"b", "c"} {
			if err := os.MkdirAll(filepath.Join(b.sheet.Dir, "runs", run), 0o700); err != nil {
				t.Fatal(err)
			}
			b.letGo(run)
		}
		b.sheet.Policy.ActivityWindow = 0
		if got := b.status(b.run(launcher.Options{})); slices.ContainsFunc(got, func(s runsheet.Status) bool { return s != runsheet.Finished }) {
			t.Errorf("told %d: the next one left %v", tell, got)
		}
		if b.look("a", 2).Claim != nil {
			t.Errorf("told %d: what was finished was run again", tell)
		}
	}
}

// TestFullDiskPasses fills a real file system with the journal on it while runs go on: the launcher waits, and brings them
// to their end once there is room.
func TestFullDiskPasses(t *testing.T) {
	t.Parallel()
	sheetDir := exectest.SmallDisk(t, "size=512k")
	runs := t.TempDir()
	p := newProjectIn(t, sheetDir, `version: 1
command: bash train.sh {work_dir} 3 0.1 plain
work_dir: `+runs+`/{x}
matrix: {x: 1..40}
progress: {tracker: epochs, epochs: 3, files: [done]}
policy: {jobs: 40}
`)
	release := p.hold("1")
	l := p.runsheet("run")
	exectest.Await(t, "all to begin", func() bool { return p.count(journal.Began) == 40 })
	filler := fill(t, sheetDir)
	release()
	exectest.Await(t, "all to end", func() bool {
		ended, err := filepath.Glob(filepath.Join(runs, "*/.runsheet/attempts/000001/end.json"))
		return err == nil && len(ended) == 40
	})
	// Forty ends do not fit into what the journal's last page has room for: one of them is cut there.
	exectest.Await(t, "the journal to be full", func() bool {
		data := must(os.ReadFile(record.JournalPath(record.StateDir(p.dir, p.path))))
		return data[len(data)-1] != '\n'
	})
	if n := p.count(journal.Ended); n == 40 {
		t.Errorf("the journal has %d ends", n)
	}
	if out := p.runsheet("status").wait(0); strings.Count(out, "finished") < 40 {
		t.Errorf("status on the full disk:\n%s", out)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	out := l.wait(0)
	if !strings.Contains(out, "40 of 40 finished") || !regexp.MustCompile(`nothing goes on until the journal can be written: .*no space left on device \(make room`).MatchString(out) ||
		strings.Count(out, "nothing goes on until") != strings.Count(out, "the journal can be written again") {
		t.Errorf("it said:\n%s", out)
	}
	if n := p.count(journal.Ended); n != 40 {
		t.Errorf("the journal has %d ends", n)
	}
	if out := p.runsheet("check").wait(0); !strings.Contains(out, " 0 violations") {
		t.Errorf("check says:\n%s", out)
	}
}

// fill fills the file system of a directory to the last byte, with the file that it returns.
func fill(t *testing.T, dir string) string {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 64 << 10; size > 0; size /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	return f.Name()
}
