package interleave

import (
	"context"
	"io/fs"
	"sync/atomic"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// turning is a disk on which something happens before one of the operations.
type turning struct {
	durable.Disk
	then func()
	left atomic.Int64 // operations until then; 0 or less: it has happened, or is not to happen
}

// arm lets it happen before operation k from now on, k >= 1.
func (d *turning) arm(k int64) { d.left.Store(k) }

// disarm says whether it has happened, and keeps it from happening.
func (d *turning) disarm() (happened bool) { return d.left.Swap(0) <= 0 }

// turn is called before each operation.
func (d *turning) turn() {
	if d.left.Add(-1) == 0 {
		d.then()
	}
}

func (d *turning) Open(label, path string, flag int, perm fs.FileMode) (durable.File, error) {
	d.turn()
	f, err := d.Disk.Open(label, path, flag, perm)
	if err != nil {
		return nil, err
	}
	return turningFile{f, d}, nil
}

func (d *turning) Link(label, oldname, newname string) error {
	d.turn()
	return d.Disk.Link(label, oldname, newname)
}

func (d *turning) Rename(label, oldname, newname string) error {
	d.turn()
	return d.Disk.Rename(label, oldname, newname)
}

func (d *turning) Remove(label, path string) error {
	d.turn()
	return d.Disk.Remove(label, path)
}

func (d *turning) Mkdir(label, path string, perm fs.FileMode) error {
	d.turn()
	return d.Disk.Mkdir(label, path, perm)
}

func (d *turning) Lstat(label, path string) (fs.FileInfo, error) {
	d.turn()
	return d.Disk.Lstat(label, path)
}

func (d *turning) ReadDir(label, path string) ([]fs.DirEntry, error) {
	d.turn()
	return d.Disk.ReadDir(label, path)
}

// turningFile is a file on it: to read one is an operation as well.
type turningFile struct {
	durable.File
	disk *turning
}

func (f turningFile) Read(p []byte) (int, error) {
	f.disk.turn()
	return f.File.Read(p)
}

func (f turningFile) ReadAt(p []byte, off int64) (int, error) {
	f.disk.turn()
	return f.File.ReadAt(p, off)
}

func (f turningFile) Stat() (fs.FileInfo, error) {
	f.disk.turn()
	return f.File.Stat()
}

// volatileDisk is a disk that promises nothing: nobody crashes here, and to sync takes most of the time.
type volatileDisk struct{ durable.Disk }

func (d volatileDisk) Open(label, path string, flag int, perm fs.FileMode) (durable.File, error) {
	f, err := d.Disk.Open(label, path, flag, perm)
	if err != nil {
		return nil, err
	}
	return volatileFile{f}, nil
}

type volatileFile struct{ durable.File }

func (volatileFile) Sync() error { return nil }

const executorName = "prove"

// executor answers for attempts whose supervisor is this process.
type executor struct{ sys record.System }

func (executor) Name() string { return executorName }

func (executor) Start(_ context.Context, l []runsheet.Launch) []error { return make([]error, len(l)) }

func (e executor) Probe(_ context.Context, attemptDir string, c runsheet.Claim, s *runsheet.Start) runsheet.Sighting {
	alive, why := record.Probe(e.sys, attemptDir, c, s)
	return runsheet.Sighting{Liveness: alive, Why: why}
}

func (executor) Stop(context.Context, string, runsheet.Claim, *runsheet.Start, runsheet.EndKind, bool) error {
	return nil
}
