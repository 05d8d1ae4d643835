package tracker

import (
	"bytes"
	"io"
	"regexp"
	"slices"
	"strings"
)

// A file that an attempt left in the middle of a line is gone on with in one of two ways. The next attempt appends: then a
// line of its own begins at the cut. Or it writes the file anew, and up to the cut it writes what stood there: the head of a
// table is always the same, and where a training does twice the same, so is the rest. Then the cut means nothing. The bytes
// do not say which it was; how the lines before look nearly always does.

// lineBegins returns where in a piece with cuts in it the line begins: at 0 or at one of the cuts; -1 where nobody can tell,
// and the piece is to be passed over. before are lines that come before it, in order.
func lineBegins(before [][]byte, piece []byte, cuts []int) int {
	begins := append([]int{0}, cuts...)
	if len(before) == 0 {
		// Nothing goes on from a file that was cut in its first line: whoever appends to it begins with that line.
		for _, at := range slices.Backward(cuts) {
			if bytes.HasPrefix(piece[at:], piece[:cuts[0]]) {
				return at
			}
		}
		return 0
	}
	for _, at := range slices.Backward(cuts) {
		if slices.ContainsFunc(before, func(line []byte) bool { return bytes.Equal(line, piece[at:]) }) {
			return at // a head that is written again
		}
	}
	begins = alike(before, piece, begins, shapeOf)
	if len(begins) > 1 {
		if at, numbered := nextNumber(before, piece, begins); numbered {
			return at
		}
		begins = alike(before, piece, begins, firstWord)
	}
	if len(begins) > 1 {
		begins = alike(before, piece, begins, func(line []byte) string { return manyDigits.ReplaceAllString(firstWord(line), "0") })
	}
	if len(begins) > 1 {
		return -1
	}
	return begins[0]
}

// alike returns those beginnings from which on a piece looks like a line before it, or all of them where none does.
func alike(before [][]byte, piece []byte, begins []int, look func([]byte) string) []int {
	var out []int
	for _, at := range begins {
		if slices.ContainsFunc(before, func(line []byte) bool { return look(line) == look(piece[at:]) }) {
			out = append(out, at)
		}
	}
	if len(out) == 0 {
		return begins
	}
	return out
}

// shapeOf returns a line without its words and numbers: what separates them.
func shapeOf(line []byte) string {
	var b strings.Builder
	last := byte(0)
	for _, c := range line {
		switch {
		case inWord(c):
			c = 'w'
		case c == '\t' || c == '\r':
			c = ' '
		}
		if c != last || c != 'w' && c != ' ' {
			b.WriteByte(c)
		}
		last = c
	}
	return b.String()
}

func inWord(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80 || strings.IndexByte("_.+-", c) >= 0
}

// firstWord returns what a line begins with, each of its digits as one and the same.
func firstWord(line []byte) string {
	if i := bytes.IndexAny(line, ",;:= \t\r"); i >= 0 {
		line = line[:i]
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '0'
		}
		return r
	}, string(line))
}

// manyDigits are the digits of a number, as firstWord writes them.
var manyDigits = regexp.MustCompile("0+")

// nextNumber returns the beginning from which on the number that a piece begins with is the next after those of the lines
// before; the last beginning where none is, since only who goes on from further back leaves it so; -1 where several are.
// numbered: the lines begin with whole numbers.
func nextNumber(before [][]byte, piece []byte, begins []int) (at int, numbered bool) {
	number := func(line []byte) (int64, bool) {
		line = bytes.TrimLeft(line, " \t")
		if i := bytes.IndexAny(line, ",;: \t\r"); i >= 0 {
			line = line[:i]
		}
		return parseCount(string(line))
	}
	var last, stride int64
	some := false
	for _, line := range before {
		if n, ok := number(line); ok {
			if some && n > last {
				stride = n - last
			}
			last, some = n, true
		}
	}
	if stride == 0 {
		stride = max(last, 1)
	}
	var next []int
	for _, b := range begins {
		n, ok := number(piece[b:])
		if !ok {
			return -1, false
		}
		if n > last && n <= last+2*stride {
			next = append(next, b)
		}
	}
	switch {
	case !some || len(next) > 1:
		return -1, true
	case len(next) == 0:
		return begins[len(begins)-1], true
	}
	return next[0], true
}

// linesBefore returns some of the lines that end before a place in a file: the first one, and the last ones. Those with cuts
// in them are left out.
func linesBefore(file io.ReaderAt, at int64, cuts []int64) [][]byte {
	const some = 4 << 10 // bytes
	lines := func(from, to int64) (out [][]byte) {
		text := make([]byte, to-from)
		n, _ := file.ReadAt(text, from)
		for text = text[:n]; ; {
			n, line, _ := splitRedraws(text, false)
			if n == 0 {
				return out
			}
			whole := !slices.ContainsFunc(cuts, func(cut int64) bool { return from < cut && cut < from+int64(n) })
			if whole && len(bytes.TrimSpace(line)) > 0 {
				out = append(out, line)
			}
			text, from = text[n:], from+int64(n)
		}
	}
	if at <= 2*some {
		return lines(0, at)
	}
	out := lines(0, some)
	out = out[:min(len(out), 1)]
	if last := lines(at-some, at); len(last) > 1 {
		out = append(out, last[1:]...) // the first of them may be a part of one
	}
	return out
}
