package tracker

import (
	"bufio"
	"bytes"
)

// splitter says how a file is cut into pieces.
type splitter struct {
	// cut cuts the first whole piece off; it is told of the end of the file only where nobody will write to it any more. An
	// advance beyond the data passes over what need not be read. An error means that the file is broken for good from here on.
	cut bufio.SplitFunc
	// lines: the pieces are lines, and nothing but their ends tells one from the next.
	lines bool
}

// The ways to split lines. byRedraw: progress bars draw themselves anew after a carriage return.
var (
	byLine   = splitter{splitLines, true}
	byRedraw = splitter{splitRedraws, true}
)

// byRecord splits with a function that knows from a record itself where it ends.
func byRecord(cut bufio.SplitFunc) splitter { return splitter{cut: cut} }

// splitLines splits at the ends of lines; the piece comes without "\n" or "\r\n".
func splitLines(data []byte, end bool) (int, []byte, error) {
	i := bytes.IndexByte(data, '\n')
	if i < 0 {
		return theRest(data, end)
	}
	return i + 1, bytes.TrimSuffix(data[:i], []byte("\r")), nil
}

// splitRedraws splits at every "\n" and "\r": progress bars draw themselves anew after a carriage return.
func splitRedraws(data []byte, end bool) (int, []byte, error) {
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
