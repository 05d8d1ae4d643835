package tracker

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	edge  = 64       // bytes at each edge
	chunk = 64 << 10 // bytes read at once
	// slice is how many bytes of a file are read before what was made of them is kept: whoever is called off has come so far.
	slice = 4 << 20
)

// format says how an append-only file is taken in, piece by piece, into a state S that JSON can hold.
type format[S any] struct {
	// key names the format and all that it was set up with. A state that was left under another key is not gone on from.
	key   string
	split splitter
	// take takes a piece in. It must not keep it.
	take func(s *S, piece []byte)
	// whole says whether a piece without an end can be all that it was to be, where nobody writes to the file any more; nil: it
	// can.
	whole func(s *S, rest []byte) bool
	// done is called when pieces were taken in, with the time of the file's last change; nil: nothing is to be done.
	done func(s *S, at time.Time)
	// peek takes the unfinished piece at the end in, for this reading alone; nil: it is left for the next.
	peek func(s *S, rest []byte)
}

// follow reads what was added to the file rel since the last reading, and returns the state after it; the zero state
// where there is no such file. The file is a witness. One that was replaced, truncated or written anew is read from its
// beginning. It is read at least up to the size that it has when it is opened, in slices, and all that is taken in of one
// stood in it at one moment, behind the edges of those before. Of a broken one it returns the state before the fault, and the fault as a *brokenError; the next reading begins anew.
func follow[S any](ev *Evidence, rel string, f format[S]) (S, error) {
	var s S
	ev.Witness(rel)
	st, err := ev.Look(rel)
	if err != nil || st.Kind == Absent {
		return s, err
	}
	f.key += cutsKey(ev.cuts[rel])
	c, known := ev.cursor(rel, f.key)
	// What has no end is left for the next reading, and no end of it is waited for once its writer has exited well.
	over := !ev.complete || c.Offset == st.Size
	if known && !c.Part && f.peek == nil && over && (ev.kept(c) || c.Settled && c.Stamp == st) && json.Unmarshal(c.State, &s) == nil {
		ev.keep(c)
		return s, nil
	}
	file, err := ev.openSteady(rel)
	if err != nil {
		if absent(err) {
			return s, nil // removed in between, as the witness will show
		}
		return s, err
	}
	defer file.Close()
	aim := file.stamp.Size
	for anew := 0; ; {
		var after Cursor
		err = file.untilHeld(rel, func() (err error) {
			s, after, err = f.readOn(file, rel, c, aim)
			return err
		})
		if err != nil {
			return s, err
		}
		if ev.keep(after); !after.Part {
			return s, nil
		}
		if after.Offset <= c.Offset {
			anew++
		}
		if anew >= fewest {
			return s, file.never(rel)
		}
		c = after
		if err := file.begin(); err != nil {
			return s, unreadable(rel, err)
		}
	}
}

// readOn reads the next slice of a file from where the last reading ended, if it is still what it was then, and says where
// this one ended. The last slice begins less than one before aim, and goes up to the end.
func (f format[S]) readOn(file *steadyFile, rel string, c Cursor, aim int64) (s S, after Cursor, err error) {
	if !f.goesOn(file, c) || json.Unmarshal(c.State, &s) != nil {
		var zero S
		s, c = zero, Cursor{Path: rel, Key: f.key}
	}
	begun, size := c.Offset, file.stamp.Size
	stop := size
	if atOnce := file.ev.slice; file.ev.recorder == nil && aim-begun > atOnce {
		stop = min(size, begun+atOnce)
	}
	r := reading{ev: file.ev, file: file, begun: begun, at: begun, stop: stop, size: size, skipping: c.Inside,
		cuts: standing(file, file.ev.cuts[rel], size)}
	if err := r.all(f.split.cut, func(piece []byte) { f.take(&s, piece) }); err != nil {
		return s, c, r.fault(rel, err)
	}
	took := r.at > begun || c.Part
	c.Offset, c.Part = r.at, r.stop < size && r.end() >= r.stop
	c.Stamp, c.Settled, c.Edges, c.Inside, c.Torn = file.stamp, file.settled() && !c.Part, edges(file, c.Offset), r.skipping, nil
	if !c.Part && took && f.done != nil {
		f.done(&s, time.Unix(0, min(file.stamp.MTime, file.ev.now().UnixNano())))
	}
	if !c.Part && f.split.lines && r.unfinished() {
		c.Torn = newCut(file, rel, r.end())
	}
	if c.State, err = json.Marshal(&s); err != nil {
		return s, c, fmt.Errorf("%s: %w", rel, err) // a state that JSON cannot hold: a mistake of the format
	}
	if c.Part || len(r.buf) == 0 || r.skipping || r.leftAlone() {
		return s, c, nil
	}
	begins := r.begins(r.buf)
	if begins < 0 {
		return s, c, nil
	}
	r.drop(begins)
	if n, piece, err := f.split.cut(r.buf, file.ev.complete); err == nil && n > 0 && piece != nil && (f.whole == nil || f.whole(&s, piece)) {
		f.take(&s, piece) // its writer has exited: no end will come; but the next attempt may go on in the file
	} else if f.peek != nil {
		f.peek(&s, r.buf)
	}
	return s, c, nil
}

// goesOn says whether a file is the one that a cursor was left in, and was at most appended to since.
func (f format[S]) goesOn(file *steadyFile, c Cursor) bool {
	return c.Path != "" && c.Stamp.Inode == file.stamp.Inode && c.Offset <= file.stamp.Size &&
		(c.Stamp == file.stamp || c.Stamp.Size < file.stamp.Size) && // what changed and did not grow was written anew
		c.Edges == edges(file, c.Offset)
}

// edges returns a hash of the bytes at both edges of the first n of a file; "" where they cannot be read.
func edges(file io.ReaderAt, n int64) string {
	buf := make([]byte, 2*min(edge, n))
	half := int64(len(buf) / 2)
	if _, err := file.ReadAt(buf[:half], 0); err != nil && !errors.Is(err, io.EOF) {
		return ""
	}
	if _, err := file.ReadAt(buf[half:], n-half); err != nil && !errors.Is(err, io.EOF) {
		return ""
	}
	return hash(buf)
}

// hash returns a short hash of a few bytes.
func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}
