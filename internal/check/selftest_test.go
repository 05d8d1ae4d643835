package check

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"runsheet/internal/durable"
	"runsheet/internal/durable/fusetest"
	"runsheet/internal/record"
)

func TestSelfTest(t *testing.T) {
	dir := t.TempDir()
	got, err := SelfTest(t.Context(), durable.OS(), filepath.Join(dir, "not", "yet"))
	if err != nil {
		t.Fatal(err)
	}
	if got.Dir != dir || got.Kind == "" || len(got.Abilities) != 13 {
		t.Errorf("%+v", got)
	}
	for _, a := range got.Abilities {
		if !a.OK {
			t.Errorf("%s: %s", a.Name, a.Detail)
		}
	}
	if got.Failed() {
		t.Error("it failed as a whole")
	}
	empty(t, dir)
	file := filepath.Join(dir, "file")
	os.WriteFile(file, nil, 0o600)
	if _, err := SelfTest(t.Context(), durable.OS(), file); err == nil || durable.Hint(err) == "" {
		t.Errorf("of a file: %v", err)
	}
}

// empty makes sure that nothing was left behind.
func empty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// TestSelfTestLeavesTheEvidenceAlone: in a work dir with records, the evidence's directory is not touched.
func TestSelfTestLeavesTheEvidenceAlone(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(record.Dir(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	before, _ := os.Stat(dir)
	if _, err := SelfTest(t.Context(), durable.OS(), dir); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.Stat(dir); !after.ModTime().Equal(before.ModTime()) {
		t.Error("the work dir was changed")
	}
	empty(t, record.Dir(dir))
}

// poor is a disk that cannot do one thing.
type poor struct {
	durable.Disk
	link, rename, mkdir error
	links               func(o, n string) error // what link does
	overwrite           bool                    // rename copies, and link replaces
	excl                bool                    // O_EXCL is ignored
	full                bool                    // nothing can be written
	coarse              bool                    // stamps have no digits below the second
}

// poorFile is a file of a poor disk.
type poorFile struct {
	durable.File
	of poor
}

func (f poorFile) Write(b []byte) (int, error) {
	if f.of.full {
		return 0, &os.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
	}
	return f.File.Write(b)
}

func (f poorFile) WriteAt(b []byte, at int64) (int, error) {
	if f.of.full {
		return 0, &os.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
	}
	return f.File.WriteAt(b, at)
}

func (f poorFile) Stat() (os.FileInfo, error) {
	info, err := f.File.Stat()
	if err == nil && f.of.coarse {
		info = coarseInfo{info}
	}
	return info, err
}

type coarseInfo struct{ os.FileInfo }

func (i coarseInfo) ModTime() time.Time { return i.FileInfo.ModTime().Truncate(time.Second) }

func (p poor) Open(label, path string, flag int, perm os.FileMode) (durable.File, error) {
	if p.excl {
		flag &^= os.O_EXCL
	}
	f, err := p.Disk.Open(label, path, flag, perm)
	if err != nil || !p.full && !p.coarse {
		return f, err
	}
	return poorFile{f, p}, nil
}

func (p poor) Link(label, o, n string) error {
	if p.link != nil {
		return p.link
	}
	if p.links != nil {
		return p.links(o, n)
	}
	if p.overwrite {
		os.Remove(n)
	}
	return p.Disk.Link(label, o, n)
}

func (p poor) Rename(label, o, n string) error {
	if p.rename != nil {
		return p.rename
	}
	if p.overwrite {
		data, err := os.ReadFile(o)
		return errors.Join(err, os.WriteFile(n, data, 0o600))
	}
	return p.Disk.Rename(label, o, n)
}

func (p poor) Mkdir(label, path string, perm os.FileMode) error {
	if p.mkdir != nil {
		return p.mkdir
	}
	return p.Disk.Mkdir(label, path, perm)
}

// TestSelfTestFindsWhatIsMissing: each test is one that can fail, the others pass all the same, and nothing is left.
func TestSelfTestFindsWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		name string
		disk poor
		want []string
	}{
		{"no links", poor{link: syscall.EPERM}, []string{"hard link", "link refuses a taken name"}},
		{"links that copy", poor{links: func(o, n string) error {
			data, err := os.ReadFile(o)
			if err != nil {
				return err
			}
			f, err := os.OpenFile(n, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if err != nil {
				return err
			}
			_, err = f.Write(data)
			return errors.Join(err, f.Close())
		}}, []string{"hard link"}},
		{"links that rename", poor{links: os.Rename}, []string{"hard link", "link refuses a taken name"}},
		{"links that are symbolic", poor{links: os.Symlink}, []string{"hard link"}},
		{"rename refused", poor{rename: syscall.EBUSY}, []string{"rename over an open file"}},
		{"overwriting", poor{overwrite: true}, []string{"link refuses a taken name", "rename over an open file"}},
		{"no O_EXCL", poor{excl: true}, []string{"exclusive create"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.disk.Disk = durable.OS()
			dir := t.TempDir()
			got, err := SelfTest(t.Context(), c.disk, dir)
			if err != nil {
				t.Fatal(err)
			}
			var failed []string
			for _, a := range got.Abilities {
				if !a.OK {
					failed = append(failed, a.Name)
					if a.Detail == "" {
						t.Errorf("%s: not a word about it", a.Name)
					}
				}
			}
			if strings.Join(failed, ", ") != strings.Join(c.want, ", ") || !got.Failed() {
				t.Errorf("failed: %q, want %q", failed, c.want)
			}
			empty(t, dir)
		})
	}
	if _, err := SelfTest(t.Context(), poor{Disk: durable.OS(), mkdir: syscall.EROFS}, t.TempDir()); !errors.Is(err, syscall.EROFS) || durable.Hint(err) == "" {
		t.Errorf("read-only: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	if _, err := SelfTest(ctx, durable.OS(), dir); !errors.Is(err, context.Canceled) {
		t.Errorf("called off: %v", err)
	}
	empty(t, dir)
}

// What is only slower, or cannot be tried for want of room, is not called missing.
func TestSelfTestKnowsWhatIsNotMissing(t *testing.T) {
	dir := t.TempDir()
	got, err := SelfTest(t.Context(), poor{Disk: durable.OS(), coarse: true}, dir)
	if err != nil || got.Failed() || got.Untested() {
		t.Errorf("%+v, %v", got, err)
	}
	if i := slices.IndexFunc(got.Abilities, func(a Ability) bool { return a.Slower }); i < 0 || got.Abilities[i].Name != "time stamps" {
		t.Errorf("%+v", got.Abilities)
	}
	got, err = SelfTest(t.Context(), poor{Disk: durable.OS(), full: true}, dir)
	if err != nil || got.Failed() || !got.Untested() {
		t.Errorf("%+v, %v", got, err)
	}
	for _, a := range got.Abilities {
		if strings.Contains(a.Detail, "\n") {
			t.Errorf("%s: %s", a.Name, a.Detail)
		}
	}
	empty(t, dir)
}

func TestPlaces(t *testing.T) {
	dir := t.TempDir()
	got := Places(durable.OS(), []string{filepath.Join(dir, "a", "b"), dir, filepath.Join(dir, "c"), "/proc/self"})
	if len(got) != 2 || got[0] != dir {
		t.Errorf("%q", got)
	}
}

// TestSelfTestOfMounts: the same of real file systems that link wrongly.
func TestSelfTestOfMounts(t *testing.T) {
	for _, how := range []fusetest.Links{fusetest.Proper, fusetest.Copies, fusetest.Renames, fusetest.Symlinks} {
		m := fusetest.New(t, t.TempDir(), fusetest.Options{Links: how})
		got, err := SelfTest(t.Context(), durable.OS(), m.Dir)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(got.Abilities, func(a Ability) bool { return a.Name == "hard link" })
		if a := got.Abilities[i]; a.OK != (how == fusetest.Proper) || got.Failed() == (how == fusetest.Proper) {
			t.Errorf("%q: %+v", how, got.Abilities)
		}
		empty(t, m.Dir)
	}
}
