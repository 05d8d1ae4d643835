package recordtest

import (
	"fmt"
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

// World is everything that the steps can see: texts at places. It is not safe for use by several goroutines: one actor
// acts at a time.
type World struct {
	// Before and After, where they are set, are called in every step that is done, before and after it takes effect:
	// they are part of the step.
	Before func(*Proc, Step)
	After  func(*Proc, Step, error)
	// Server is the host whose disk the file system lies on, so that it is local there and to no other host; empty: it is
	// local to all. It never changes.
	Server string

	places map[place]int32
	names  []place // by number
	texts  map[string]int32
	text   []string // by number; 0 is the empty one
	state
	rec     *recording // of what is read and written; nil: nobody wants to know
	shut    bool       // a program runs between its steps: it must not look
	known   map[string]*Proc
	started int
}

// state is what changes as time goes on. Two worlds with equal states, of one Sim, have equal futures.
type state struct {
	at  []int32 // by the number of a place: the number of its text
	sum uint64  // XOR of one hash for each place that holds a text
}

// place is a piece of the world that can be read and written by itself: two steps are independent if neither writes a
// place that the other reads or writes.
type place struct {
	kind placeKind
	name string
	n    int64
}

type placeKind uint8

const (
	inNode    placeKind = iota // "d" or "f" and how often the path was made: what is at the path; "" is nothing
	inGens                     // how often a path was made
	inData                     // the contents of a file
	inNames                    // the names in a directory
	inLock                     // who holds a byte of a lock file
	inHeld                     // what locks a process holds
	inProc                     // a process: its key, or dead
	inLiving                   // the living processes
	inToken                    // those with a token
	inSession                  // those of a session
	inBoard                    // what a test put there
	inLocal                    // where an actor stands in its program: of no step but its own
	inBudget                   // the faults that have happened
)

// New returns a world that holds the root directory alone.
func New() *World {
	w := &World{places: map[place]int32{}, texts: map[string]int32{"": 0}, text: []string{""}, known: map[string]*Proc{}}
	w.set(place{kind: inNode, name: "/"}, "d1")
	return w
}

// epoch is when everything begins.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// number returns the number of a place.
func (w *World) number(p place) int32 {
	if w.shut {
		panic(fmt.Sprintf("seen or changed outside of a step: %v", p))
	}
	n, ok := w.places[p]
	if !ok {
		n = int32(len(w.names))
		w.places[p] = n
		w.names = append(w.names, p)
		w.at = append(w.at, 0)
	}
	for int(n) >= len(w.at) { // a state from before the place was heard of
		w.at = append(w.at, 0)
	}
	return n
}

func (w *World) intern(s string) int32 {
	n, ok := w.texts[s]
	if !ok {
		n = int32(len(w.text))
		w.texts[s] = n
		w.text = append(w.text, s)
	}
	return n
}

func (w *World) get(p place) string {
	n := w.number(p)
	w.rec.read(n, w.at[n])
	return w.text[w.at[n]]
}

// set writes a place. What was there counts as read, so that one knows of each write what it replaced.
func (w *World) set(p place, s string) {
	n, v := w.number(p), w.intern(s)
	w.rec.read(n, w.at[n])
	if w.at[n] != v {
		w.put(n, v)
	}
}

// put writes a place blindly.
func (w *World) put(n, v int32) {
	w.rec.write(n, v)
	w.state.put(n, v)
}

func (s *state) put(n, v int32) {
	s.sum ^= mix(n, s.at[n]) ^ mix(n, v)
	s.at[n] = v
}

// mix hashes one text at one place; a place that holds nothing counts for nothing.
func mix(n, v int32) uint64 {
	if v == 0 {
		return 0
	}
	h := uint64(uint32(n))<<32 | uint64(uint32(v))
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// copyFrom makes the state equal to another.
func (s *state) copyFrom(o *state) {
	s.at = append(s.at[:0], o.at...)
	s.sum = o.sum
}

// Set puts a value on the board: state of a test that is part of the world, as a journal or evidence. An empty value
// takes it away.
func (w *World) Set(key, value string) { w.set(place{kind: inBoard, name: key}, value) }

// Get returns a value of the board.
func (w *World) Get(key string) string { return w.get(place{kind: inBoard, name: key}) }

// recording is what was read and written, in order. Of a place that was written, no later reading counts.
type recording struct{ reads, writes []assign }

// assign is a text at a place.
type assign struct{ place, text int32 }

func find(list []assign, n int32) int {
	for i, a := range list {
		if a.place == n {
			return i
		}
	}
	return -1
}

func (r *recording) read(n, v int32) {
	if r != nil && find(r.writes, n) < 0 && find(r.reads, n) < 0 {
		r.reads = append(r.reads, assign{n, v})
	}
}

func (r *recording) write(n, v int32) {
	if r == nil {
		return
	}
	if i := find(r.writes, n); i >= 0 {
		r.writes[i].text = v
		return
	}
	r.writes = append(r.writes, assign{n, v})
}
