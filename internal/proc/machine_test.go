package proc

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"runsheet"
	"runsheet/internal/durable"
)

const someID = "0123456789abcdef0123456789abcdef"

func TestDerive(t *testing.T) {
	a := derive(someID + "\n")
	if !isID(a) || a == someID {
		t.Errorf("%q: it is to stand for the id, and not to be it", a)
	}
	if b := derive(strings.Repeat("f", 32) + "\n"); !isID(b) || b == a {
		t.Errorf("%q and %q", a, b)
	}
	for _, none := range []string{"", "\n", "uninitialized\n", strings.Repeat("0", 32) + "\n", someID[1:], someID + "0", strings.ToUpper(someID)} {
		if got := derive(none); got != "" {
			t.Errorf("%q is taken for the id of a machine: %q", none, got)
		}
	}
}

// kept makes the files that tell which machine this is.
func kept(t *testing.T, id string) (idFile, dir string) {
	t.Helper()
	top := t.TempDir()
	idFile = filepath.Join(top, "etc-machine-id")
	if id != "" {
		if err := os.WriteFile(idFile, []byte(id+"\n"), 0o444); err != nil {
			t.Fatal(err)
		}
	}
	return idFile, filepath.Join(top, "state", "runsheet")
}

func always(string) bool { return true }

// TestMachine holds that the random id is drawn once, and that reading makes no file. Each id is tried without the other.
func TestMachine(t *testing.T) {
	disk := durable.OS()
	idFile, dir := kept(t, someID)
	before := readMachine(disk, idFile, dir, always)
	if before.ID != derive(someID) || before.Random != "" {
		t.Fatalf("%+v", before)
	}
	if _, err := os.Lstat(filepath.Dir(dir)); err == nil {
		t.Error("reading made a directory")
	}
	var wg sync.WaitGroup
	all := make([]runsheet.Machine, 8)
	for i := range all {
		wg.Go(func() {
			if !drawRandom(disk, dir, always) {
				t.Error("it could not be kept")
			}
			all[i] = readMachine(disk, idFile, dir, always)
		})
	}
	wg.Wait()
	for _, m := range all {
		if !m.Same(all[0]) {
			t.Errorf("%+v and %+v", m, all[0])
		}
	}
	if m := readMachine(disk, idFile, dir, func(string) bool { return false }); m != before {
		t.Errorf("of a disk that others mount: %+v", m)
	}
	if m := readMachine(disk, filepath.Join(dir, "none"), dir, always); m.ID != "" || m.Random != all[0].Random || m.Same(m) {
		t.Errorf("without /etc/machine-id: %+v", m)
	}
	if m := readMachine(disk, idFile, "", always); m != before {
		t.Errorf("without a home: %+v", m)
	}
}

// TestRandomIDRefused holds what is no random id of this machine, though a file says so.
func TestRandomIDRefused(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, path string) error{
		"damaged":              func(_ *testing.T, path string) error { return os.Truncate(path, 20) },
		"empty":                func(_ *testing.T, path string) error { return os.Truncate(path, 0) },
		"others may write it":  func(_ *testing.T, path string) error { return os.Chmod(path, 0o622) },
		"somebody else's":      func(_ *testing.T, path string) error { return os.Chown(path, 12345, 12345) },
		"a symbolic link":      func(_ *testing.T, path string) error { os.Rename(path, path+".1"); return os.Symlink(path+".1", path) },
		"a directory":          func(_ *testing.T, path string) error { os.Remove(path); return os.Mkdir(path, 0o700) },
		"where nobody may see": func(_ *testing.T, path string) error { return os.RemoveAll(filepath.Dir(path)) },
	} {
		t.Run(name, func(t *testing.T) {
			idFile, dir := kept(t, someID)
			if !drawRandom(durable.OS(), dir, always) || readMachine(durable.OS(), idFile, dir, always).Random == "" {
				t.Fatal("it could not be kept")
			}
			if err := spoil(t, filepath.Join(dir, randomName)); err != nil {
				t.Skipf("only root can spoil the file in this way: %v", err)
			}
			if m := readMachine(durable.OS(), idFile, dir, always); m.Random != "" || m.ID == "" {
				t.Errorf("%+v", m)
			}
		})
	}
}

// TestRandomIDElsewhere holds that nothing is written to a disk of other machines. A directory that cannot be made is no
// error.
func TestRandomIDElsewhere(t *testing.T) {
	_, dir := kept(t, "")
	if drawRandom(durable.OS(), dir, func(string) bool { return false }) || drawRandom(durable.OS(), "", always) {
		t.Error("it was kept")
	}
	if _, err := os.Lstat(filepath.Dir(dir)); err == nil {
		t.Error("something was made")
	}
	if err := os.WriteFile(filepath.Dir(dir), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if drawRandom(durable.OS(), dir, always) {
		t.Error("it was kept below a file")
	}
}

// TestSelfNamesMachine holds that a process says which machine it runs on, as it is known in this very moment.
func TestSelfNamesMachine(t *testing.T) {
	self, err := Self()
	if err != nil || self.Machine != thisMachine() {
		t.Errorf("%+v, %v", self, err)
	}
	if data, err := os.ReadFile(machineIDFile); err == nil && self.Machine.ID != derive(string(data)) {
		t.Errorf("%+v", self.Machine)
	}
}
