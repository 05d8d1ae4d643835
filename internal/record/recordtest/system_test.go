package recordtest_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"runsheet/internal/durable"
	"runsheet/internal/record"
	"runsheet/internal/record/recordtest"
)

// TestLikeTheReal holds the world in memory to what the real system does: what the explorer shows of one is to be true
// of the other.
func TestLikeTheReal(t *testing.T) {
	t.Run("real", func(t *testing.T) {
		dir := t.TempDir()
		likeTheReal(t, dir, record.NewSystem(durable.OS()), func() { os.RemoveAll(filepath.Join(dir, "d")) })
	})
	t.Run("memory", func(t *testing.T) {
		w := recordtest.New()
		if err := w.MkdirAll("/x"); err != nil {
			t.Fatal(err)
		}
		likeTheReal(t, "/x", w.Start("h", "b", "p").System(), func() { w.RemoveAll("/x/d") })
	})
}

func likeTheReal(t *testing.T, root string, sys record.System, remove func()) {
	dir := filepath.Join(root, "d")
	file, lockFile := filepath.Join(dir, "doc"), filepath.Join(dir, "alive")
	want := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	yes := func(what string, got bool, err error) {
		t.Helper()
		if !got || err != nil {
			t.Errorf("%s: %v, %v, want true", what, got, err)
		}
	}
	no := func(what string, got bool, err error) {
		t.Helper()
		if got || err != nil {
			t.Errorf("%s: %v, %v, want false", what, got, err)
		}
	}

	want("private, missing", sys.FS.Private("", dir, false), fs.ErrNotExist)
	_, err := sys.FS.List("", dir)
	want("list, missing", err, fs.ErrNotExist)
	want("write-once, no directory", sys.FS.WriteOnce("", file, []byte("a")), fs.ErrNotExist)
	_, err = sys.FS.Prepare("", dir, 10)
	want("prepare, no directory", err, fs.ErrNotExist)
	_, err = sys.Locks.Open("", lockFile)
	want("open lock, no directory", err, fs.ErrNotExist)

	want("private, made", sys.FS.Private("", dir, true), nil)
	want("private, there", sys.FS.Private("", dir, false), nil)
	_, err = sys.FS.Read("", file)
	want("read, missing", err, fs.ErrNotExist)
	_, err = sys.Locks.Probe("", lockFile)
	want("probe, missing", err, fs.ErrNotExist)
	want("write-once", sys.FS.WriteOnce("", file, []byte("a")), nil)
	want("write-once, again", sys.FS.WriteOnce("", file, []byte("b")), durable.ErrExists)
	data, err := sys.FS.Read("", file)
	if err != nil || string(data) != "a" {
		t.Errorf("read %q, %v", data, err)
	}
	_, err = sys.FS.Read("", dir)
	want("read, a directory", err, durable.ErrNotRegular)
	if err := sys.FS.Private("", file, true); err == nil {
		t.Error("a file passes for a directory of ours")
	}

	a, err := sys.Locks.Open("", lockFile)
	want("open lock", err, nil)
	b, err := sys.Locks.Probe("", lockFile)
	want("probe lock", err, nil)
	c, err := sys.Locks.Open("", lockFile)
	want("open lock again", err, nil)
	got, err := a.Try(0)
	yes("try", got, err)
	got, err = a.Try(0)
	yes("try, our own", got, err)
	got, err = c.Try(0)
	no("try, another's", got, err)
	got, err = c.Try(1)
	yes("try, another byte", got, err)
	got, err = b.Held(0)
	yes("held", got, err)
	got, err = a.Held(0)
	no("held, our own", got, err)
	want("close", a.Close(), nil)
	got, err = b.Held(0)
	no("held, closed", got, err)
	got, err = b.Held(1)
	yes("held, another byte", got, err)

	names, err := sys.FS.List("", dir)
	slices.Sort(names)
	if err != nil || !slices.Equal(names, []string{"alive", "doc"}) {
		t.Errorf("list %v, %v", names, err)
	}
	spare, err := sys.FS.Prepare("", dir, 10)
	want("prepare", err, nil)
	want("spare, taken", spare.WriteOnce(file, []byte("c")), durable.ErrExists)
	lost, err := sys.FS.Prepare("", dir, 10)
	want("prepare", err, nil)

	got, err = c.Same()
	yes("same", got, err)
	remove()
	got, err = c.Same()
	no("same, removed", got, err)
	want("made anew", sys.FS.Private("", dir, true), nil)
	d, err := sys.Locks.Open("", lockFile)
	want("open lock anew", err, nil)
	got, err = d.Try(1)
	yes("try on another file of the same name", got, err)
	got, err = c.Same()
	no("same, replaced", got, err)
	want("spare of a directory that is gone", lost.WriteOnce(file, []byte("d")), fs.ErrNotExist)
}

// TestDeath: a process loses its locks at once, wherever it is, and its children live on.
func TestDeath(t *testing.T) {
	w := recordtest.New()
	parent, heir := w.Start("h", "b", "parent"), w.Start("h", "b", "heir").System()
	child := parent.Spawn("child", "token")
	child.Enter()
	died := recordtest.Run(func() {
		l, err := parent.System().Locks.Open("", "/alive")
		if err != nil {
			t.Error(err)
		}
		defer l.Close()
		if got, err := l.Try(0); !got || err != nil {
			t.Error(got, err)
		}
		parent.Kill()
		parent.System().FS.List("", "/")
		t.Error("a dead process goes on")
	})
	if !died {
		t.Error("it did not die")
	}
	l, err := heir.Locks.Open("", "/alive")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := l.Try(0); !got || err != nil {
		t.Errorf("the lock of a dead process: %v, %v", got, err)
	}
	found, err := heir.Procs.Find("token", 0, parent.Process)
	if err != nil || len(found) != 1 || found[0] != child.Process {
		t.Errorf("found %v, %v", found, err)
	}
}
