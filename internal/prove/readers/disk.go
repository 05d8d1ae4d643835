package readers

import (
	"io/fs"
	"syscall"
	"time"

	"runsheet/internal/durable"
)

// coarseDisk is a disk whose clock ticks rarely, as that of older kernels, of NFS servers and of file systems that
// keep whole seconds: the stamps are cut off at the tick. Its contents are those of the disk below.
type coarseDisk struct {
	durable.Disk
	tick time.Duration
}

// diskWith returns the disk of the operating system with a clock of that tick; 0: its own.
func diskWith(tick time.Duration) durable.Disk {
	if tick == 0 {
		return durable.OS()
	}
	return coarseDisk{durable.OS(), tick}
}

func (d coarseDisk) Lstat(label, path string) (fs.FileInfo, error) {
	info, err := d.Disk.Lstat(label, path)
	if err != nil {
		return nil, err
	}
	return coarseInfo{info, d.tick}, nil
}

func (d coarseDisk) Open(label, path string, flag int, perm fs.FileMode) (durable.File, error) {
	f, err := d.Disk.Open(label, path, flag, perm)
	if err != nil {
		return nil, err
	}
	return coarseFile{f, d.tick}, nil
}

type coarseFile struct {
	durable.File
	tick time.Duration
}

func (f coarseFile) Stat() (fs.FileInfo, error) {
	info, err := f.File.Stat()
	if err != nil {
		return nil, err
	}
	return coarseInfo{info, f.tick}, nil
}

type coarseInfo struct {
	fs.FileInfo
	tick time.Duration
}

func (i coarseInfo) ModTime() time.Time { return cut(i.FileInfo.ModTime(), i.tick) }

func (i coarseInfo) Sys() any {
	st, ok := i.FileInfo.Sys().(*syscall.Stat_t)
	if !ok {
		return i.FileInfo.Sys()
	}
	out := *st
	out.Ctim = syscall.NsecToTimespec(cut(time.Unix(0, st.Ctim.Nano()), i.tick).UnixNano())
	return &out
}

// phase is when a clock ticks, in ns after the whole second. That of timer interrupts is any; only who keeps whole
// seconds ticks with them.
func phase(tick time.Duration) int64 {
	if tick >= time.Second {
		return 0
	}
	return 3_141_593
}

// cut returns the last tick at or before t.
func cut(t time.Time, tick time.Duration) time.Time {
	ns := t.UnixNano()
	return time.Unix(0, ns-(ns-phase(tick))%int64(tick))
}
