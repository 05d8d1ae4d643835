package observe

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/progress"
)

// laborious is a disk on which the log is much work to read.
type laborious struct {
	durable.Disk
	read atomic.Int64 // bytes of the log
	wait time.Duration
}

func (d *laborious) Open(label, path string, flag int, perm os.FileMode) (durable.File, error) {
	f, err := d.Disk.Open(label, path, flag, perm)
	if err == nil && filepath.Base(path) == "log.jsonl" {
		return laboriousFile{f, d}, nil
	}
	return f, err
}

type laboriousFile struct {
	durable.File
	of *laborious
}

func (f laboriousFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	if f.of.read.Add(int64(n)); n > 1<<10 {
		time.Sleep(f.of.wait)
	}
	return n, err
}

// TestBrief: evidence that takes long to read holds nobody up, and the other runs are known meanwhile. Whoever asks often enough
// hears of it in the end, however short each look is.
func TestBrief(t *testing.T) {
	base := t.TempDir()
	good := trained(t, filepath.Join(base, "good"))
	long := runsheet.Run{Name: "long", WorkDir: filepath.Join(base, "long"), Progress: runsheet.ProgressSpec{Tracker: "jsonl", File: "log.jsonl", Step: "step", Total: 100_000}}
	var text strings.Builder
	for n := range 100_000 {
		fmt.Fprintf(&text, "{\"step\": %d}\n", n+1)
	}
	if err := os.MkdirAll(filepath.Join(long.WorkDir, ".runsheet"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(long.WorkDir, "log.jsonl"), []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(long.WorkDir, "log.jsonl"), old, old); err != nil {
		t.Fatal(err)
	}
	disk := &laborious{Disk: durable.OS(), wait: Patience / 40} // some 20 pieces, each of them twice: more than one look has time for
	runs := []runsheet.Run{good, long}
	for looks := 1; ; looks++ {
		// Each look is that of a process which has just started.
		cache := progress.New(disk, progress.Options{CacheDir: filepath.Join(base, "cache"), Slice: 256 << 10})
		facts := New(disk, cache).Brief(t.Context(), runs)
		said := judged(runs, facts)
		if !strings.Contains(said[0], ": finished") {
			t.Fatalf("look %d: %s", looks, said[0])
		}
		if !facts[1].Reading {
			if !strings.Contains(said[1], ": finished") || facts[1].Progress.Completed != 100_000 || looks == 1 {
				t.Errorf("look %d: %s, %+v", looks, said[1], facts[1].Progress)
			}
			break
		}
		if said[1] != "long: unknown its evidence is being read" || looks > 100 {
			t.Fatalf("look %d: %s", looks, said[1])
		}
	}
	// It was read about once: what a look had begun when it was called off is all that was read again.
	if size := int64(text.Len()); disk.read.Load() > 4*size {
		t.Errorf("%d bytes were read of %d", disk.read.Load(), size)
	}
}
