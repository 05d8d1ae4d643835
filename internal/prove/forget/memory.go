package forget

import (
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"runsheet/internal/durable"
)

// memory is a file system in memory that knows which of its changes were synced. It has files, directories and hard
// links, and real locks: the bytes of a file are locked on an anonymous file of the kernel that stands for it.
type memory struct {
	mu      sync.Mutex
	base    map[uint64]*inode // what was durable when settle was called last
	inodes  map[uint64]*inode
	next    uint64
	log     []change // since then
	tick    int      // counts changes and syncs
	changes func()   // called before each of them, without mu
	backs   []*os.File
}

const rootInode = 1

// inode is a file or a directory.
type inode struct {
	id      uint64
	dir     bool
	perm    fs.FileMode
	data    []byte            // never written in place: images share it
	entries map[string]uint64 // of a directory
	mtime   int64             // ns
	back    *os.File          // what its locks lie on; nil: nobody has locked it
}

// change is one change of a file or of the entries of a directory.
type change struct {
	op     op
	ino    uint64 // whose data or entries
	from   uint64 // move: the directory that the name is taken from
	name   string
	old    string // move: the name that is taken away
	target uint64 // set, move
	off    int64
	data   []byte
	at     int64 // ns
	issued int   // the tick
	synced int   // the tick at which it became durable; math.MaxInt: not yet
	what   string
}

type op int

const (
	write op = iota
	truncate
	set  // a name in a directory
	drop // a name from a directory
	move
)

func newMemory() *memory {
	m := &memory{inodes: map[uint64]*inode{rootInode: {id: rootInode, dir: true, perm: 0o755, entries: map[string]uint64{}}}, next: rootInode}
	m.settle()
	return m
}

// settle makes all that there is durable, and forgets how it came about.
func (m *memory) settle() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.base, m.log, m.tick = clone(m.inodes), nil, 0
}

// close lets the locks go.
func (m *memory) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range m.backs {
		f.Close()
	}
	m.backs = nil
}

func clone(in map[uint64]*inode) map[uint64]*inode {
	out := make(map[uint64]*inode, len(in))
	for id, n := range in {
		c := *n
		c.back = nil
		if n.dir {
			c.entries = make(map[string]uint64, len(n.entries))
			for k, v := range n.entries {
				c.entries[k] = v
			}
		}
		out[id] = &c
	}
	return out
}

// apply does a change to a set of inodes.
func (c *change) apply(inodes map[uint64]*inode) {
	n := inodes[c.ino]
	switch c.op {
	case write:
		n.data = patched(n.data, c.off, c.data)
	case truncate:
		n.data = resized(n.data, c.off)
	case set:
		n.entries[c.name] = c.target
	case drop:
		delete(n.entries, c.name)
	case move:
		from := inodes[c.from]
		if from.entries[c.old] == c.target {
			delete(from.entries, c.old)
		}
		n.entries[c.name] = c.target
		from.mtime = max(from.mtime, c.at)
	}
	n.mtime = max(n.mtime, c.at)
}

func patched(data []byte, off int64, p []byte) []byte {
	out := make([]byte, max(int64(len(data)), off+int64(len(p))))
	copy(out, data)
	copy(out[off:], p)
	return out
}

func resized(data []byte, size int64) []byte {
	out := make([]byte, size)
	copy(out, data)
	return out
}

// change does a change and keeps it.
func (m *memory) change(make func() (change, error)) error {
	if m.changes != nil {
		m.changes()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := make()
	if err != nil {
		return err
	}
	m.tick++
	c.at, c.issued, c.synced = time.Now().UnixNano(), m.tick, math.MaxInt
	c.apply(m.inodes)
	m.log = append(m.log, c)
	return nil
}

// sync makes the changes of one file or directory durable.
func (m *memory) sync(ino uint64) {
	if m.changes != nil {
		m.changes()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tick++
	for i := range m.log {
		if c := &m.log[i]; c.synced == math.MaxInt && (c.ino == ino || c.op == move && c.from == ino) {
			c.synced = m.tick
		}
	}
}

// find walks to a path; the caller holds mu.
func (m *memory) find(op, path string) (*inode, error) {
	n := m.inodes[rootInode]
	for name := range strings.SplitSeq(strings.Trim(filepath.Clean(path), "/"), "/") {
		if name == "" {
			continue
		}
		if !n.dir {
			return nil, &fs.PathError{Op: op, Path: path, Err: unix.ENOTDIR}
		}
		id, ok := n.entries[name]
		if !ok {
			return nil, &fs.PathError{Op: op, Path: path, Err: unix.ENOENT}
		}
		n = m.inodes[id]
	}
	return n, nil
}

// parent finds the directory of a path; the caller holds mu.
func (m *memory) parent(op, path string) (*inode, error) {
	n, err := m.find(op, filepath.Dir(path))
	if err == nil && !n.dir {
		return nil, &fs.PathError{Op: op, Path: path, Err: unix.ENOTDIR}
	}
	return n, err
}

// make makes an inode that has no name yet; the caller holds mu.
func (m *memory) make(dir bool, perm fs.FileMode) *inode {
	m.next++
	n := &inode{id: m.next, dir: dir, perm: perm, mtime: time.Now().UnixNano()}
	if dir {
		n.entries = map[string]uint64{}
	}
	m.inodes[n.id] = n
	// An inode without changes is as it was made, wherever its name reached the disk.
	c := *n
	if dir {
		c.entries = map[string]uint64{}
	}
	m.base[n.id] = &c
	return n
}

func (m *memory) Open(_, path string, flag int, perm fs.FileMode) (durable.File, error) {
	m.mu.Lock()
	n, err := m.find("open", path)
	m.mu.Unlock()
	switch {
	case err == nil && flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0:
		return nil, &fs.PathError{Op: "open", Path: path, Err: unix.EEXIST}
	case err == nil && n.dir && flag&(os.O_WRONLY|os.O_RDWR) != 0:
		return nil, &fs.PathError{Op: "open", Path: path, Err: unix.EISDIR}
	case err != nil && (flag&os.O_CREATE == 0 || !os.IsNotExist(err)):
		return nil, err
	case err != nil:
		if err := m.change(func() (change, error) {
			dir, err := m.parent("open", path)
			if err != nil {
				return change{}, err
			}
			n = m.make(false, perm)
			return change{op: set, ino: dir.id, name: filepath.Base(path), target: n.id, what: "create " + path}, nil
		}); err != nil {
			return nil, err
		}
	}
	f := &memoryFile{m: m, ino: n.id, path: path, append: flag&os.O_APPEND != 0}
	if flag&os.O_TRUNC != 0 {
		if err := f.Truncate(0); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (m *memory) Link(_, oldname, newname string) error {
	return m.change(func() (change, error) {
		n, err := m.find("link", oldname)
		if err != nil {
			return change{}, err
		}
		dir, err := m.parent("link", newname)
		if err != nil {
			return change{}, err
		}
		name := filepath.Base(newname)
		if _, taken := dir.entries[name]; taken {
			return change{}, &os.LinkError{Op: "link", Old: oldname, New: newname, Err: unix.EEXIST}
		}
		return change{op: set, ino: dir.id, name: name, target: n.id, what: "link " + newname}, nil
	})
}

func (m *memory) Rename(_, oldname, newname string) error {
	return m.change(func() (change, error) {
		n, err := m.find("rename", oldname)
		if err != nil {
			return change{}, err
		}
		from, err := m.parent("rename", oldname)
		if err != nil {
			return change{}, err
		}
		to, err := m.parent("rename", newname)
		if err != nil {
			return change{}, err
		}
		return change{op: move, ino: to.id, from: from.id, old: filepath.Base(oldname), name: filepath.Base(newname), target: n.id, what: "rename to " + newname}, nil
	})
}

func (m *memory) Remove(_, path string) error {
	return m.change(func() (change, error) {
		n, err := m.find("remove", path)
		if err != nil {
			return change{}, err
		}
		if n.dir && len(n.entries) > 0 {
			return change{}, &fs.PathError{Op: "remove", Path: path, Err: unix.ENOTEMPTY}
		}
		dir, err := m.parent("remove", path)
		if err != nil {
			return change{}, err
		}
		return change{op: drop, ino: dir.id, name: filepath.Base(path), what: "remove " + path}, nil
	})
}

func (m *memory) Mkdir(_, path string, perm fs.FileMode) error {
	return m.change(func() (change, error) {
		dir, err := m.parent("mkdir", path)
		if err != nil {
			return change{}, err
		}
		name := filepath.Base(path)
		if _, taken := dir.entries[name]; taken {
			return change{}, &fs.PathError{Op: "mkdir", Path: path, Err: unix.EEXIST}
		}
		return change{op: set, ino: dir.id, name: name, target: m.make(true, perm).id, what: "mkdir " + path}, nil
	})
}

func (m *memory) Lstat(_, path string) (fs.FileInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find("lstat", path)
	if err != nil {
		return nil, err
	}
	return n.info(path), nil
}

func (m *memory) ReadDir(_, path string) ([]fs.DirEntry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find("open", path)
	if err != nil {
		return nil, err
	}
	if !n.dir {
		return nil, &fs.PathError{Op: "readdir", Path: path, Err: unix.ENOTDIR}
	}
	out := make([]fs.DirEntry, 0, len(n.entries))
	for name, id := range n.entries {
		out = append(out, fs.FileInfoToDirEntry(m.inodes[id].info(name)))
	}
	slices.SortFunc(out, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return out, nil
}

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
