package evidence

import (
	"cmp"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"runsheet/internal/durable"
)

// memory is a file system in memory whose clock and stamps are the test's own. A read is cut into chunks, and something
// may happen before each: the kernel promises no more. An inode number is given out again once nobody uses it, as ext4
// does. It has one caller at a time.
type memory struct {
	root   *inode
	now    time.Time
	grain  time.Duration  // stamps are cut off at it
	chunk  int            // bytes of one read
	before func(op)       // called before each operation of a reader; nil: nothing happens
	locks  *os.File       // what all locks lie on
	held   map[uint64]int // numbers of open files
}

// op is an operation of a reader.
type op struct {
	kind string
	path string // "": it waits
}

func (o op) String() string {
	return strings.TrimSpace(o.kind + " " + strings.TrimPrefix(o.path, workDir+"/"))
}

// inode is a file or a directory.
type inode struct {
	number uint64
	dir    bool
	data   []byte
	names  map[string]*inode // of a directory
	mtime  int64             // ns since 1970
	ctime  int64
}

func newMemory(w weather, locks *os.File) *memory {
	m := &memory{now: epoch, grain: w.grain, chunk: w.chunk, locks: locks, held: map[uint64]int{}}
	m.root = &inode{number: 2, dir: true, names: map[string]*inode{}}
	return m
}

// clone returns a copy that nothing is open in.
func (m *memory) clone() *memory {
	out := *m
	out.root, out.before, out.held = m.root.clone(), nil, map[uint64]int{}
	return &out
}

func (i *inode) clone() *inode {
	out := *i
	if i.dir {
		out.names = make(map[string]*inode, len(i.names))
		for name, below := range i.names {
			out.names[name] = below.clone() // there are no hard links where one is made
		}
	}
	return &out
}

// stamp is the time that changes get now.
func (m *memory) stamp() int64 { return m.now.Truncate(m.grain).UnixNano() }

// free returns the lowest number that nothing has.
func (m *memory) free() uint64 {
	used := map[uint64]bool{}
	var walk func(*inode)
	walk = func(i *inode) {
		used[i.number] = true
		for _, below := range i.names {
			walk(below)
		}
	}
	walk(m.root)
	for n := uint64(11); ; n++ {
		if !used[n] && m.held[n] == 0 {
			return n
		}
	}
}

// at returns what has that path; nil: nothing.
func (m *memory) at(path string) *inode {
	i := m.root
	for seg := range strings.SplitSeq(filepath.Clean(path), "/") {
		if seg == "" {
			continue
		}
		if i = i.names[seg]; i == nil {
			return nil
		}
	}
	return i
}

// parent returns the directory of a path, and the last part of it.
func (m *memory) parent(path string) (*inode, string, error) {
	dir := m.at(filepath.Dir(path))
	if dir == nil || !dir.dir {
		return nil, "", fs.ErrNotExist
	}
	return dir, filepath.Base(path), nil
}

// put makes a new entry of a directory.
func (m *memory) put(dir *inode, name string, i *inode) {
	dir.names[name] = i
	dir.mtime = m.stamp()
	dir.ctime = dir.mtime
}

func (m *memory) make(dir *inode, name string, isDir bool) *inode {
	i := &inode{number: m.free(), dir: isDir, mtime: m.stamp(), ctime: m.stamp()}
	if isDir {
		i.names = map[string]*inode{}
	}
	m.put(dir, name, i)
	return i
}

// change sets the contents of a file.
func (m *memory) change(i *inode, data []byte) {
	i.data, i.mtime = data, m.stamp()
	i.ctime = i.mtime
}

// turn is called before each operation of a reader.
func (m *memory) turn(kind, path string) {
	if m.before != nil {
		m.before(op{kind, path})
	}
}

func fault(kind, path string, err error) error { return &fs.PathError{Op: kind, Path: path, Err: err} }

func (m *memory) Open(_, path string, flag int, _ fs.FileMode) (durable.File, error) {
	m.turn("open", path)
	i := m.at(path)
	switch {
	case i == nil && flag&os.O_CREATE == 0:
		return nil, fault("open", path, unix.ENOENT)
	case i != nil && flag&os.O_EXCL != 0:
		return nil, fault("open", path, unix.EEXIST)
	case i == nil:
		dir, name, err := m.parent(path)
		if err != nil {
			return nil, fault("open", path, unix.ENOENT)
		}
		i = m.make(dir, name, false)
	}
	if flag&os.O_TRUNC != 0 {
		m.change(i, nil)
	}
	m.held[i.number]++
	return &file{m: m, i: i, path: path}, nil
}

func (m *memory) Link(_, oldname, newname string) error {
	m.turn("link", newname)
	i := m.at(oldname)
	dir, name, err := m.parent(newname)
	switch {
	case i == nil || err != nil:
		return fault("link", newname, unix.ENOENT)
	case dir.names[name] != nil:
		return fault("link", newname, unix.EEXIST)
	}
	m.put(dir, name, i)
	i.ctime = m.stamp()
	return nil
}

func (m *memory) Rename(_, oldname, newname string) error {
	m.turn("rename", newname)
	from, old, err := m.parent(oldname)
	if err != nil || from.names[old] == nil {
		return fault("rename", oldname, unix.ENOENT)
	}
	to, name, err := m.parent(newname)
	if err != nil {
		return fault("rename", newname, unix.ENOENT)
	}
	i := from.names[old]
	delete(from.names, old)
	from.mtime, from.ctime = m.stamp(), m.stamp()
	m.put(to, name, i)
	i.ctime = m.stamp()
	return nil
}

func (m *memory) Remove(_, path string) error {
	m.turn("remove", path)
	dir, name, err := m.parent(path)
	if err != nil || dir.names[name] == nil {
		return fault("remove", path, unix.ENOENT)
	}
	delete(dir.names, name)
	dir.mtime, dir.ctime = m.stamp(), m.stamp()
	return nil
}

func (m *memory) Mkdir(_, path string, _ fs.FileMode) error {
	m.turn("mkdir", path)
	dir, name, err := m.parent(path)
	switch {
	case err != nil:
		return fault("mkdir", path, unix.ENOENT)
	case dir.names[name] != nil:
		return fault("mkdir", path, unix.EEXIST)
	}
	m.make(dir, name, true)
	return nil
}

func (m *memory) Lstat(_, path string) (fs.FileInfo, error) {
	m.turn("look at", path)
	i := m.at(path)
	if i == nil {
		return nil, fault("lstat", path, unix.ENOENT)
	}
	return infoOf(filepath.Base(path), i), nil
}

func (m *memory) ReadDir(_, path string) ([]fs.DirEntry, error) {
	m.turn("list", path)
	i := m.at(path)
	switch {
	case i == nil:
		return nil, fault("open", path, unix.ENOENT)
	case !i.dir:
		return nil, fault("readdirent", path, unix.ENOTDIR)
	}
	var out []fs.DirEntry
	for name, below := range i.names {
		out = append(out, fs.FileInfoToDirEntry(infoOf(name, below)))
	}
	slices.SortFunc(out, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return out, nil
}

// file is an open file of a memory.
type file struct {
	m    *memory
	i    *inode
	path string
	off  int64
	lock *os.File
}

func (f *file) Name() string { return f.path }

// OS returns a description of its own to lock: there is one lock file.
func (f *file) OS() *os.File {
	if f.lock == nil && f.m.locks != nil {
		f.lock, _ = os.OpenFile(f.m.locks.Name(), os.O_RDWR, 0)
	}
	return f.lock
}

func (f *file) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	f.m.turn("read", f.path)
	n := 0
	if f.off < int64(len(f.i.data)) {
		n = copy(p[:min(len(p), f.m.chunk)], f.i.data[f.off:])
	}
	if f.off += int64(n); n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// ReadAt reads chunk by chunk, as the kernel copies page by page.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) {
		f.m.turn("read", f.path)
		at := off + int64(done)
		if at >= int64(len(f.i.data)) {
			return done, io.EOF
		}
		done += copy(p[done:min(len(p), done+f.m.chunk)], f.i.data[at:])
	}
	return done, nil
}

func (f *file) Write(p []byte) (int, error) {
	n, err := f.WriteAt(p, f.off)
	f.off += int64(n)
	return n, err
}

func (f *file) WriteAt(p []byte, off int64) (int, error) {
	f.m.turn("write", f.path)
	f.m.change(f.i, overwrite(f.i.data, p, off))
	return len(p), nil
}

// overwrite returns data with p at off; what lies between is zero.
func overwrite(data, p []byte, off int64) []byte {
	out := slices.Clone(data)
	if need := int(off) + len(p); need > len(out) {
		out = append(out, make([]byte, need-len(out))...)
	}
	copy(out[off:], p)
	return out
}

func (f *file) Sync() error { return nil }

func (f *file) Truncate(size int64) error {
	f.m.turn("truncate", f.path)
	data := slices.Clone(f.i.data[:min(size, int64(len(f.i.data)))])
	f.m.change(f.i, append(data, make([]byte, size-int64(len(data)))...))
	return nil
}

func (f *file) Stat() (fs.FileInfo, error) {
	f.m.turn("stat", f.path)
	return infoOf(filepath.Base(f.path), f.i), nil
}

func (f *file) Close() error {
	if f.m.held[f.i.number]--; f.lock != nil {
		return f.lock.Close()
	}
	return nil
}

// info is what a file was when somebody looked.
type info struct {
	name string
	i    inode
}

func infoOf(name string, i *inode) fs.FileInfo {
	return info{name, inode{number: i.number, dir: i.dir, data: i.data, mtime: i.mtime, ctime: i.ctime}}
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return int64(len(i.i.data)) }
func (i info) ModTime() time.Time { return time.Unix(0, i.i.mtime) }
func (i info) IsDir() bool        { return i.i.dir }

func (i info) Mode() fs.FileMode {
	if i.i.dir {
		return fs.ModeDir | 0o755
	}
	return 0o644
}

func (i info) Sys() any {
	return &syscall.Stat_t{Ino: i.i.number, Uid: uint32(os.Geteuid()), Ctim: syscall.NsecToTimespec(i.i.ctime)}
}
