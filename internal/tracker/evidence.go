package tracker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"syscall"
	"time"

	"runsheet/internal/durable"
	"runsheet/internal/proc"
)

// How large a file of evidence may be, in bytes.
const (
	maxScores   = 64 << 20 // scores: streamed, so that megabytes of per_datapoint are never held
	maxDocument = 1 << 20  // progress.json
	maxConfig   = 4 << 20  // config.json
)

// How long a broken document is read again while it may still be being written: in all, and between two looks.
const (
	patience  = 2 * time.Second
	glance    = 100 * time.Millisecond // also where its stamps are old: the clock of a file server may be slow
	firstWait = 5 * time.Millisecond
	longWait  = 200 * time.Millisecond
)

// Evidence is a work dir as trackers see it during one reading. Each path is looked at before it is opened, so that a
// change in between shows in its stamp. It is not safe for use by several goroutines.
type Evidence struct {
	ctx   context.Context
	disk  durable.Disk
	dir   string
	now   func() time.Time
	sleep func(context.Context, time.Duration) error

	looks     map[string]found
	witnesses []string // in the order in which they were named
	identity  map[string]bool
	doc       *document // what progress.json says, once it was read
	docErr    error
	moving    bool // something was still being written when patience ran out
	lists     map[string][]Entry
	headers   map[string][]string // of tables
	configs   map[string][]byte   // small ones
	logs      map[string]*logState
	prior     []Cursor  // where the last reading ended
	cursors   []Cursor  // where this one ends
	complete  bool      // whoever wrote it has exited well: what has no end will get none
	recorder  *recorder // nil: nobody wants the course of the metrics
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

// Options are the clock of a reading, the real one where it is not given, and where the last reading ended.
type Options struct {
	Now     func() time.Time
	Sleep   func(context.Context, time.Duration) error
	Cursors []Cursor
}

// NewEvidence returns the evidence in the work dir dir, an absolute path.
func NewEvidence(ctx context.Context, disk durable.Disk, dir string, opts Options) *Evidence {
	ev := &Evidence{ctx: ctx, disk: disk, dir: dir, now: opts.Now, sleep: opts.Sleep,
		looks: map[string]found{}, identity: map[string]bool{}, lists: map[string][]Entry{},
		headers: map[string][]string{}, configs: map[string][]byte{}, logs: map[string]*logState{},
		prior: opts.Cursors}
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

// open opens a regular file of at most limit bytes.
func (ev *Evidence) open(rel string, limit int64) (io.ReadCloser, error) {
	if _, err := ev.Look(rel); err != nil {
		return nil, err
	}
	f, err := durable.OpenRegular(ev.disk, "progress", ev.abs(rel))
	if err != nil {
		return nil, unreadable(rel, err)
	}
	if info, err := f.Stat(); err != nil || info.Size() > limit {
		f.Close()
		if err == nil {
			err = fmt.Errorf("%w: %d bytes, at most %d", durable.ErrTooLarge, info.Size(), limit)
		}
		return nil, unreadable(rel, err)
	}
	return bounded{io.LimitReader(f, limit), f}, nil
}

// readAll reads a regular file of at most limit bytes whole.
func (ev *Evidence) readAll(rel string, limit int64) ([]byte, error) {
	f, err := ev.open(rel, limit)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, unreadable(rel, err)
	}
	return data, nil
}

type bounded struct {
	io.Reader
	io.Closer
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

// steadily calls parse, which reads rel and returns a *brokenError for contents that make no sense, until the contents
// make sense, or the file has not moved for some time, or patience runs out. It returns the last error, and whether
// the file was still moving then.
func (ev *Evidence) steadily(rel string, parse func() error) (moving bool, err error) {
	began := ev.now()
	last, err := ev.Look(rel)
	if err != nil {
		return false, err
	}
	moved := false
	for wait := firstWait; ; wait = min(2*wait, longWait) {
		var broken *brokenError
		if err = parse(); err == nil || !errors.As(err, &broken) {
			return false, err
		}
		// A look after the reading: it may have been truncated between the look before and the reading.
		st, lerr := ev.again(rel)
		if lerr != nil {
			return false, lerr
		}
		now := ev.now()
		if st != last {
			last, moved = st, true
		} else if !moved && now.Sub(began) >= glance && now.Sub(time.Unix(0, st.Newest())) >= patience {
			return false, err // old by its stamps, and at rest
		}
		if now.Sub(began) >= patience {
			return moved, err
		}
		if serr := ev.sleep(ev.ctx, wait); serr != nil {
			return true, err
		}
		if st, lerr = ev.again(rel); lerr != nil {
			return false, lerr
		}
		if st != last {
			last, moved = st, true
		}
	}
}

// brokenError is contents that make no sense.
type brokenError struct {
	rel  string
	size int64
	err  error
}

func (e *brokenError) Error() string {
	if e.size == 0 {
		return fmt.Sprintf("%s is broken: it is empty (0 bytes)", e.rel)
	}
	return fmt.Sprintf("%s is broken (%d bytes): %v", e.rel, e.size, e.err)
}

func (e *brokenError) Unwrap() error { return e.err }

// unreadable says in words why a path cannot be read, and what to do.
func unreadable(rel string, err error) error {
	why := err.Error()
	var path *fs.PathError
	if errors.As(err, &path) {
		why = path.Err.Error()
	}
	var hint string
	switch {
	case errors.Is(err, fs.ErrPermission):
		hint = "; make it readable for this user (chmod u+rX), or run as its owner"
	case errors.Is(err, durable.ErrNotRegular), errors.Is(err, syscall.ENXIO):
		why, hint = durable.ErrNotRegular.Error(), "; move it away, a regular file is expected"
	case errors.Is(err, syscall.ELOOP):
		hint = "; the symbolic link leads to itself, remove it"
	}
	return &unreadableError{fmt.Sprintf("%s cannot be read: %s%s", rel, why, hint), err}
}

type unreadableError struct {
	text string
	err  error
}

func (e *unreadableError) Error() string { return e.text }
func (e *unreadableError) Unwrap() error { return e.err }
