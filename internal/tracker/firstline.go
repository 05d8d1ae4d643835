package tracker

import (
	"bufio"
	"errors"
	"io"
	"slices"
)

const maxFirstLine = 64 << 10 // bytes

// firstLine returns the first line of a file below the work dir, without its end; nil where there is none, or no end of
// it yet. It is cheap, for whoever wants to know whether a file is of its kind: what it looked at it names as a witness.
func (ev *Evidence) firstLine(rel string) []byte {
	ev.WitnessIdentity(rel)
	if st, err := ev.Look(rel); err != nil || st.Kind != Regular {
		return nil
	}
	var first []byte
	enough, err := ev.headLines(rel, maxFirstLine, func(_ int, line []byte) bool {
		first = slices.Clone(line)
		return false
	})
	if err != nil || !enough {
		ev.Witness(rel) // the rest may come
		return nil
	}
	return first
}

// headLines calls next with the finished lines among the first limit bytes of a file, without their ends, and with their
// numbers from 0 on, until it returns false; it says whether it did. What an attempt that is over did not finish is left
// out. Where the file is written anew meanwhile, the lines come again from number 0 on.
func (ev *Evidence) headLines(rel string, limit int64, next func(n int, line []byte) bool) (enough bool, err error) {
	if _, err := ev.Look(rel); err != nil {
		return false, err
	}
	f, err := ev.openSteady(rel)
	if err != nil {
		return false, err
	}
	defer f.Close()
	err = f.untilHeld(rel, func() error {
		enough = false
		r := reading{file: f, cuts: standing(f, ev.cuts[rel], min(f.stamp.Size, limit))}
		lines := bufio.NewReader(io.LimitReader(f, limit))
		for n := 0; ; {
			line, err := lines.ReadBytes('\n')
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return unreadable(rel, err)
			}
			r.buf = line
			begins := r.begins(line[:len(line)-1])
			if r.drop(len(line)); begins < 0 {
				continue
			}
			if !next(n, line[begins:len(line)-1]) {
				enough = true
				return nil
			}
			n++
		}
	})
	return enough, err
}
