package observe_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"runsheet/internal/executor/exectest"
	"runsheet/internal/observe"
)

func TestRoomLacks(t *testing.T) {
	for _, c := range []struct {
		free, least int64
		want        string
	}{
		{1 << 30, 1 << 30, ""}, {5 << 30, 1 << 30, ""}, {0, 0, ""}, {-1, 1 << 30, ""},
		{200 << 20, 1 << 30, "room in /data: 200 MiB free, min_free is 1.0 GiB"},
		{0, 1, "room in /data: 0 B free, min_free is 1 B"},
	} {
		if got := (observe.Room{Dir: "/data", Free: c.free}).Lacks(c.least).String(); got != c.want {
			t.Errorf("%d of %d: %q, want %q", c.free, c.least, got, c.want)
		}
	}
}

// TestRooms asks real file systems: one that is small, and is filled between two rounds; directories that are not there yet.
func TestRooms(t *testing.T) {
	small, rooms := exectest.SmallDisk(t, "size=1m"), observe.NewRooms()
	of := func(dir string) observe.Room {
		t.Helper()
		r, ok := rooms.Of(dir)
		if !ok {
			t.Fatalf("%s: no answer", dir)
		}
		return r
	}
	work := filepath.Join(small, "runs/a")
	before := of(work)
	if before.Dir != small || before.Free < 512<<10 || before.Free > 1<<20 {
		t.Errorf("before: %+v", before)
	}
	if elsewhere := of(filepath.Join(t.TempDir(), "runs/a")); elsewhere.Device == before.Device || elsewhere.Free <= 1<<20 {
		t.Errorf("elsewhere: %+v, and the small one is %+v", elsewhere, before)
	}
	if err := os.WriteFile(filepath.Join(small, "filler"), []byte(strings.Repeat("x", 768<<10)), 0o600); err != nil {
		t.Fatal(err)
	}
	if again := of(filepath.Join(small, "runs/b")); again.Free != before.Free {
		t.Errorf("asked twice in a round: %+v", again)
	}
	rooms.Round()
	if after := of(work); after.Free > 256<<10 {
		t.Errorf("after: %+v", after)
	}
}
