package durable

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fault is a disk on which the one operation that fails is chosen by its count.
type fault struct {
	Disk
	mu    sync.Mutex
	ops   []string
	at    int
	err   error
	after bool // the operation is done all the same
}

func (f *fault) step(op string, do func() error) error {
	f.mu.Lock()
	f.ops = append(f.ops, op)
	hit := len(f.ops) == f.at
	f.mu.Unlock()
	if hit && !f.after {
		return f.err
	}
	err := do()
	if hit {
		return f.err
	}
	return err
}

type faultFile struct {
	File
	f *fault
}

func (f *fault) Open(label, path string, flag int, perm fs.FileMode) (file File, err error) {
	err = f.step("open", func() error { file, err = f.Disk.Open(label, path, flag, perm); return err })
	if err != nil {
		return nil, err
	}
	return &faultFile{file, f}, nil
}
func (f *fault) Link(label, o, n string) error {
	return f.step("link", func() error { return f.Disk.Link(label, o, n) })
}
func (f *fault) Rename(label, o, n string) error {
	return f.step("rename", func() error { return f.Disk.Rename(label, o, n) })
}
func (f *faultFile) Sync() error { return f.f.step("sync", f.File.Sync) }
func (f *faultFile) WriteAt(p []byte, off int64) (n int, err error) {
	err = f.f.step("write", func() error { n, err = f.File.WriteAt(p, off); return err })
	return n, err
}

func TestWriteOnceHasOneWinner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "claim.json")
	var wg sync.WaitGroup
	results := make([]error, 16)
	for i := range results {
		wg.Go(func() { results[i] = WriteOnce(OS(), "claim", path, []byte(fmt.Sprint("writer ", i))) })
	}
	wg.Wait()
	won := -1
	for i, err := range results {
		switch {
		case err == nil && won >= 0:
			t.Fatalf("writers %d and %d both won", won, i)
		case err == nil:
			won = i
		case !errors.Is(err, ErrExists) || !errors.Is(err, fs.ErrExist):
			t.Errorf("writer %d: %v, want ErrExists", i, err)
		}
	}
	data, info, err := Read(OS(), "", path, 100)
	if err != nil || string(data) != fmt.Sprint("writer ", won) || info.Mode().Perm() != Private {
		t.Fatalf("read %q, mode %v, error %v; writer %d won", data, info.Mode(), err, won)
	}
	noTemps(t, filepath.Dir(path))
}

// TestEveryFailedStep fails each operation in turn: the document is then there whole or not at all, a success is
// never claimed for a failed step, and another try succeeds.
func TestEveryFailedStep(t *testing.T) {
	for _, c := range []struct {
		name  string
		write func(d Disk, path string) error
	}{
		{"write once", func(d Disk, path string) error { return WriteOnce(d, "x", path, []byte("new")) }},
		{"replace", func(d Disk, path string) error { return Replace(d, "x", path, []byte("new"), Private) }},
	} {
		count := &fault{Disk: OS()}
		if err := c.write(count, filepath.Join(t.TempDir(), "doc")); err != nil {
			t.Fatal(err)
		}
		if len(count.ops) < 6 {
			t.Fatalf("%s: only %v", c.name, count.ops)
		}
		for k := range count.ops {
			for _, after := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s at %d after=%v", c.name, count.ops[k], k+1, after), func(t *testing.T) {
					path := filepath.Join(t.TempDir(), "doc")
					d := &fault{Disk: OS(), at: k + 1, err: unix.EIO, after: after}
					if err := c.write(d, path); !errors.Is(err, unix.EIO) {
						t.Fatalf("error %v, want EIO", err)
					}
					data, err := os.ReadFile(path)
					if !errors.Is(err, fs.ErrNotExist) && string(data) != "new" {
						t.Fatalf("torn: %q, %v", data, err)
					}
					if err := c.write(OS(), path); err != nil && !errors.Is(err, ErrExists) {
						t.Fatalf("another try: %v", err)
					}
					if data, _ := os.ReadFile(path); string(data) != "new" {
						t.Fatalf("after another try: %q", data)
					}
				})
			}
		}
	}
}

// TestSpareIsNotTouchedOnceNamed: a link whose reply was lost has been done; the second try must not write into what
// readers see already.
func TestSpareIsNotTouchedOnceNamed(t *testing.T) {
	dir := t.TempDir()
	d := &fault{Disk: OS(), err: unix.EIO, after: true}
	s, err := Prepare(d, "end", dir, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Discard()
	d.at = len(d.ops) + 3 // write, sync, link
	path := filepath.Join(dir, "end.json")
	if err := s.WriteOnce(path, []byte(`{"first":1}`)); !errors.Is(err, unix.EIO) {
		t.Fatalf("error %v, want EIO", err)
	}
	if err := s.WriteOnce(path, []byte(`{"second":2}`)); !errors.Is(err, ErrExists) {
		t.Fatalf("error %v, want ErrExists", err)
	}
	data, _ := os.ReadFile(path)
	if strings.TrimSpace(string(data)) != `{"first":1}` || len(data) != 100 {
		t.Fatalf("read %d bytes %q", len(data), data)
	}
}

// TestSpareAfterFailedSync: pages whose fsync failed may be marked clean without being on disk, so a new file takes
// their place.
func TestSpareAfterFailedSync(t *testing.T) {
	dir := t.TempDir()
	d := &fault{Disk: OS(), err: unix.EIO}
	s, err := Prepare(d, "end", dir, 10)
	if err != nil {
		t.Fatal(err)
	}
	before := s.file.Name()
	d.at = len(d.ops) + 2
	path := filepath.Join(dir, "end.json")
	if err := s.WriteOnce(path, []byte("end")); !errors.Is(err, unix.EIO) {
		t.Fatalf("error %v, want EIO", err)
	}
	if err := s.WriteOnce(path, []byte("end")); err != nil {
		t.Fatal(err)
	}
	if s.file != nil && s.file.Name() == before {
		t.Error("the same file was synced again")
	}
	noTemps(t, dir)
}

func TestReplaceIsReadWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doc")
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	write := func(i int) error {
		return Replace(OS(), "x", path, []byte(strings.Repeat(fmt.Sprint(i%10), 1+i*37%5000)), Private)
	}
	if err := write(1); err != nil {
		t.Fatal(err)
	}
	wg.Go(func() {
		defer cancel()
		for i := range 200 {
			if err := write(i); err != nil {
				t.Error(err)
			}
		}
	})
	for reads := 0; ctx.Err() == nil; reads++ {
		data, _, err := Read(OS(), "", path, 1<<20)
		if err != nil || len(data) == 0 || strings.Trim(string(data), string(data[:1])) != "" {
			t.Fatalf("read %d: %d bytes, %v", reads, len(data), err)
		}
	}
	wg.Wait()
}

func TestReadRefuses(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	big := filepath.Join(dir, "big")
	os.WriteFile(big, make([]byte, 11), 0o600)
	for path, want := range map[string]error{
		fifo: ErrNotRegular, dir: ErrNotRegular, "/dev/zero": ErrNotRegular, big: ErrTooLarge,
		filepath.Join(dir, "none"): fs.ErrNotExist,
	} {
		if _, _, err := Read(OS(), "", path, 10); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
	if _, err := OpenLock(OS(), "", fifo); !errors.Is(err, ErrNotRegular) {
		t.Errorf("lock on a FIFO: %v", err)
	}
}

func TestMkdirAll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a", "b", "c")
	// The directory that was there may have been made by somebody who died before it was durable: its entry counts, too.
	for _, want := range []int{4, 1} {
		d := &fault{Disk: OS()}
		if err := MkdirAll(d, "x", path, 0o700); err != nil {
			t.Fatal(err)
		}
		syncs := 0
		for _, op := range d.ops {
			if op == "sync" {
				syncs++
			}
		}
		if syncs != want {
			t.Errorf("%d directories synced, want %d", syncs, want)
		}
	}
	os.WriteFile(filepath.Join(dir, "file"), nil, 0o600)
	if err := MkdirAll(OS(), "x", filepath.Join(dir, "file", "d"), 0o700); err == nil {
		t.Error("a directory below a file was made")
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alive")
	open := func() *Lock {
		l, err := OpenLock(OS(), "", path)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	a, b := open(), open()
	got := func(l *Lock, n int64) bool {
		ok, err := l.Try(n)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	held := func(l *Lock, n int64) bool {
		ok, err := l.Held(n)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if !got(a, 0) || got(b, 0) || !got(b, 1) || got(a, 1) {
		t.Fatal("bytes do not exclude each other as they should")
	}
	probe, err := OpenLockToProbe(OS(), "", path)
	if err != nil {
		t.Fatal(err)
	}
	if !held(probe, 0) || !held(probe, 1) || held(a, 0) || held(probe, 2) {
		t.Error("Held does not see what others hold")
	}
	// Closing another descriptor of the file leaves the lock alone.
	probe.Close()
	open().Close()
	if !held(b, 0) {
		t.Error("the lock went with a foreign descriptor")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := b.Take(ctx, 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Take of a held byte: %v", err)
	}
	a.Close()
	if err := b.Take(t.Context(), 0); err != nil {
		t.Errorf("Take of a free byte: %v", err)
	}
	if same, err := b.Same(); !same || err != nil {
		t.Errorf("Same %v, %v", same, err)
	}
	os.Rename(path, path+".gone")
	if same, err := b.Same(); same || err != nil {
		t.Errorf("Same of a renamed file %v, %v", same, err)
	}
	os.WriteFile(path, nil, 0o600)
	if same, _ := b.Same(); same {
		t.Error("Same of a replaced file")
	}
	b.Close()
}

func TestFileSystemOf(t *testing.T) {
	if fs, err := FileSystemOf("/proc"); err != nil || fs.Local {
		t.Errorf("/proc: %+v, %v", fs, err)
	}
	if _, err := os.Stat("/dev/shm"); err == nil {
		if fs, err := FileSystemOf("/dev/shm"); err != nil || !fs.Local || fs.Name != "tmpfs" {
			t.Errorf("/dev/shm: %+v, %v", fs, err)
		}
	}
}

func noTemps(t *testing.T, dir string) {
	t.Helper()
	left, _ := filepath.Glob(filepath.Join(dir, TempPrefix+"*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestOwnFilesAreNoLinks(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(file, []byte("x"), 0o600), os.Symlink(file, link)); err != nil {
		t.Fatal(err)
	}
	if data, _, err := ReadOwn(OS(), "test", file, 10); err != nil || string(data) != "x" {
		t.Errorf("%q, %v", data, err)
	}
	if _, _, err := ReadOwn(OS(), "test", link, 10); !errors.Is(err, ErrNotRegular) {
		t.Error(err)
	}
	if _, _, err := Read(OS(), "test", link, 10); err != nil {
		t.Error(err)
	}
	if at, ok := Born(file); ok && time.Since(at) > time.Minute {
		t.Error(at)
	}
}
