package tracker

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
)

// reading is the way through a slice of a file, from begun on up to stop: further where no piece ends before that.
type reading struct {
	ev       *Evidence
	file     io.ReaderAt
	begun    int64
	at       int64 // the beginning of buf in the file
	stop     int64
	size     int64   // of the file
	buf      []byte  // read, and not taken in
	skipping bool    // up to the next end of a line: a jump led into the middle of one, or it was too long
	cuts     []int64 // where earlier attempts ended in the middle of a line, in order
}

// maxPiece is how many bytes one piece may have; what is longer is passed over.
const maxPiece = 1 << 20

// end returns up to where the file was read.
func (r *reading) end() int64 { return r.at + int64(len(r.buf)) }

// unfinished says whether the file ends in the middle of a piece.
func (r *reading) unfinished() bool { return len(r.buf) > 0 || r.skipping }

// cutsIn returns the places of the cuts within the first n bytes of what was read: not at their edges.
func (r *reading) cutsIn(n int) (out []int) {
	for _, at := range r.cuts {
		if r.at < at && at < r.at+int64(n) {
			out = append(out, int(at-r.at))
		}
	}
	return out
}

// begins returns where the line begins in a piece of the first bytes of what was read: behind the unfinished line of an
// attempt that is over, where the next one appended to it; -1 where that cannot be told.
func (r *reading) begins(piece []byte) int {
	if cuts := r.cutsIn(len(piece)); len(cuts) > 0 {
		return lineBegins(linesBefore(r.file, r.at, r.cuts), piece, cuts)
	}
	return 0
}

// leftAlone says whether the file ends where an attempt that is over left it in the middle of a line.
func (r *reading) leftAlone() bool { return slices.Contains(r.cuts, r.end()) }

// fault says why the file cannot be read on: its contents are broken, or it could not be read.
func (r *reading) fault(rel string, err error) error {
	if syn := (*syntaxError)(nil); errors.As(err, &syn) {
		return &brokenError{rel: rel, size: r.size, err: syn}
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
				n := bytes.IndexAny(r.buf, "\n\r") + 1
				if cuts := r.cutsIn(len(r.buf)); len(cuts) > 0 && (n == 0 || cuts[0] < n) {
					n = cuts[0]
				}
				if n == 0 {
					r.drop(len(r.buf))
					break
				}
				r.drop(n)
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
			if begins := r.begins(piece); piece != nil && begins >= 0 {
				take(piece[begins:])
			}
			r.drop(n)
		}
		if len(r.buf) >= maxPiece {
			r.skipping = true
			continue
		}
		next := r.end()
		if next >= r.stop && r.at == r.begun {
			r.stop = min(r.size, next+chunk)
		}
		want := min(chunk, r.stop-next)
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
