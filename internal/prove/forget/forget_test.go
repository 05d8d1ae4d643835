package forget

import (
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"runsheet/internal/durable"
	"runsheet/internal/prove/method"
	"runsheet/internal/prove/scenario"
)

func TestNothingIsLost(t *testing.T) {
	// The cheap ones; the method goes through them all.
	some := []string{"write-once-seen", "replace", "claim-seen", "end-seen", "takeover-void", "request-seen", "journal"}
	scenarios := slices.DeleteFunc(scenario.All(), func(sc scenario.Scenario) bool { return !slices.Contains(some, sc.Name) })
	r, err := play(t.Context(), method.Config{Seed: 1, Count: 64, Say: t.Logf}, scenarios)
	if err != nil || len(r.Violations) > 0 {
		t.Fatalf("%v, violations %q", err, r.Violations)
	}
}

// careless is a disk that leaves out a step for those who work on it.
type careless struct {
	durable.Disk
	noFileSync, noDirSync, replaces bool
	noDirSyncFor                    string // the label of the only step that it is left out for
}

type carelessFile struct {
	durable.File
	skip bool
}

func (d careless) Open(label, path string, flag int, perm fs.FileMode) (durable.File, error) {
	f, err := d.Disk.Open(label, path, flag, perm)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	return carelessFile{f, err == nil && (info.IsDir() && (d.noDirSync || d.noDirSyncFor != "" && d.noDirSyncFor == label) ||
		!info.IsDir() && d.noFileSync)}, nil
}

func (f carelessFile) Sync() error {
	if f.skip {
		return nil
	}
	return f.File.Sync()
}

func (d careless) Link(label, oldname, newname string) error {
	if d.replaces {
		d.Remove(label, newname)
	}
	return d.Disk.Link(label, oldname, newname)
}

// TestPlantedFaults holds that each step left out is found, in a scenario that rests on it.
func TestPlantedFaults(t *testing.T) {
	for _, c := range []struct {
		name, scenario string
		disk           careless
		want           string // in the violation
	}{
		{"no sync of files", "claim", careless{noFileSync: true}, `claim`},
		{"no sync of files", "replace", careless{noFileSync: true}, `notes is`},
		{"no sync of files", "journal", careless{noFileSync: true}, "journal"},
		{"no sync of directories", "write-once", careless{noDirSync: true}, `once is "nothing"`},
		{"no sync of directories", "request", careless{noDirSync: true}, "request 1"},
		{"no sync of directories", "end", careless{noDirSync: true}, "start 1"},
		{"no sync of the parents of new directories", "claim", careless{noDirSyncFor: "claim"}, `claim 1 is "nothing"`},
		{"nothing made durable that others wrote", "end-seen", careless{noDirSyncFor: "settle"}, "end.json"},
		{"nothing made durable that others wrote", "request-seen", careless{noDirSyncFor: "settle"}, "request 1"},
		{"a link that replaces", "claim", careless{replaces: true}, "two winners of claim 1"},
	} {
		for _, sc := range scenario.All() {
			if sc.Name != c.scenario {
				continue
			}
			wrap := func(d durable.Disk) durable.Disk { c.disk.Disk = d; return c.disk }
			tr := trial{sc: sc, most: 1 << 8, rng: rand.New(rand.NewPCG(1, 1)), wrap: wrap}
			violations, err := tr.run(t.Context())
			if err != nil || len(violations) == 0 || !strings.Contains(violations[0], c.want) {
				t.Errorf("%s, scenario %s: found %q, error %v; want %q", c.name, c.scenario, violations, err, c.want)
			}
		}
	}
}

// TestCrashed holds the model itself: what was synced stays, and of the rest each part may.
func TestCrashed(t *testing.T) {
	m := newMemory()
	defer m.close()
	for _, err := range []error{m.Mkdir("", "/d", 0o700), durable.Replace(m, "", "/d/kept", []byte("kept"), 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	f, err := m.Open("", "/d/new", 0o102, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, 1300), 0); err != nil {
		t.Fatal(err)
	}
	pending := m.pending(m.tick)
	if len(pending) != 3 { // the directory, the new name, its data
		t.Fatalf("%d changes are not durable: %s", len(pending), m.tell(pending, make([]int, len(pending))))
	}
	if n := m.log[pending[2]].fates(); n != 6 {
		t.Errorf("a write of three sectors has %d fates", n)
	}
	for _, c := range []struct {
		fates []int
		kept  bool
		size  int64 // of the new file; -1: there is none
	}{
		{[]int{0, 1, 1}, false, -1},
		{[]int{1, 0, 1}, true, -1},
		{[]int{1, 1, 0}, true, 0},
		{[]int{1, 1, 1}, true, 1300},
		{[]int{1, 1, 2}, true, 512},
		{[]int{1, 1, 3}, true, 1024},
		{[]int{1, 1, headLost}, true, 1300},
		{[]int{1, 1, 5}, true, 1300},
	} {
		left := m.crashed(m.tick, pending, c.fates)
		data, _, err := durable.Read(left, "", "/d/kept", 100)
		if c.kept != (err == nil) || c.kept && string(data) != "kept" {
			t.Errorf("%v: kept is %q, %v", c.fates, data, err)
		}
		size := int64(-1)
		if info, err := left.Lstat("", "/d/new"); err == nil {
			size = info.Size()
		}
		if size != c.size {
			t.Errorf("%v: the new file has %d bytes, want %d", c.fates, size, c.size)
		}
	}
}

// TestLocks holds that the disk in memory has locks that exclude, and are gone after a crash.
func TestLocks(t *testing.T) {
	m := newMemory()
	defer m.close()
	open := func(m *memory) *durable.Lock {
		l, err := durable.OpenLock(m, "", "/lock")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	one, two := open(m), open(m)
	if got, err := one.Try(0); err != nil || !got {
		t.Fatalf("the first: %v, %v", got, err)
	}
	if got, err := two.Try(0); err != nil || got {
		t.Errorf("the second: %v, %v", got, err)
	}
	if same, err := one.Same(); err != nil || !same {
		t.Errorf("same: %v, %v", same, err)
	}
	m.settle()
	after := m.crashed(0, nil, nil)
	defer after.close()
	if got, err := open(after).Try(0); err != nil || !got {
		t.Errorf("after a crash: %v, %v", got, err)
	}
	if err := m.Remove("", "/lock"); err != nil {
		t.Fatal(err)
	}
	open(m)
	if same, err := one.Same(); err != nil || same {
		t.Errorf("same after another took its place: %v, %v", same, err)
	}
}
