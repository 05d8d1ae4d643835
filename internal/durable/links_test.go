package durable_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"runsheet/internal/durable"
	"runsheet/internal/durable/fusetest"
)

func TestMain(m *testing.M) {
	fusetest.Main()
	os.Exit(m.Run())
}

// linking is a disk that links in its own way, and may show files with other numbers.
type linking struct {
	durable.Disk
	link   func(o, n string) error
	number func(path string, st *syscall.Stat_t)
}

func (d linking) Link(label, o, n string) error {
	if d.link == nil {
		return d.Disk.Link(label, o, n)
	}
	return d.link(o, n)
}

func (d linking) Lstat(label, path string) (fs.FileInfo, error) {
	info, err := d.Disk.Lstat(label, path)
	if err != nil || d.number == nil {
		return info, err
	}
	st := *info.Sys().(*syscall.Stat_t)
	d.number(path, &st)
	return numbered{info, &st}, nil
}

type numbered struct {
	fs.FileInfo
	st *syscall.Stat_t
}

func (i numbered) Sys() any { return i.st }

func copies(o, n string) error {
	data, err := os.ReadFile(o)
	if err == nil {
		err = os.WriteFile(n, data, 0o600)
	}
	return err
}

// TestWriteOnceLooks: a link that is none is told of, whatever link(2) says; one that only looks odd is one.
func TestWriteOnceLooks(t *testing.T) {
	odd := func(_ string, st *syscall.Stat_t) { st.Ino, st.Nlink = st.Ino+1, 1 }
	type world struct {
		name string
		disk durable.Disk
		dir  string
		want string // in the error; empty: none
	}
	worlds := []world{
		{"proper", durable.OS(), t.TempDir(), ""},
		{"copies", linking{Disk: durable.OS(), link: copies}, t.TempDir(), "copy"},
		{"renames", linking{Disk: durable.OS(), link: os.Rename}, t.TempDir(), "renames"},
		{"symbolic links", linking{Disk: durable.OS(), link: os.Symlink}, t.TempDir(), "symbolic link"},
		{"a number for each name", linking{Disk: durable.OS(), number: odd}, t.TempDir(), ""},
		{"a count that is remembered", linking{Disk: durable.OS(), number: func(_ string, st *syscall.Stat_t) { st.Nlink = 1 }}, t.TempDir(), ""},
	}
	for how, want := range map[fusetest.Links]string{fusetest.Proper: "", fusetest.Copies: "copy", fusetest.Renames: "renames", fusetest.Symlinks: "symbolic link"} {
		worlds = append(worlds, world{"FUSE: " + string(how), durable.OS(), fusetest.New(t, t.TempDir(), fusetest.Options{Links: how, Salt: 3 << 40}).Dir, want})
	}
	for _, w := range worlds {
		err := durable.WriteOnce(w.disk, "test", filepath.Join(w.dir, "doc"), []byte("one"))
		switch {
		case w.want == "" && err != nil:
			t.Errorf("%s: %v", w.name, err)
		case w.want == "":
			if data, err := os.ReadFile(filepath.Join(w.dir, "doc")); string(data) != "one" || err != nil {
				t.Errorf("%s: %q, %v", w.name, data, err)
			}
			if err := durable.WriteOnce(w.disk, "test", filepath.Join(w.dir, "doc"), []byte("two")); !errors.Is(err, durable.ErrExists) {
				t.Errorf("%s: twice: %v", w.name, err)
			}
		case !errors.Is(err, durable.ErrNoLinks) || !strings.Contains(err.Error(), w.want) || durable.Hint(err) == "":
			t.Errorf("%s: %v", w.name, err)
		}
		entries, err := os.ReadDir(w.dir)
		if err != nil || len(entries) > 1 || len(entries) == 1 && entries[0].Name() != "doc" {
			t.Errorf("%s: left behind: %v, %v", w.name, entries, err)
		}
	}
}
