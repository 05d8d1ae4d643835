package recordtest

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// Step is one call of a process on the world.
type Step struct {
	Op    string // "read", "write-once", "try", ...
	Label string // the label of the call, where it has one
	Path  string // what it is about
}

// String returns the step in one line.
func (s Step) String() string {
	return strings.TrimRight(fmt.Sprintf("%s(%s) %s", s.Op, s.Label, s.Path), " ")
}

// Fate is what becomes of a step.
type Fate int

// The fates.
const (
	Done   Fate = iota
	Refuse      // it is not done, and an error is reported
	Lose        // it is done, and an error is reported all the same: the reply was lost
)

// World is everything that the steps can see. It is not safe for use by several goroutines: one actor acts at a time.
type World struct {
	// Hook is called before each step; nil lets every step be done.
	Hook func(*Proc, Step) Fate
	// Shared says that the file system is shared between machines, so that it is local to none.
	Shared bool

	nodes map[string]*node
	gens  map[string]int // how often a path was made
	board map[string]string
	procs []*Proc
	now   time.Time
	sum   uint64 // of nodes, locks, processes and board: XOR of one hash for each fact
}

// node is a file or a directory.
type node struct {
	path  string
	dir   bool
	names map[string]bool // of a directory
	data  []byte
	gen   int
	locks map[int64]*lock
	gone  bool // removed: it is reached only by those who have it open
}

// New returns a world that holds the root directory alone.
func New() *World {
	w := &World{nodes: map[string]*node{}, gens: map[string]int{}, board: map[string]string{},
		now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	w.nodes["/"] = &node{path: "/", dir: true, names: map[string]bool{}}
	return w
}

// hash returns a hash of some texts, which depends on where one ends and the next begins (FNV-1a, then mixed, so that
// hashes can be combined by XOR).
func hash(parts ...string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, p := range parts {
		for i := range len(p) {
			h = (h ^ uint64(p[i])) * 0x100000001b3
		}
		h = (h ^ 0x100 ^ uint64(len(p))) * 0x100000001b3
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	return h ^ h>>29
}

// toggle enters a fact into the sum, or takes it out.
func (w *World) toggle(parts ...string) { w.sum ^= hash(parts...) }

// State returns a hash of what processes can see: equal worlds have equal states.
func (w *World) State() uint64 { return w.sum }

// Sum returns a hash of the state together with all that each living process has seen so far, on which alone its
// further steps depend: two worlds of one sum have the same futures.
func (w *World) Sum() uint64 {
	sum := w.sum
	for _, p := range w.procs {
		if !p.dead {
			sum ^= (p.seen ^ uint64(p.PID)*0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd
		}
	}
	return sum
}

// Set puts a value on the board: state of a test that is part of the world, as a journal or evidence. An empty value
// takes it away.
func (w *World) Set(key, value string) {
	if old := w.board[key]; old != "" {
		w.toggle("board", key, old)
	}
	w.board[key] = value
	if value != "" {
		w.toggle("board", key, value)
	}
}

// Get returns a value of the board.
func (w *World) Get(key string) string { return w.board[key] }

// Procs returns all processes that there ever were, in the order of their making.
func (w *World) Procs() []*Proc { return w.procs }

// File returns the contents of a file, without a step.
func (w *World) File(path string) ([]byte, bool) {
	n := w.nodes[path]
	if n == nil || n.dir {
		return nil, false
	}
	return n.data, true
}

// Put makes data the contents of a file, whatever was there, without a step: for broken file systems.
func (w *World) Put(path string, data []byte) error {
	n := w.nodes[path]
	if n == nil {
		var err error
		if n, err = w.add(path, false); err != nil {
			return err
		}
	}
	w.toggle("data", path, string(n.data))
	n.data = data
	w.toggle("data", path, string(n.data))
	return nil
}

// MkdirAll makes a directory and those above it, without a step.
func (w *World) MkdirAll(dir string) error {
	if n := w.nodes[dir]; n != nil {
		if !n.dir {
			return notDir("mkdir", dir)
		}
		return nil
	}
	if err := w.MkdirAll(path.Dir(dir)); err != nil {
		return err
	}
	_, err := w.add(dir, true)
	return err
}

// RemoveAll removes a directory and all below it, without a step. Who has a file open keeps it, and its locks.
func (w *World) RemoveAll(dir string) {
	var below []string
	for p := range w.nodes {
		if p == dir || strings.HasPrefix(p, dir+"/") {
			below = append(below, p)
		}
	}
	for _, p := range below {
		n := w.nodes[p]
		w.toggle("node", p, fmt.Sprint(n.gen, n.dir))
		if !n.dir {
			w.toggle("data", p, string(n.data))
		}
		n.gone = true
		delete(w.nodes, p)
	}
	if parent := w.nodes[path.Dir(dir)]; parent != nil {
		delete(parent.names, path.Base(dir))
	}
}

// add makes a file or directory whose name is free.
func (w *World) add(p string, dir bool) (*node, error) {
	parent := w.nodes[path.Dir(p)]
	if parent == nil {
		return nil, missing("create", p)
	}
	if !parent.dir {
		return nil, notDir("create", p)
	}
	w.gens[p]++
	n := &node{path: p, dir: dir, gen: w.gens[p], locks: map[int64]*lock{}}
	if dir {
		n.names = map[string]bool{}
	}
	w.nodes[p] = n
	parent.names[path.Base(p)] = true
	w.toggle("node", p, fmt.Sprint(n.gen, dir))
	if !dir {
		w.toggle("data", p, "")
	}
	return n, nil
}

// list returns the names in a directory, in order.
func (w *World) list(dir string) ([]string, error) {
	n := w.nodes[dir]
	if n == nil {
		return nil, missing("list", dir)
	}
	if !n.dir {
		return nil, notDir("list", dir)
	}
	names := make([]string, 0, len(n.names))
	for name := range n.names {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

func missing(op, p string) error { return &fs.PathError{Op: op, Path: p, Err: fs.ErrNotExist} }
func notDir(op, p string) error {
	return &fs.PathError{Op: op, Path: p, Err: fmt.Errorf("not a directory")}
}
