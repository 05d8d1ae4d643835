package observe

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/durable/fusetest"
	"runsheet/internal/executor/exectest"
	"runsheet/internal/progress"
)

// trained makes a run with two complete epochs.
func trained(t *testing.T, dir string) runsheet.Run {
	t.Helper()
	for n := range 2 {
		epoch := filepath.Join(dir, fmt.Sprintf("epoch_%d", n))
		if err := os.MkdirAll(epoch, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"training_losses.pt", "optimizer_buffer.json", "validation_scores.json"} {
			if err := os.WriteFile(filepath.Join(epoch, name), []byte(`{"aggregated": {"accuracy": 0.9}}`), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return runsheet.Run{Name: filepath.Base(dir), WorkDir: dir, Progress: runsheet.ProgressSpec{Tracker: "auto", Total: 2}}
}

func newObserver(t *testing.T, disk durable.Disk, executors ...runsheet.Executor) *Observer {
	return New(disk, progress.New(disk, progress.Options{CacheDir: t.TempDir()}), executors...)
}

// underWay counts what is done on the mount of a path.
func underWay(path string) int {
	at := mounts.of(path)
	at.mu.Lock()
	defer at.mu.Unlock()
	return len(at.calls)
}

func judged(runs []runsheet.Run, facts []runsheet.Facts) (out []string) {
	for i, f := range facts {
		j := runsheet.Judge(runs[i], f, runsheet.DefaultPolicy, time.Now())
		out = append(out, fmt.Sprintf("%s: %s %s", runs[i].Name, j.Status, j.Reason))
	}
	return out
}

// TestSilentFileSystem: runs whose file system does not answer are unknown, and say why; one look waits for it; the others
// are what they are; and all of them are known again once it answers.
func TestSilentFileSystem(t *testing.T) {
	under, good := t.TempDir(), t.TempDir()
	m := fusetest.New(t, under, fusetest.Options{})
	link := filepath.Join(good, "link")
	if err := os.Symlink(m.Dir, link); err != nil {
		t.Fatal(err)
	}
	var runs []runsheet.Run
	for n := range 20 {
		name := fmt.Sprintf("silent%d", n)
		trained(t, filepath.Join(under, name))
		at := m.Dir
		if n%2 == 0 {
			at = link
		}
		run := runsheet.Run{Name: name, WorkDir: filepath.Join(at, name), Progress: runsheet.ProgressSpec{Tracker: "auto", Total: 2}}
		runs = append(runs, run, trained(t, filepath.Join(good, fmt.Sprintf("good%d", n))))
	}
	o := newObserver(t, durable.OS())
	for _, look := range []func(context.Context, []runsheet.Run) []runsheet.Facts{o.Observe, o.Glance} {
		exectest.Await(t, "nothing to be known of the mount any more", func() bool { return time.Since(mounts.of(m.Dir).last) > recheck })
		m.Halt()
		for range 2 { // the second time nobody waits
			facts := look(t.Context(), runs)
			for i, f := range facts {
				j := runsheet.Judge(runs[i], f, runsheet.DefaultPolicy, time.Now())
				switch silent := strings.HasPrefix(runs[i].Name, "silent"); {
				case silent && (j.Status != runsheet.Unknown || !strings.HasPrefix(j.Reason, "its file system has not answered for ") || f.Silent.IsZero()):
					t.Errorf("%s is %s: %s", runs[i].Name, j.Status, j.Reason)
				case !silent && j.Status != runsheet.Finished:
					t.Errorf("%s is %s: %s", runs[i].Name, j.Status, j.Reason)
				}
			}
		}
		if n := underWay(m.Dir); n != 1 {
			t.Errorf("%d looks wait for one mount", n)
		}
		before, _ := Arrivals()
		m.GoOn()
		exectest.Await(t, "it to be told that the mount answers", func() bool { n, _ := Arrivals(); return n > before })
		var said []string
		exectest.Await(t, "all to be known", func() bool {
			said = judged(runs, look(t.Context(), runs))
			for _, s := range said {
				if !strings.Contains(s, ": finished") {
					return false
				}
			}
			return true
		})
	}
}

// TestSilentInTheMiddle: what hangs while many are being looked at leaves no more behind than were under way.
func TestSilentInTheMiddle(t *testing.T) {
	under := t.TempDir()
	m := fusetest.New(t, under, fusetest.Options{})
	var runs []runsheet.Run
	for n := range 300 {
		trained(t, filepath.Join(under, fmt.Sprint(n)))
		runs = append(runs, runsheet.Run{Name: fmt.Sprint(n), WorkDir: filepath.Join(m.Dir, fmt.Sprint(n)), Progress: runsheet.ProgressSpec{Tracker: "auto", Total: 2}})
	}
	var once sync.Once
	disk := &hook{Disk: durable.OS(), lstat: func(path string) {
		if path == filepath.Join(m.Dir, "40") {
			once.Do(m.Halt)
		}
	}}
	facts := newObserver(t, disk).Observe(t.Context(), runs)
	silent := 0
	for i, f := range facts {
		switch j := runsheet.Judge(runs[i], f, runsheet.DefaultPolicy, time.Now()); {
		case !f.Silent.IsZero():
			silent++
		case j.Status != runsheet.Finished:
			t.Errorf("%s is %s: %s", runs[i].Name, j.Status, j.Reason)
		}
	}
	if silent < 200 || underWay(m.Dir) > atOnce() {
		t.Errorf("%d silent, %d left behind", silent, underWay(m.Dir))
	}
	m.GoOn()
	exectest.Await(t, "those left behind", func() bool { return underWay(m.Dir) == 0 })
}

// TestDiscoverSilent: a mount below a directory that does not answer is named, and what lies beside it is found.
func TestDiscoverSilent(t *testing.T) {
	root := t.TempDir()
	trained(t, filepath.Join(root, "a"))
	trained(t, filepath.Join(root, "z"))
	m := fusetest.NewAt(t, t.TempDir(), filepath.Join(root, "m"), fusetest.Options{})
	m.Halt()
	runs, err := Discover(durable.OS(), root)
	if err != nil {
		t.Fatal(err)
	}
	said := judged(runs, newObserver(t, durable.OS()).Observe(t.Context(), runs))
	if got := strings.Join(said, ", "); len(runs) != 3 || !strings.HasPrefix(said[0], "a: running") || !strings.HasPrefix(said[1], "m: unknown its file system has not answered for") || !strings.HasPrefix(said[2], "z: running") {
		t.Errorf("found %q", got)
	}
	if n := underWay(m.Dir); n != 1 {
		t.Errorf("%d wait for it", n)
	}
	if _, err := Discover(durable.OS(), m.Dir); err == nil || !strings.Contains(err.Error(), "has not answered") {
		t.Errorf("itself: %v", err)
	}
	m.GoOn()
	exectest.Await(t, "what was left behind", func() bool { return underWay(m.Dir) == 0 })
}

// hook is a disk on which something happens before files are looked at, or read.
type hook struct {
	durable.Disk
	lstat func(path string)
	read  func(path string)
}

func (d *hook) Lstat(label, path string) (os.FileInfo, error) {
	if d.lstat != nil {
		d.lstat(path)
	}
	return d.Disk.Lstat(label, path)
}

func (d *hook) Open(label, path string, flag int, perm os.FileMode) (durable.File, error) {
	f, err := d.Disk.Open(label, path, flag, perm)
	if err != nil || d.read == nil {
		return f, err
	}
	return hookFile{f, d}, nil
}

type hookFile struct {
	durable.File
	disk *hook
}

func (f hookFile) ReadAt(p []byte, off int64) (int, error) {
	f.disk.read(f.Name())
	return f.File.ReadAt(p, off)
}
