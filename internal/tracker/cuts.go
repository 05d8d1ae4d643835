package tracker

import (
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"runsheet"
	"runsheet/internal/record"
)

// newCut notes that a file ends in the middle of a line, at the byte end. It returns nil if the file cannot be read there, or
// lies among our records: no other attempt appends to those.
func newCut(file io.ReaderAt, rel string, end int64) *runsheet.Cut {
	before, ok := hashBefore(file, end)
	if !ok || strings.HasPrefix(rel, record.DirName+"/") {
		return nil
	}
	return &runsheet.Cut{Path: rel, Offset: end, Before: before}
}

// hashBefore returns a hash of the bytes before a place in a file, and whether they are there.
func hashBefore(file io.ReaderAt, end int64) (string, bool) {
	buf := make([]byte, min(end, edge))
	n, _ := file.ReadAt(buf, end-int64(len(buf)))
	return hash(buf), n == len(buf)
}

// standing returns the places of those cuts that a file of some size still has, in order: one that was written anew has
// none of them.
func standing(file io.ReaderAt, cuts []runsheet.Cut, size int64) []int64 {
	var out []int64
	for _, c := range cuts {
		if c.Offset <= 0 || c.Offset > size {
			continue
		}
		if before, ok := hashBefore(file, c.Offset); ok && before == c.Before {
			out = append(out, c.Offset)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// cutsKey tells states apart that were left with other cuts in mind.
func cutsKey(cuts []runsheet.Cut) string {
	var b strings.Builder
	for _, c := range cuts {
		b.WriteString("\x00cut " + strconv.FormatInt(c.Offset, 10) + " " + c.Before)
	}
	return b.String()
}

// Cuts returns where the files of lines that were read end in the middle of one.
func (ev *Evidence) Cuts() []runsheet.Cut {
	var out []runsheet.Cut
	for _, rel := range slices.Sorted(maps.Keys(ev.torn)) {
		out = append(out, ev.torn[rel])
	}
	return out
}
