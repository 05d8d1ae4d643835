package record_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/proc"
	"runsheet/internal/record"
)

// TestRequestNumbers: whoever asks gets a number of its own, and none is left out.
func TestRequestNumbers(t *testing.T) {
	sys, dir := realSystem(t)
	const people, times = 8, 5
	var mu sync.Mutex
	seen := map[int]bool{}
	var wg sync.WaitGroup
	for range people {
		wg.Go(func() {
			last := 0
			for range times {
				r, err := record.Request(sys, dir, runsheet.RequestStop, "ann")
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if seen[r.Number] || r.Number <= last {
					t.Errorf("number %d after %d, seen: %v", r.Number, last, seen[r.Number])
				}
				seen[r.Number], last = true, r.Number
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	retry, err := record.Request(sys, dir, runsheet.RequestRetry, "bob")
	if err != nil || retry.Number != people*times+1 {
		t.Errorf("%+v, %v", retry, err)
	}
	v, err := record.Look(sys, dir)
	if err != nil || v.Request.Number != retry.Number || v.Request.Kind != runsheet.RequestRetry || v.Request.User != "bob" {
		t.Errorf("%+v, %v", v.Request, err)
	}
}

func TestHoldSheet(t *testing.T) {
	state := filepath.Join(t.TempDir(), record.DirName, "sheet.yaml")
	disk, procs := durable.OS(), proc.System()
	if held, _ := record.LauncherHeld(disk, state); held {
		t.Error("held before anybody came")
	}
	if p := record.Holder(disk, procs, state); p.PID != 0 {
		t.Errorf("held by %+v before anybody came", p)
	}
	other, said := role(t, "launcher", state)
	if said != "held <nil>" {
		t.Fatal(said)
	}
	_, holder, err := record.HoldSheet(disk, procs, state)
	wantErr(t, "while another holds it", err, record.ErrLauncher)
	if holder.PID != other.Process.Pid {
		t.Errorf("holder %+v, want process %d", holder, other.Process.Pid)
	}
	if held, err := record.LauncherHeld(disk, state); err != nil || !held {
		t.Errorf("held %v, %v", held, err)
	}
	kill(t, other)
	// The dead one's name still stands there: it is nobody's who could hold it.
	if data, err := os.ReadFile(record.LauncherLockPath(state)); err != nil || len(data) == 0 {
		t.Fatalf("%q, %v", data, err)
	}
	if p := record.Holder(disk, procs, state); p.PID != 0 {
		t.Errorf("a dead holder is reported: %+v", p)
	}
	lock, self, err := record.HoldSheet(disk, procs, state)
	if err != nil || self.PID != os.Getpid() {
		t.Fatalf("after its death: %+v, %v", self, err)
	}
	if p := record.Holder(disk, procs, state); p != procs.Self() {
		t.Errorf("holder %+v", p)
	}
	if err := lock.Release(); err != nil {
		t.Error(err)
	}
	if held, err := record.LauncherHeld(disk, state); err != nil || held {
		t.Errorf("released, and held %v, %v", held, err)
	}
}

// TestHoldSheetOnce: of many that come at once one gets the sheet, and the others are told of a living one.
func TestHoldSheetOnce(t *testing.T) {
	state := filepath.Join(t.TempDir(), record.DirName, "sheet.yaml")
	var mu sync.Mutex
	var locks []*record.LauncherLock
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			lock, holder, err := record.HoldSheet(durable.OS(), proc.System(), state)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				locks = append(locks, lock)
				return
			}
			wantErr(t, "one of many", err, record.ErrLauncher)
			if holder != proc.System().Self() {
				t.Errorf("holder %+v", holder)
			}
		})
	}
	wg.Wait()
	if len(locks) != 1 {
		t.Fatalf("%d hold it", len(locks))
	}
	locks[0].Release()
}
