package tracker

import (
	"math"
	"time"
)

// epochTag says whether values of that name are the epoch.
func epochTag(name string) bool {
	switch name {
	case "epoch", "Epoch", "train/epoch":
		return true
	}
	return false
}

// epochTotals are the names under which configurations say how many epochs there will be.
var epochTotals = []string{"epochs", "num_train_epochs", "max_epochs", "num_epochs", "n_epochs", "total_epochs"}

// epochSeries is what is known of the values that training code logs as its epoch. It can mean three things: the share
// of all epochs that is done (transformers: 1.25), written once when an epoch is done, or the epoch under way, written
// with everything that is logged in it (Lightning). JSON can hold it.
type epochSeries struct {
	First    float64 `json:"first"`
	Last     float64 `json:"last"`
	Step     int64   `json:"step"` // at which Last was written first
	Any      bool    `json:"any,omitzero"`
	Share    bool    `json:"share,omitzero"`    // some value was not whole, or the name is that of transformers
	Repeated bool    `json:"repeated,omitzero"` // one value was written at several steps
	Pace     pace    `json:"pace,omitempty"`    // of the values
}

// see takes a value in.
func (s *epochSeries) see(name string, step int64, v float64, at time.Time) {
	if !(v >= 0 && v <= maxEpochs) {
		return
	}
	if !s.Any {
		s.Any, s.First, s.Last, s.Step = true, v, v, step
	} else if v == s.Last {
		// At the same step it is only written again; at an earlier one a resume has gone back.
		s.Repeated = s.Repeated || step > s.Step
		s.Step = min(s.Step, step)
	} else {
		s.Last, s.Step = v, step
	}
	s.Share = s.Share || v != math.Trunc(v) || name == "train/epoch" && s.First > 0
	if !at.IsZero() {
		s.Pace.see(at, int64(v))
	}
}

// merge takes in what a later file says.
func (s *epochSeries) merge(later *epochSeries) {
	if !later.Any {
		return
	}
	if !s.Any {
		*s = *later
		s.Pace = append(pace(nil), later.Pace...)
		return
	}
	s.Last, s.Step = later.Last, later.Step
	s.Share, s.Repeated = s.Share || later.Share, s.Repeated || later.Repeated
	for _, m := range later.Pace {
		s.Pace.see(m.At, m.Count)
	}
}

// done returns how many epochs are certainly over, and whether anything says so.
func (s *epochSeries) done() (int64, bool) {
	last, once := int64(s.Last), !s.Repeated && s.First != s.Last
	switch {
	case !s.Any:
		return 0, false
	case s.Share:
		return last, true
	case s.First == 0 && once: // the epochs 0, 1, ... each written when it was over
		return last + 1, true
	case s.First == 0 || once:
		return last, true
	}
	return last - 1, true // the epoch under way, counted from 1
}
