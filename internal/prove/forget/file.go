package forget

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// info is what an inode looks like from outside.
type info struct {
	name string
	size int64
	mode fs.FileMode
	sys  syscall.Stat_t
}

func (n *inode) info(path string) info {
	i := info{name: filepath.Base(path), size: int64(len(n.data)), mode: n.perm}
	if n.dir {
		i.mode |= fs.ModeDir
	}
	i.sys.Ino, i.sys.Uid = n.id, uint32(os.Geteuid())
	i.sys.Mtim = syscall.NsecToTimespec(n.mtime)
	i.sys.Ctim = i.sys.Mtim
	return i
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return time.Unix(i.sys.Mtim.Unix()) }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return &i.sys }

// memoryFile is an open file or directory.
type memoryFile struct {
	m      *memory
	ino    uint64
	path   string
	append bool
	off    int64
	os     *os.File
}

func (f *memoryFile) Name() string { return f.path }

func (f *memoryFile) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, f.off)
	f.off += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

func (f *memoryFile) ReadAt(p []byte, off int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	data := f.m.inodes[f.ino].data
	if off >= int64(len(data)) {
		return 0, io.EOF
	}
	n := copy(p, data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memoryFile) Write(p []byte) (int, error) {
	off := f.off
	if f.append {
		f.m.mu.Lock()
		off = int64(len(f.m.inodes[f.ino].data))
		f.m.mu.Unlock()
	}
	n, err := f.WriteAt(p, off)
	f.off = off + int64(n)
	return n, err
}

func (f *memoryFile) WriteAt(p []byte, off int64) (int, error) {
	data := slices.Clone(p)
	err := f.m.change(func() (change, error) {
		return change{op: write, ino: f.ino, off: off, data: data, what: fmt.Sprintf("write %d bytes at %d to %s", len(p), off, f.path)}, nil
	})
	return len(p), err
}

func (f *memoryFile) Truncate(size int64) error {
	return f.m.change(func() (change, error) {
		return change{op: truncate, ino: f.ino, off: size, what: fmt.Sprintf("truncate %s to %d", f.path, size)}, nil
	})
}

func (f *memoryFile) Sync() error {
	f.m.sync(f.ino)
	return nil
}

// Stat says what the file is. A file with locks answers with the kernel's own word on what they lie on, by which it is
// told from others.
func (f *memoryFile) Stat() (fs.FileInfo, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	n := f.m.inodes[f.ino]
	if n.back == nil {
		return n.info(f.path), nil
	}
	if err := n.back.Truncate(int64(len(n.data))); err != nil {
		return nil, err
	}
	return n.back.Stat()
}

// OS returns an open description of the anonymous file that the locks of this file lie on, one for each time that it
// was opened.
func (f *memoryFile) OS() *os.File {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	n := f.m.inodes[f.ino]
	if n.dir {
		return nil
	}
	if n.back == nil {
		fd, err := unix.MemfdCreate("forgetful", unix.MFD_CLOEXEC)
		if err != nil {
			return nil
		}
		n.back = os.NewFile(uintptr(fd), "forgetful")
		n.back.Chmod(n.perm) // an anonymous file is open to all
		f.m.backs = append(f.m.backs, n.back)
	}
	if f.os == nil {
		f.os, _ = os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", n.back.Fd()), os.O_RDWR|unix.O_CLOEXEC, 0)
	}
	return f.os
}

func (f *memoryFile) Close() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if f.os != nil {
		f.os.Close()
		f.os = nil
	}
	return nil
}
