package tracker

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"runsheet/internal/durable"
)

// Cursor is how far a file that is only appended to was read, and what its reader made of it: where the next reading
// goes on.
type Cursor struct {
	Path   string          `json:"path"` // as of a witness
	Key    string          `json:"key"`  // of the format
	Stamp  Stamp           `json:"stamp"`
	Offset int64           `json:"offset"`          // bytes that were taken in
	Inside bool            `json:"inside,omitzero"` // the offset lies in a piece that is too long, whose rest is to be passed over
	Edges  string          `json:"edges"`           // hash of the first and the last bytes of these
	State  json.RawMessage `json:"state"`
}

const (
	edge     = 64       // bytes at each edge
	chunk    = 64 << 10 // bytes read at once
	maxPiece = 1 << 20  // bytes of one piece; what is longer is passed over
)

// format says how an append-only file is taken in, piece by piece, into a state S that JSON can hold.
type format[S any] struct {
	// key names the format and all that it was set up with. A state that was left under another key is not gone on from.
	key string
	// split cuts the first whole piece off (bufio.SplitFunc; it is told of the end of the file only where nobody will write
	// to it any more). An advance beyond the data passes over what need not be read. An error means that the file is broken for good from here on.
	split bufio.SplitFunc
	// take takes a piece in. It must not keep it.
	take func(s *S, piece []byte)
	// done is called when pieces were taken in, with the time of the file's last change; nil: nothing is to be done.
	done func(s *S, at time.Time)
	// peek takes the unfinished piece at the end in, for this reading alone; nil: it is left for the next.
	peek func(s *S, rest []byte)
}

// follow reads what was added to the file rel since the last reading, and returns the state after it; the zero state
// where there is no such file. The file is a witness. One that was replaced, truncated or written anew is read from its
// beginning. A file is opened once in a reading, and read up to the size that it has then. Of a broken one it returns the state before
// the fault, and the fault as a *brokenError; the next reading begins anew.
func follow[S any](ev *Evidence, rel string, f format[S]) (S, error) {
	var s S
	ev.Witness(rel)
	st, err := ev.Look(rel)
	if err != nil || st.Kind == Absent {
		return s, err
	}
	c, known := ev.cursor(rel, f.key)
	if known && c.Stamp == st && f.peek == nil && (ev.kept(c) || ev.now().Sub(time.Unix(0, st.Newest())) > patience) {
		if json.Unmarshal(c.State, &s) == nil {
			ev.keep(c)
			return s, nil
		}
	}
	file, err := durable.OpenRegular(ev.disk, "progress", ev.abs(rel))
	if err != nil {
		if absent(err) {
			return s, nil // removed in between, as the witness will show
		}
		return s, unreadable(rel, err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return s, unreadable(rel, err)
	}
	size := info.Size()
	if known && (c.Stamp.Inode != stampOf(info).Inode || c.Offset > size || c.Edges != edges(file, c.Offset)) {
		known = false
	}
	if !known || json.Unmarshal(c.State, &s) != nil {
		var zero S
		s, c = zero, Cursor{Path: rel, Key: f.key}
	}
	begun := c.Offset
	r := reading{ev: ev, file: file, at: c.Offset, size: size, skipping: c.Inside}
	take := func(piece []byte) { f.take(&s, piece) }
	if err := r.all(f.split, take); err != nil {
		return s, r.fault(rel, err)
	}
	if c.Offset = r.at; f.done != nil && c.Offset > begun {
		f.done(&s, time.Unix(0, min(st.MTime, ev.now().UnixNano())))
	}
	c.Stamp, c.Edges, c.Inside = st, edges(file, c.Offset), r.skipping
	if c.State, err = json.Marshal(&s); err != nil {
		return s, fmt.Errorf("%s: %w", rel, err) // a state that JSON cannot hold: a mistake of the format
	}
	ev.keep(c)
	if len(r.buf) == 0 || r.skipping {
		return s, nil
	}
	if n, piece, err := f.split(r.buf, ev.complete); err == nil && n > 0 && piece != nil {
		f.take(&s, piece) // its writer has exited: no end will come; but the next attempt may go on in the file
	} else if f.peek != nil {
		f.peek(&s, r.buf)
	}
	return s, nil
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
	sum := sha256.Sum256(buf)
	return hex.EncodeToString(sum[:8])
}

// reading is the way through one file, from at on up to size.
type reading struct {
	ev       *Evidence
	file     io.ReaderAt
	at, size int64  // at: the beginning of buf in the file
	buf      []byte // read, and not taken in
	skipping bool   // up to the next end of a line: a jump led into the middle of one, or it was too long
}

// fault says why the file cannot be read on: its contents are broken, or it could not be read.
func (r *reading) fault(rel string, err error) error {
	if syn := (*syntaxError)(nil); errors.As(err, &syn) {
		return &brokenError{rel, r.size, syn}
	}
	return unreadable(rel, err)
}

// all takes whole pieces in until none is left.
func (r *reading) all(split bufio.SplitFunc, take func([]byte)) error {
	for {
		if err := r.ev.ctx.Err(); err != nil {
			return err
		}
		for len(r.buf) > 0 {
			if r.skipping {
				i := bytes.IndexAny(r.buf, "\n\r")
				if i < 0 {
					r.drop(len(r.buf))
					break
				}
				r.drop(i + 1)
				r.skipping = false
				continue
			}
			n, piece, err := split(r.buf, false)
			if err != nil {
				return &syntaxError{what: fmt.Sprintf("%v at byte %d", err, r.at)}
			}
			if n == 0 {
				break
			}
			if int64(n) > r.size-r.at { // it is to be passed over, and is not whole yet
				return nil
			}
			if piece != nil {
				take(piece)
			}
			r.drop(n)
		}
		if len(r.buf) >= maxPiece {
			r.skipping = true
			continue
		}
		next := r.at + int64(len(r.buf))
		want := min(chunk, r.size-next)
		if want <= 0 {
			return nil
		}
		from := len(r.buf)
		r.buf = append(r.buf, make([]byte, want)...)
		n, err := r.file.ReadAt(r.buf[from:], next)
		r.buf = r.buf[:from+n]
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if n == 0 {
			return nil // it shrank meanwhile, as the witness will show
		}
	}
}

// drop goes on by n bytes, of which some may not have been read.
func (r *reading) drop(n int) {
	r.at += int64(n)
	if n >= len(r.buf) {
		r.buf = r.buf[:0]
		return
	}
	r.buf = r.buf[n:]
}

// cursor returns where this or the last reading of a file in a format ended, and whether there was one.
func (ev *Evidence) cursor(rel, key string) (Cursor, bool) {
	if ev.recorder != nil {
		return Cursor{}, false // every point is wanted
	}
	for _, list := range [][]Cursor{ev.cursors, ev.prior} {
		for _, c := range list {
			if c.Path == rel && c.Key == key {
				return c, true
			}
		}
	}
	return Cursor{}, false
}

// kept says whether a cursor is of this reading.
func (ev *Evidence) kept(c Cursor) bool {
	return slices.ContainsFunc(ev.cursors, func(k Cursor) bool { return k.Path == c.Path && k.Key == c.Key })
}

// maxKept is how many bytes the states of all cursors of one work dir may take in its document; a file whose state has no
// room is read anew each time that it changes.
const maxKept = 1 << 20

// keep keeps a cursor for the next reading.
func (ev *Evidence) keep(c Cursor) {
	ev.cursors = slices.DeleteFunc(ev.cursors, func(k Cursor) bool { return k.Path == c.Path && k.Key == c.Key })
	size := len(c.State)
	for _, k := range ev.cursors {
		size += len(k.State)
	}
	if size <= maxKept {
		ev.cursors = append(ev.cursors, c)
	}
}

// byLine splits at the ends of lines; the piece comes without "\n" or "\r\n".
func byLine(data []byte, end bool) (int, []byte, error) {
	i := bytes.IndexByte(data, '\n')
	if i < 0 {
		return theRest(data, end)
	}
	return i + 1, bytes.TrimSuffix(data[:i], []byte("\r")), nil
}

// byRedraw splits at every "\n" and "\r": progress bars draw themselves anew after a carriage return.
func byRedraw(data []byte, end bool) (int, []byte, error) {
	i := bytes.IndexAny(data, "\n\r")
	if i < 0 {
		return theRest(data, end)
	}
	return i + 1, data[:i], nil
}

// theRest splits off what has no end, where none will come.
func theRest(data []byte, end bool) (int, []byte, error) {
	if end {
		return len(data), data, nil
	}
	return 0, nil, nil
}
