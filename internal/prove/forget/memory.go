package forget

import (
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
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
