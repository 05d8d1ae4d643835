package launcher

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"go.uber.org/goleak"

	"runsheet/internal/executor/exectest"
)

// TestWatcher holds what wakes the launcher, and what does not.
func TestWatcher(t *testing.T) {
	before := goleak.IgnoreCurrent()
	w := newWatcher(func(_ string, f func()) bool { f(); return true })
	if w.file == nil {
		w.close()
		t.Skip("there is no inotify instance left for this user")
	}
	defer func() {
		w.close()
		goleak.VerifyNone(t, before)
	}()
	work, attempt := t.TempDir(), t.TempDir()
	mkdir := func(name string) string {
		dir := filepath.Join(work, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	put := func(dir, name string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte("1"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	heard := func(what string) {
		t.Helper()
		exectest.Await(t, what+" to be heard", func() bool { return w.heard()[work] })
	}
	first := mkdir("epoch_0")
	other := t.TempDir() // what is heard of it comes after all that was heard before
	want := map[string][]string{work: {work, attempt}, other: {other}}
	marks := 0
	drain := func() (worked bool) {
		t.Helper()
		marks++
		if err := os.Symlink("nowhere", filepath.Join(other, strconv.Itoa(marks))); err != nil { // one event
			t.Fatal(err)
		}
		exectest.Await(t, "the mark", func() bool {
			dirs := w.heard()
			worked = worked || dirs[work]
			return dirs[other]
		})
		return worked
	}
	if !w.follow(want) || w.follow(want) || !w.follows(work) {
		t.Error("new watches must be told once, and followed")
	}
	put(first, "done") // the newest directory is watched from the start
	heard("a file in the newest directory")
	second := mkdir("epoch_1")
	heard("a new directory")
	put(second, "done") // the watch has moved along
	heard("a file in the next directory")
	if err := os.Rename(second, filepath.Join(work, "epoch_1.tmp")); err != nil {
		t.Fatal(err)
	}
	heard("a directory that was renamed")
	put(attempt, "end.json")
	heard("a record")

	// What a log grows by wakes nobody.
	log, err := os.Create(filepath.Join(attempt, "run.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if !drain() {
		t.Error("a new log was not heard")
	}
	for range 1000 {
		if _, err := log.WriteString("line\n"); err != nil {
			t.Fatal(err)
		}
	}
	if drain() {
		t.Error("a growing log was heard")
	}
	if w.follow(nil); w.follows(work) || len(w.byDir) != 0 || len(w.byWD) != 0 {
		t.Errorf("it watches on: %v", w.byDir)
	}
	if err := os.RemoveAll(work); err != nil {
		t.Fatal(err)
	}
	if w.follow(want) && w.follows(work) {
		t.Error("it says that it follows what is gone")
	}
}
