package record_test

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/proc"
	"runsheet/internal/record"
)

// faultDisk is a disk on which the at-th operation fails, or all from it on.
type faultDisk struct {
	durable.Disk
	ops    atomic.Int64
	at     int64 // 0: none
	err    error
	done   bool // it is done all the same
	sticky bool // and so are all after it
	what   string
}

func (d *faultDisk) do(op, label string, f func() error) error {
	n := d.ops.Add(1)
	hit := d.at > 0 && (n == d.at || d.sticky && n > d.at)
	if n == d.at {
		d.what = op + "(" + label + ")"
	}
	if hit && !d.done {
		return d.err
	}
	err := f()
	if hit {
		return d.err
	}
	return err
}

func (d *faultDisk) Open(label, path string, flag int, perm fs.FileMode) (file durable.File, err error) {
	err = d.do("open", label, func() error { file, err = d.Disk.Open(label, path, flag, perm); return err })
	if err != nil {
		if file != nil {
			file.Close()
		}
		return nil, err
	}
	return &faultFile{file, d, label}, nil
}

func (d *faultDisk) Link(label, o, n string) error {
	return d.do("link", label, func() error { return d.Disk.Link(label, o, n) })
}

func (d *faultDisk) Remove(label, path string) error {
	return d.do("remove", label, func() error { return d.Disk.Remove(label, path) })
}

func (d *faultDisk) Mkdir(label, path string, perm fs.FileMode) error {
	return d.do("mkdir", label, func() error { return d.Disk.Mkdir(label, path, perm) })
}

func (d *faultDisk) Lstat(label, path string) (info fs.FileInfo, err error) {
	err = d.do("lstat", label, func() error { info, err = d.Disk.Lstat(label, path); return err })
	return info, err
}

func (d *faultDisk) ReadDir(label, path string) (entries []fs.DirEntry, err error) {
	err = d.do("readdir", label, func() error { entries, err = d.Disk.ReadDir(label, path); return err })
	return entries, err
}

type faultFile struct {
	durable.File
	d     *faultDisk
	label string
}

func (f *faultFile) Sync() error { return f.d.do("sync", f.label, f.File.Sync) }

func (f *faultFile) Truncate(n int64) error {
	return f.d.do("truncate", f.label, func() error { return f.File.Truncate(n) })
}

func (f *faultFile) WriteAt(p []byte, off int64) (n int, err error) {
	err = f.d.do("write", f.label, func() error { n, err = f.File.WriteAt(p, off); return err })
	return n, err
}

func (f *faultFile) Read(p []byte) (n int, err error) {
	ferr := f.d.do("read", f.label, func() error { n, err = f.File.Read(p); return nil })
	if ferr != nil {
		return 0, ferr
	}
	return n, err // io.EOF is no fault
}

func (f *faultFile) Stat() (info fs.FileInfo, err error) {
	err = f.d.do("fstat", f.label, func() error { info, err = f.File.Stat(); return err })
	return info, err
}

// TestEveryFailedOperation fails each operation of each step in turn, with each kind of fault. Whatever was
// acknowledged then stands, and an actor with a whole disk comes from there to a valid end of a next attempt.
func TestEveryFailedOperation(t *testing.T) {
	for name, step := range map[string]func(t *testing.T, disk *faultDisk){
		"claim": faultyClaim, "start": faultyStart, "end": faultyEnd, "takeover": faultyTakeOver, "give up": faultyGiveUp,
		"request": faultyRequest, "hold": faultyHold,
	} {
		t.Run(name, func(t *testing.T) {
			count := &faultDisk{Disk: durable.OS()}
			step(t, count)
			if count.ops.Load() < 5 {
				t.Fatalf("only %d operations", count.ops.Load())
			}
			for at := range count.ops.Load() {
				for _, d := range []*faultDisk{
					{err: syscall.EIO}, {err: syscall.ENOSPC}, {err: syscall.EIO, done: true}, {err: syscall.ESTALE, sticky: true},
				} {
					d.Disk, d.at = durable.OS(), at+1
					ok := t.Run(fmt.Sprintf("operation %d, %v, done %v, sticky %v", at+1, d.err, d.done, d.sticky), func(t *testing.T) { step(t, d) })
					if !ok {
						t.Logf("that was %s", d.what)
						return
					}
				}
			}
		})
	}
}

// recovered brings a run with a whole disk to the end of one more attempt.
func recovered(t *testing.T, dir string) {
	t.Helper()
	sys := record.NewSystem(durable.OS())
	v, err := record.Look(sys, dir)
	if err != nil {
		t.Fatal(err)
	}
	if factsOf(v).Live() {
		if _, err := record.TakeOver(t.Context(), sys, record.AttemptDir(dir, v.Attempt), record.Heir{}); err != nil {
			t.Fatal(err)
		}
	}
	tenure, _ := begin(t, sys, dir)
	if tenure.Claim.Attempt != v.Attempt+1 {
		t.Errorf("attempt %d after %d", tenure.Claim.Attempt, v.Attempt)
	}
	if err := tenure.End(exited(0)); err != nil {
		t.Fatal(err)
	}
	if v, err = record.Look(sys, dir); err != nil || v.End == nil || *v.End.ExitCode != 0 {
		t.Fatalf("%+v, %v", v, err)
	}
}

func faultyClaim(t *testing.T, disk *faultDisk) {
	sys, dir := realSystem(t)
	c, err := record.Claim(record.NewSystem(disk), runsheet.Facts{}, 0, runsheet.Claim{Run: "run", Nonce: "mine", WorkDir: dir})
	v, lerr := record.Look(sys, dir)
	if lerr != nil {
		t.Fatal(lerr)
	}
	if err == nil && (v.Claim == nil || v.Claim.Nonce != "mine" || v.Attempt != c.Attempt) {
		t.Errorf("acknowledged, and there is %+v", v)
	}
	recovered(t, dir)
}

func faultyStart(t *testing.T, disk *faultDisk) {
	sys, dir := realSystem(t)
	_, attempt := claim(t, sys, dir)
	tenure, err := record.Take(record.NewSystem(disk), attempt)
	if err == nil {
		if err = tenure.Begin(0); err == nil {
			if v, err := record.Look(sys, dir); err != nil || v.Start == nil || !proc.Same(v.Start.Process, sys.Procs.Self()) {
				t.Errorf("acknowledged, and there is %+v, %v", v, err)
			}
		}
		tenure.Leave()
	}
	recovered(t, dir)
	if _, err := record.Take(sys, attempt); !errors.Is(err, record.ErrOver) {
		t.Errorf("taken once more: %v", err)
	}
}

func faultyEnd(t *testing.T, disk *faultDisk) {
	sys, dir := realSystem(t)
	_, attempt := claim(t, sys, dir)
	at := disk.at
	disk.at = 0
	tenure, err := record.Take(record.NewSystem(disk), attempt)
	if err == nil {
		err = tenure.Begin(0)
	}
	if err != nil {
		t.Fatal(err)
	}
	disk.ops.Store(0)
	disk.at = at
	// As the supervisor does: again and again, until it is durable.
	for try := 1; ; try++ {
		if err = tenure.End(exited(7)); err == nil {
			break
		}
		if try == 3 {
			if !disk.sticky {
				t.Fatalf("still: %v", err)
			}
			disk.sticky = false
			disk.at = 0
		}
		if live, _ := record.Probe(sys, attempt, tenure.Claim, &tenure.Start); live != runsheet.LivenessAlive {
			t.Fatalf("not ended (%v), and %s", err, live)
		}
		if verdict, ferr := tenure.Fence(); ferr == nil && verdict != record.GoOn {
			t.Fatalf("not ended (%v), and the fence says %v", err, verdict)
		}
	}
	v, err := record.Look(sys, dir)
	if err != nil || v.End == nil || v.End.Kind != runsheet.EndExit || *v.End.ExitCode != 7 {
		t.Fatalf("acknowledged, and there is %+v, %v", v, err)
	}
	recovered(t, dir)
}

func faultyTakeOver(t *testing.T, disk *faultDisk) {
	sys, dir := realSystem(t)
	tenure, attempt := begin(t, sys, dir)
	tenure.Leave()
	takeOverTwice(t, disk, attempt, runsheet.EndLost)
	recovered(t, dir)
}

func faultyGiveUp(t *testing.T, disk *faultDisk) {
	sys, dir := realSystem(t)
	_, attempt := claim(t, sys, dir)
	takeOverTwice(t, disk, attempt, runsheet.EndVoid)
	recovered(t, dir)
}

func takeOverTwice(t *testing.T, disk *faultDisk, attempt string, want runsheet.EndKind) {
	t.Helper()
	first, err := record.TakeOver(t.Context(), record.NewSystem(disk), attempt, record.Heir{})
	second, serr := record.TakeOver(t.Context(), record.NewSystem(durable.OS()), attempt, record.Heir{})
	if serr != nil || second.Kind != want {
		t.Fatalf("%+v, %v", second, serr)
	}
	if err == nil && !first.At.Equal(second.At) {
		t.Errorf("acknowledged %+v, and there is %+v", first, second)
	}
}

func faultyRequest(t *testing.T, disk *faultDisk) {
	sys, dir := realSystem(t)
	if _, err := record.Request(sys, dir, runsheet.RequestRetry, "ann"); err != nil {
		t.Fatal(err)
	}
	r, err := record.Request(record.NewSystem(disk), dir, runsheet.RequestStop, "ann")
	v, lerr := record.Look(sys, dir)
	if lerr != nil {
		t.Fatal(lerr)
	}
	if err == nil && (v.Request.Number != r.Number || v.Request.Kind != runsheet.RequestStop) {
		t.Errorf("acknowledged, and there is %+v", v.Request)
	}
	again, err := record.Request(sys, dir, runsheet.RequestStop, "ann")
	if err != nil || again.Number != v.Request.Number+1 {
		t.Errorf("again: %+v, %v", again, err)
	}
	recovered(t, dir)
}

func faultyHold(t *testing.T, disk *faultDisk) {
	state := filepath.Join(scratch(t), record.DirName, "sheet.yaml")
	if lock, _, err := record.HoldSheet(disk, proc.System(), state); err == nil {
		if held, err := record.LauncherHeld(durable.OS(), state); err != nil || !held {
			t.Errorf("acknowledged, and held %v, %v", held, err)
		}
		lock.Release()
	}
	lock, holder, err := record.HoldSheet(durable.OS(), proc.System(), state)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	if got := record.Holder(durable.OS(), proc.System(), state); got != holder {
		t.Errorf("holder %+v, want %+v", got, holder)
	}
}
