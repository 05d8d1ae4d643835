package progress

import (
	"context"

	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
	"runsheet/internal/tracker"
)

// workDir makes a work dir with n complete epochs, all older than the tick.
func workDir(t testing.TB, n int64) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	must(t, os.MkdirAll(record.Dir(dir), 0o700))
	for i := range n {
		addEpoch(t, dir, i)
	}
	time.Sleep(2 * fineTick)
	return dir
}

func addEpoch(t testing.TB, dir string, n int64) {
	t.Helper()
	d := filepath.Join(dir, fmt.Sprintf("epoch_%d", n))
	must(t, os.MkdirAll(d, 0o777))
	for _, f := range []string{"training_losses.pt", "optimizer_buffer.json", "validation_scores.json"} {
		must(t, os.WriteFile(filepath.Join(d, f), scores(n+1), 0o666))
	}
}

// counting makes a cache that counts.
func counting(t testing.TB, disk durable.Disk, opts Options) (*Cache, *atomic.Int64) {
	var n atomic.Int64
	opts.OnCompute = func(string) { n.Add(1) }
	if opts.CacheDir == "" {
		opts.CacheDir = filepath.Join(t.TempDir(), "cache")
	}
	return New(disk, opts), &n
}

func get(c *Cache, dir string) runsheet.Progress {
	return c.Get(context.Background(), dir, stormSpec, false)
}

func TestComputedOnce(t *testing.T) {
	dir := workDir(t, 3)
	c, n := counting(t, durable.OS(), Options{})
	for range 10 {
		if p := get(c, dir); p.Completed != 3 || !p.Settled || p.Metrics["epoch"] != 3 || p.AsOf.IsZero() {
			t.Fatalf("%+v", p)
		}
	}
	again, m := counting(t, durable.OS(), Options{})
	if p := get(again, dir); p.Completed != 3 || n.Load() != 1 || m.Load() != 0 {
		t.Errorf("%d computations, %d by another process; %+v", n.Load(), m.Load(), p)
	}
	// Another spec is another question.
	if p := again.Get(context.Background(), dir, runsheet.ProgressSpec{Tracker: "epochs", Total: 3}, false); !p.Complete() || m.Load() != 1 {
		t.Errorf("%d computations; %+v", m.Load(), p)
	}
	info, err := os.Stat(record.ProgressPath(dir))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

// In a stranger's directory nothing is written.
func TestStrangersDirectory(t *testing.T) {
	dir := workDir(t, 2)
	must(t, os.Remove(record.Dir(dir)))
	cacheDir := filepath.Join(t.TempDir(), "a", "b")
	c, n := counting(t, durable.OS(), Options{CacheDir: cacheDir})
	get(c, dir)
	if p := get(c, dir); p.Completed != 2 || n.Load() != 1 {
		t.Errorf("%d computations; %+v", n.Load(), p)
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 2 {
		t.Errorf("it holds now %v", entries)
	}
	info, err := os.Stat(cacheDir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	// A link is not a directory of ours, wherever it leads to.
	must(t, os.Symlink(t.TempDir(), record.Dir(dir)))
	if p := get(c, dir); p.Completed != 2 || n.Load() != 1 {
		t.Errorf("%d computations; %+v", n.Load(), p)
	}
}

// crooked is a disk with faults: a clock of stamps that ticks rarely, and operations that fail.
type crooked struct {
	durable.Disk
	tick time.Duration
	fail func(op, path string) error
}

type coarse struct {
	fs.FileInfo
	tick time.Duration
}

func (c coarse) ModTime() time.Time { return c.FileInfo.ModTime().Truncate(c.tick) }

func (c coarse) Sys() any {
	st := *c.FileInfo.Sys().(*syscall.Stat_t)
	st.Ctim = syscall.NsecToTimespec(time.Unix(0, st.Ctim.Nano()).Truncate(c.tick).UnixNano())
	return &st
}

func (d crooked) failed(op, path string) error {
	if d.fail == nil {
		return nil
	}
	if err := d.fail(op, path); err != nil {
		return &fs.PathError{Op: op, Path: path, Err: err}
	}
	return nil
}

func (d crooked) Lstat(label, path string) (fs.FileInfo, error) {
	if err := d.failed("lstat", path); err != nil {
		return nil, err
	}
	info, err := d.Disk.Lstat(label, path)
	if err == nil && d.tick > 0 {
		info = coarse{info, d.tick}
	}
	return info, err
}

func (d crooked) Open(label, path string, flag int, perm fs.FileMode) (durable.File, error) {
	op := "open"
	if flag&(os.O_CREATE|os.O_RDWR|os.O_WRONLY) != 0 {
		op = "create"
	}
	if err := d.failed(op, path); err != nil {
		return nil, err
	}
	f, err := d.Disk.Open(label, path, flag, perm)
	if err == nil && d.tick > 0 {
		return coarseFile{f, d.tick}, nil
	}
	return f, err
}

// coarseFile is a file whose stamps are those of its disk.
type coarseFile struct {
	durable.File
	tick time.Duration
}

func (f coarseFile) Stat() (fs.FileInfo, error) {
	info, err := f.File.Stat()
	if err != nil {
		return nil, err
	}
	return coarse{info, f.tick}, nil
}

func (d crooked) Rename(label, from, to string) error {
	if err := d.failed("rename", to); err != nil {
		return err
	}
	return d.Disk.Rename(label, from, to)
}

func (d crooked) Link(label, from, to string) error {
	if err := d.failed("link", to); err != nil {
		return err
	}
	return d.Disk.Link(label, from, to)
}

// Two writes of the same size within one tick of the file system get the same stamp: the second is seen all the same.
func TestSameStamp(t *testing.T) {
	for _, tick := range []time.Duration{10 * time.Millisecond, time.Second, time.Hour} {
		dir := workDir(t, 1)
		file := filepath.Join(dir, "epoch_0", "validation_scores.json")
		disk := crooked{Disk: durable.OS(), tick: tick}
		rewrite := func(v int) { // in place: the inode stays
			f, err := os.OpenFile(file, os.O_WRONLY, 0)
			must(t, err)
			_, err = f.WriteAt(scores(int64(v)), 0)
			must(t, err)
			must(t, f.Close())
		}
		c, _ := counting(t, disk, Options{Tick: func(string, []tracker.Witness) time.Duration { return 2 * tick }})
		stale, _ := counting(t, disk, Options{Tick: func(string, []tracker.Witness) time.Duration { return 0 }})
		wasStale := false
		for v := range 8 {
			rewrite(v + 1)
			if p := get(c, dir); p.Metrics["epoch"] != float64(v+1) || p.Error != "" {
				t.Fatalf("tick %v: %+v after the scores were set to %d", tick, p, v+1)
			}
		}
		for v := range 8 {
			rewrite(v + 1)
			wasStale = wasStale || get(stale, dir).Metrics["epoch"] != float64(v+1)
		}
		if tick == time.Hour && !wasStale {
			t.Error("a cache that trusts every stamp was never wrong: this test shows nothing")
		}
	}
}

// Evidence that changes while it is read is read again, until the witnesses before and after agree; not for ever.
func TestChangedWhileRead(t *testing.T) {
	for _, changes := range []int64{1, 1000} {
		dir := workDir(t, 1)
		done := int64(0)
		c, n := counting(t, crooked{Disk: durable.OS(), fail: func(op, path string) error {
			if op == "open" && filepath.Base(path) == "validation_scores.json" && done < changes {
				done++
				addEpoch(t, dir, done)
			}
			return nil
		}}, Options{})
		p := get(c, dir)
		if changes == 1 && (p.Completed != 2 || n.Load() != 2) || p.Error != "" || n.Load() > lookAgain || p.Settled {
			t.Errorf("%d changes: %d computations, %+v", changes, n.Load(), p)
		}
	}
}

// A stamp of the future is young.
func TestFutureStamp(t *testing.T) {
	dir := workDir(t, 1)
	at := time.Now().Add(time.Hour)
	must(t, os.Chtimes(filepath.Join(dir, "epoch_0", "training_losses.pt"), at, at))
	c, n := counting(t, durable.OS(), Options{})
	if p := get(c, dir); p.Settled || p.LastActivity.After(time.Now()) {
		t.Errorf("%+v", p)
	}
	get(c, dir)
	if n.Load() != 2 {
		t.Errorf("%d computations", n.Load())
	}
}

// What somebody waits for together is computed once.
func TestWaitersShare(t *testing.T) {
	dir := workDir(t, 1)
	release := make(chan struct{})
	var n atomic.Int64
	c := New(durable.OS(), Options{
		Tick:      func(string, []tracker.Witness) time.Duration { return time.Hour }, // nothing ever settles
		OnCompute: func(string) { n.Add(1); <-release },
	})
	var wg sync.WaitGroup
	users := func() int {
		c.flights.mu.Lock()
		defer c.flights.mu.Unlock()
		if f := c.flights.m[record.ProgressPath(dir)]; f != nil {
			return f.users
		}
		return 0
	}
	call := func() {
		if p := get(c, dir); p.Completed != 1 || p.Settled {
			t.Errorf("%+v", p)
		}
	}
	wg.Go(call)
	waitFor(t, "the first to compute", func() bool { return n.Load() == 1 })
	for range 15 {
		wg.Go(call)
	}
	waitFor(t, "all to wait", func() bool { return users() == 16 })
	close(release)
	wg.Wait()
	// The first may not serve those who came after it began; the second serves them all.
	if n.Load() != 2 {
		t.Errorf("%d computations for 16 callers", n.Load())
	}
	if users() != 0 {
		t.Error("the registry keeps an entry that nobody uses")
	}
	// Who gives up does not wait.
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if p := c.Get(ctx, dir, stormSpec, false); !strings.Contains(p.Error, "canceled") {
		t.Errorf("%+v", p)
	}
}

func TestRegistryDoesNotGrow(t *testing.T) {
	c, _ := counting(t, durable.OS(), Options{})
	c.limit = 10
	base := t.TempDir()
	for i := range 50 {
		dir := filepath.Join(base, fmt.Sprint(i))
		must(t, os.MkdirAll(record.Dir(dir), 0o700))
		get(c, dir)
	}
	if len(c.flights.m) != 0 || len(c.memos) > 10 {
		t.Errorf("%d flights, %d memos", len(c.flights.m), len(c.memos))
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil || len(fds) > 30 {
		t.Errorf("%d open files, %v", len(fds), err)
	}
}

// Whatever cannot be written, the answer comes, and is computed once.
func TestNothingCanBeWritten(t *testing.T) {
	for _, no := range []error{syscall.EROFS, syscall.ENOSPC, syscall.EACCES} {
		dir := workDir(t, 2)
		c, n := counting(t, crooked{Disk: durable.OS(), fail: func(op, _ string) error {
			if op == "create" {
				return no
			}
			return nil
		}}, Options{})
		for range 5 {
			if p := get(c, dir); p.Completed != 2 || p.Error != "" {
				t.Errorf("%v: %+v", no, p)
			}
		}
		addEpoch(t, dir, 2)
		if p := get(c, dir); p.Completed != 3 || n.Load() != 2 {
			t.Errorf("%v: %d computations; %+v", no, n.Load(), p)
		}
	}
}

// TestEveryOperationFails lets one operation after the other fail: the answer is right or an error, and right again
// once the disk is well.
func TestEveryOperationFails(t *testing.T) {
	for k := 1; ; k += 1 + k/60 {
		dir := filepath.Join(t.TempDir(), "run")
		must(t, os.MkdirAll(record.Dir(dir), 0o700))
		addEpoch(t, dir, 0)
		n, failed := 0, ""
		c, _ := counting(t, crooked{Disk: durable.OS(), fail: func(op, path string) error {
			if n++; n == k {
				failed = op + " " + path
				return syscall.EIO
			}
			return nil
		}}, Options{})
		get(c, dir)
		addEpoch(t, dir, 1)
		if p := get(c, dir); p.Error == "" && p.Completed != 2 {
			t.Errorf("after %s failed: %+v", failed, p)
		}
		if p := get(c, dir); p.Completed != 2 && n > k+100 {
			t.Errorf("long after %s failed: %+v", failed, p)
		}
		well, _ := counting(t, durable.OS(), Options{})
		if p := get(well, dir); p.Completed != 2 || p.Error != "" {
			t.Errorf("to others after %s failed: %+v", failed, p)
		}
		if failed == "" {
			if k < 30 {
				t.Errorf("only %d operations", k)
			}
			return
		}
	}
}

// A damaged cache is computed anew, and replaced.
func TestDamagedCache(t *testing.T) {
	for name, text := range map[string]string{"torn": `{"schema": "runsheet.cache/1", "set`, "empty": "", "foreign": `{"schema": "x"}`, "zeroes": "\x00\x00"} {
		dir := workDir(t, 2)
		must(t, os.WriteFile(record.ProgressPath(dir), []byte(text), 0o600))
		damaged := 0
		c, n := counting(t, durable.OS(), Options{OnDamage: func(string, error) { damaged++ }})
		for range 3 {
			if p := get(c, dir); p.Completed != 2 || p.Error != "" {
				t.Errorf("%s: %+v", name, p)
			}
		}
		if n.Load() != 1 || damaged == 0 {
			t.Errorf("%s: %d computations, noticed %d times", name, n.Load(), damaged)
		}
		other, n := counting(t, durable.OS(), Options{})
		if get(other, dir); n.Load() != 0 {
			t.Errorf("%s: it was not replaced", name)
		}
	}
	// What is no file at all is no reason to fail either.
	dir := workDir(t, 2)
	must(t, os.Mkdir(record.ProgressPath(dir), 0o700))
	must(t, syscall.Mkfifo(record.ProgressLockPath(dir), 0o600))
	c, _ := counting(t, durable.OS(), Options{})
	if p := get(c, dir); p.Completed != 2 || p.Error != "" {
		t.Errorf("%+v", p)
	}
}

// Evidence that is no regular file does not hang anybody.
func TestOddEvidence(t *testing.T) {
	for name, mk := range map[string]func(string) error{
		"fifo": func(p string) error { return syscall.Mkfifo(p, 0o666) },
		"dir":  func(p string) error { return os.Mkdir(p, 0o777) },
		"loop": func(p string) error { return os.Symlink(filepath.Base(p), p) },
		"dev":  func(p string) error { return os.Symlink("/dev/zero", p) },
	} {
		dir := workDir(t, 1)
		must(t, mk(filepath.Join(dir, documentName)))
		c, _ := counting(t, durable.OS(), Options{})
		began := time.Now()
		if p := get(c, dir); !strings.Contains(p.Error, documentName) || time.Since(began) > time.Minute {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

// A log that grows is a sign of life, though nothing is computed anew.
func TestLogsAreSignsOfLife(t *testing.T) {
	dir := workDir(t, 1)
	c, n := counting(t, durable.OS(), Options{})
	spec := runsheet.ProgressSpec{Total: 5, Log: "out/*.log"}
	log := filepath.Join(dir, "out", "a.log")
	must(t, os.Mkdir(filepath.Dir(log), 0o777))
	must(t, os.WriteFile(log, nil, 0o666))
	c.Get(context.Background(), dir, spec, false)
	for _, ago := range []time.Duration{2 * time.Second, time.Second, 0} {
		at := time.Now().Add(-ago)
		must(t, os.Chtimes(log, at, at))
		if p := c.Get(context.Background(), dir, spec, false); !p.LastActivity.Equal(at) && ago < time.Second {
			t.Errorf("last activity %v, want %v", p.LastActivity, at)
		}
	}
	if n.Load() != 1 {
		t.Errorf("%d computations", n.Load())
	}
}

func TestNoWorkDir(t *testing.T) {
	c, _ := counting(t, durable.OS(), Options{})
	p := get(c, filepath.Join(t.TempDir(), "none"))
	if p.Error != "" || p.Source != "" || p.Total != 1000 || !p.Settled {
		t.Errorf("%+v", p)
	}
}

// Every field of a spec, those to come included, makes another question of it.
func TestEverySpecFieldCounts(t *testing.T) {
	full := func() runsheet.ProgressSpec {
		return runsheet.ProgressSpec{Tracker: "a", Total: 1, Epochs: true, Unit: "b", Files: []string{"c"}, Log: "d",
			File: "f", Patterns: []string{"g"}, Step: "h", FromZero: true, TotalFrom: "i", Metrics: []string{"j"}, Command: "k", Exited: true, Cuts: []runsheet.Cut{{Path: "l", Offset: 1, Before: "m"}},
			EarlyStopping: &runsheet.EarlyStopping{Patience: 2, Metrics: []runsheet.MetricSpec{{Name: "e", Mode: runsheet.Max}}}}
	}
	a, b := full(), full()
	if !equal(&a, &b) || digest(a) != digest(b) {
		t.Error("the same is not equal")
	}
	for i := range reflect.TypeFor[runsheet.ProgressSpec]().NumField() {
		b := full()
		reflect.ValueOf(&b).Elem().Field(i).SetZero()
		if equal(&a, &b) || digest(a) == digest(b) {
			t.Errorf("field %d does not count, or the test does not know it", i)
		}
	}
	for i := range reflect.TypeFor[runsheet.EarlyStopping]().NumField() {
		b := full()
		reflect.ValueOf(b.EarlyStopping).Elem().Field(i).SetZero()
		if equal(&a, &b) {
			t.Errorf("field %d of early stopping does not count", i)
		}
	}
}
