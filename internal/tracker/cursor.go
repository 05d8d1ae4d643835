package tracker

import (
	"encoding/json"
	"slices"

	"runsheet"
)

// Cursor is how far a file that is only appended to was read, and what its reader made of it: where the next reading
// goes on.
type Cursor struct {
	Path   string `json:"path"` // as of a witness
	Key    string `json:"key"`  // of the format
	Stamp  Stamp  `json:"stamp"`
	Offset int64  `json:"offset"`          // bytes that were taken in
	Inside bool   `json:"inside,omitzero"` // the offset lies in a piece that is too long, whose rest is to be passed over
	Edges  string `json:"edges"`           // hash of the first and the last bytes of these
	Part   bool   `json:"part,omitzero"`   // the reading did not come to the end of the file: it was called off
	// Settled: the file had come of age when it was read, so that an equal stamp tells of the same contents.
	Settled bool            `json:"settled,omitzero"`
	Torn    *runsheet.Cut   `json:"torn,omitempty"` // where the file ended in the middle of a line; nil: it did not
	State   json.RawMessage `json:"state"`
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

// keepPrior keeps the cursors of those files that were not read, for a reading that comes after this one was called off.
func (ev *Evidence) keepPrior() {
	for _, c := range ev.prior {
		if !ev.kept(c) {
			ev.keep(c)
		}
	}
}

// keep keeps a cursor for the next reading.
func (ev *Evidence) keep(c Cursor) {
	if delete(ev.torn, c.Path); c.Torn != nil {
		ev.torn[c.Path] = *c.Torn
	}
	ev.cursors = slices.DeleteFunc(ev.cursors, func(k Cursor) bool { return k.Path == c.Path && k.Key == c.Key })
	size := len(c.State)
	for _, k := range ev.cursors {
		size += len(k.State)
	}
	if size <= maxKept {
		ev.cursors = append(ev.cursors, c)
	}
}
