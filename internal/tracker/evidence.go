package tracker

import (
	"context"
	"path/filepath"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/proc"
)

// How large a file of evidence may be, in bytes.
const (
	maxScores   = 64 << 20 // scores: streamed, so that megabytes of per_datapoint are never held
	maxDocument = 1 << 20  // progress.json
	maxConfig   = 4 << 20  // config.json
)

// Evidence is a work dir as trackers see it during one reading. Each path is looked at before it is opened, so that a
// change in between shows in its stamp. It is not safe for use by several goroutines.
type Evidence struct {
	ctx   context.Context
	disk  durable.Disk
	dir   string
	now   func() time.Time
	sleep func(context.Context, time.Duration) error
	slice int64 // bytes of a growing file that are read before what was made of them is kept

	looks     map[string]found
	sizes     map[string]int64 // of the files that were read, when they were
	witnesses []string         // in the order in which they were named
	identity  map[string]bool
	doc       *document // what progress.json says, once it was read
	docErr    error
	moving    bool // something was still being written when patience ran out
	another   bool // a file had changed between the look at it and its opening, or ended before its end
	lists     map[string][]Entry
	scored    map[string]runsheet.Metrics // what files of scores said
	pointers  map[string]string           // what files say that name a checkpoint
	headers   map[string][]string         // of tables
	configs   map[string][]byte           // small ones
	logs      map[string]*logState
	prior     []Cursor                  // where the last reading ended
	cursors   []Cursor                  // where this one ends
	complete  bool                      // whoever wrote it has exited well: what has no end will get none
	cuts      map[string][]runsheet.Cut // by file: where earlier attempts ended in the middle of a line
	torn      map[string]runsheet.Cut   // of the files of lines that were read: where they end in the middle of one, if they do
	passed    *brokenError              // the first broken file that was passed over, since others tell; nil: none was
	recorder  *recorder                 // nil: nobody wants the course of the metrics
}

// found is what a look at a path found.
type found struct {
	stamp  Stamp
	target *Stamp
	err    error // why it cannot be looked at
}

// resolved is the stamp of what the path leads to.
func (f found) resolved() Stamp {
	if f.target != nil {
		return *f.target
	}
	return f.stamp
}

// Options are the clock of a reading, the real one where it is not given, where the last reading ended, and how many bytes
// of a growing file are read before what was made of them is kept; 0: 4 MiB.
type Options struct {
	Now     func() time.Time
	Sleep   func(context.Context, time.Duration) error
	Cursors []Cursor
	Slice   int64
}

// NewEvidence returns the evidence in the work dir dir, an absolute path.
func NewEvidence(ctx context.Context, disk durable.Disk, dir string, opts Options) *Evidence {
	ev := &Evidence{ctx: ctx, disk: disk, dir: dir, now: opts.Now, sleep: opts.Sleep, slice: opts.Slice,
		looks: map[string]found{}, sizes: map[string]int64{}, scored: map[string]runsheet.Metrics{}, pointers: map[string]string{}, identity: map[string]bool{}, lists: map[string][]Entry{},
		headers: map[string][]string{}, configs: map[string][]byte{}, logs: map[string]*logState{},
		prior: opts.Cursors, cuts: map[string][]runsheet.Cut{}, torn: map[string]runsheet.Cut{}}
	if ev.slice == 0 {
		ev.slice = slice
	}
	if ev.now == nil {
		ev.now = time.Now
	}
	if ev.sleep == nil {
		ev.sleep = proc.SystemClock().Wait
	}
	return ev
}

// Look returns what a path below the work dir is, links followed, as of the first look in this reading. It returns an
// error where that cannot be said.
func (ev *Evidence) Look(rel string) (Stamp, error) {
	f, ok := ev.looks[rel]
	if !ok {
		f.stamp, f.target, f.err = look(ev.disk, ev.abs(rel))
		ev.looks[rel] = f
	}
	if f.err != nil {
		return f.resolved(), unreadable(rel, f.err)
	}
	return f.resolved(), nil
}

// again looks at a path anew.
func (ev *Evidence) again(rel string) (Stamp, error) {
	delete(ev.looks, rel)
	return ev.Look(rel)
}

// Witness names paths that the answer depends on.
func (ev *Evidence) Witness(rels ...string) {
	for _, rel := range rels {
		if _, ok := ev.identity[rel]; !ok {
			ev.witnesses = append(ev.witnesses, rel)
		}
		ev.identity[rel] = false
	}
}

// WitnessIdentity names a path of which only kind and inode matter.
func (ev *Evidence) WitnessIdentity(rel string) {
	if _, ok := ev.identity[rel]; !ok {
		ev.witnesses = append(ev.witnesses, rel)
		ev.identity[rel] = true
	}
}

// Witnesses returns what was named, with the stamps that were seen before anything was read.
func (ev *Evidence) Witnesses() []Witness {
	out := make([]Witness, 0, len(ev.witnesses))
	for _, rel := range ev.witnesses {
		ev.Look(rel)
		f := ev.looks[rel]
		out = append(out, Witness{Path: rel, Stamp: f.stamp, Target: f.target, Identity: ev.identity[rel]})
	}
	return out
}

func (ev *Evidence) abs(rel string) string { return filepath.Join(ev.dir, filepath.FromSlash(rel)) }

// skew is how far in the future a stamp may lie because the clock of a file server is ahead; one beyond that tells of
// nobody's work.
const skew = time.Minute

// newest returns the newest time of modification seen, leaving out the work dir itself, which our own publishing
// changes. A stamp slightly in the future counts as now.
func (ev *Evidence) newest() time.Time {
	var n int64
	for rel, f := range ev.looks {
		if rel == "." || rel == documentName && ev.doc != nil && ev.doc.ours {
			continue
		}
		if at := f.resolved().MTime; at <= ev.now().Add(skew).UnixNano() {
			n = max(n, at)
		}
	}
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, min(n, ev.now().UnixNano()))
}
