package tracker

import (
	"math"
	"slices"
	"time"

	"runsheet"
)

// laps are counts, and how long the process had run by its own clock when it reached them: the last few of them. JSON
// can hold it.
type laps []lap

type lap struct {
	Count   int64   `json:"count"`
	Seconds float64 `json:"seconds"`
}

// maxSeconds is the longest time that a process is believed to have run: 300 years, so that it fits a time.Duration.
const maxSeconds = 1e10 / 1.1

// see notes that a count was reached. A clock that goes back is that of a new process: what was noted before is let go.
func (l *laps) see(count int64, seconds float64) {
	if math.IsNaN(seconds) || seconds < 0 || seconds > maxSeconds {
		return
	}
	old := *l
	if n := len(old); n > 0 && old[n-1].Seconds > seconds {
		old = nil
	}
	for len(old) > 0 && old[len(old)-1].Count >= count {
		old = old[:len(old)-1]
	}
	if old = append(old, lap{count, seconds}); len(old) > maxMarks {
		old = slices.Delete(old, 0, len(old)-maxMarks)
	}
	*l = old
}

// tell puts the pace into a progress, where the last of the counts was reached at the given time.
func (l laps) tell(out *runsheet.Progress, last time.Time) {
	var p pace
	for _, m := range l {
		ago := l[len(l)-1].Seconds - m.Seconds
		p.see(last.Add(-time.Duration(ago*float64(time.Second))), m.Count)
	}
	p.tell(out)
}
