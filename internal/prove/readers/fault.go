package readers

import (
	"math/rand/v2"

	"runsheet"
)

// The faults that a test plants, to see that the checker finds them.
const (
	faultStale = "stale" // the answer of an earlier call
	faultMixed = "mixed" // the count of one state with the mark of another
	faultEmpty = "empty" // nothing, as if there were no evidence
)

// planted returns p, or now and then what a faulty cache would have given instead.
func (w *worker) planted(rng *rand.Rand, p runsheet.Progress) runsheet.Progress {
	if w.Fault == "" {
		return p
	}
	last := w.last.Load()
	if rng.IntN(1000) == 0 {
		w.last.Store(&p)
	}
	switch {
	case rng.IntN(500) != 0:
	case w.Fault == faultStale && last != nil:
		old := *last
		old.AsOf = p.AsOf
		return old
	case w.Fault == faultMixed && w.Kind == kindForeign:
		p.Completed++
	case w.Fault == faultEmpty:
		return runsheet.Progress{AsOf: p.AsOf}
	}
	return p
}
