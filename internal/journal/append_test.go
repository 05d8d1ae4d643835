package journal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"runsheet/internal/durable"
)

// narrow is a disk whose files take so many bytes more, and whose fsync fails where told: a full disk, as a local file
// system tells of it, and as one does that allocates late.
type narrow struct {
	durable.Disk
	room  int
	syncs bool // fsync fails
	cuts  bool // truncate fails
}

func (d *narrow) Open(label, path string, flag int, perm os.FileMode) (durable.File, error) {
	f, err := d.Disk.Open(label, path, flag, perm)
	if err != nil {
		return nil, err
	}
	return &narrowFile{f, d}, nil
}

type narrowFile struct {
	durable.File
	disk *narrow
}

func (f *narrowFile) Write(p []byte) (int, error) {
	n := min(f.disk.room, len(p))
	f.disk.room -= n
	n, err := f.File.Write(p[:n])
	if err == nil && n < len(p) {
		err = &os.PathError{Op: "write", Path: f.Name(), Err: unix.ENOSPC}
	}
	return n, err
}

func (f *narrowFile) Sync() error {
	if f.disk.syncs {
		return &os.PathError{Op: "sync", Path: f.Name(), Err: unix.ENOSPC}
	}
	return f.File.Sync()
}

func (f *narrowFile) Truncate(size int64) error {
	if f.disk.cuts {
		return &os.PathError{Op: "truncate", Path: f.Name(), Err: unix.ENOSPC}
	}
	return f.File.Truncate(size)
}

// TestFullDisk appends to a journal whose disk is full now and then, wherever in a line it becomes so, and appends again what
// was not acknowledged: at every moment the journal has what was acknowledged, at most one event more, and nothing twice.
func TestFullDisk(t *testing.T) {
	root := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(root, "")
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "journal.jsonl")
		before := rapid.SampledFrom([]string{"", `{"at":"2026-01-02T03:04:05Z","event":"cl`}).Draw(t, "before")
		if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		disk := &narrow{Disk: durable.OS(), room: 1 << 20}
		w, err := Open(disk, dir, path)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		var acked []Event
		for n := 1; n <= 4; n++ {
			for tries := 0; ; tries++ {
				disk.room = rapid.SampledFrom([]int{0, 1, 30, 90, 1 << 20}).Draw(t, "room")
				disk.syncs = rapid.IntRange(0, 3).Draw(t, "fsync fails") == 0
				disk.cuts = rapid.IntRange(0, 3).Draw(t, "truncate fails") == 0
				if tries == 5 {
					disk.room, disk.syncs, disk.cuts = 1<<20, false, false
				}
				err := w.Append(ev(n))
				if err == nil {
					acked = append(acked, ev(n))
				} else if !durable.NoRoom(err) {
					t.Fatal(err)
				}
				got, rerr := Read(durable.OS(), path)
				if rerr != nil || !cmp.Equal(got, acked) && !cmp.Equal(got, append(acked[:len(acked):len(acked)], ev(n))) {
					t.Fatalf("after %d, error %v: %v, %v, want %v", n, err, rerr, got, acked)
				}
				if err == nil {
					break
				}
			}
		}
		if rapid.Bool().Draw(t, "killed") { // the next launcher finds what was left
			disk.room, disk.syncs, disk.cuts = rapid.IntRange(0, 90).Draw(t, "room"), true, false
			w.Append(ev(5))
			disk.room, disk.syncs = 1<<20, false
			next, err := Open(disk, dir, path)
			if err == nil {
				err = next.Append(ev(6))
			}
			if err != nil {
				t.Fatal(err)
			}
			defer next.Close()
			got, err := Read(durable.OS(), path)
			if len(got) == 6 && cmp.Equal(got[4], ev(5)) { // it was all there, and nobody was told
				acked = append(acked, ev(5))
			}
			if acked = append(acked, ev(6)); err != nil || !cmp.Equal(got, acked) {
				t.Fatalf("after a kill: %v, %v, want %v", err, got, acked)
			}
		}
	})
}

// TestForeignText holds that a writer cuts off nothing that it did not write.
func TestForeignText(t *testing.T) {
	for _, foreign := range []string{`{"event":"claim"}` + "\n", "x", string(bytes.Repeat([]byte("x"), 4096))} {
		dir := t.TempDir()
		path := filepath.Join(dir, "journal.jsonl")
		disk := &narrow{Disk: durable.OS()}
		w, err := Open(disk, dir, path)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		if err := w.Append(ev(1)); !durable.NoRoom(err) {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(foreign), 0o600); err != nil {
			t.Fatal(err)
		}
		disk.room = 1 << 20
		if err := w.Append(ev(1)); !errors.Is(err, errForeign) {
			t.Errorf("%.20q: %v", foreign, err)
		}
		if data, _ := os.ReadFile(path); string(data) != foreign {
			t.Errorf("it became %.40q", data)
		}
	}
}
