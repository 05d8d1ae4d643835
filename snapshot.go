package runsheet

import (
	"fmt"
	"time"
)

// Snapshot is what the faces show: every run of a sheet, or of a directory without one, as it was at one moment.
type Snapshot struct {
	Sheet  *Sheet    // for a plain directory: a sheet that holds only the runs found below it
	AsOf   time.Time // when the last of the facts was read
	Runs   []Observed
	Strays []Observed // live attempts that the sheet no longer has
	Gone   Gone       // finished runs that it no longer has
}

// Observed is a run with its facts and the judgement over them.
type Observed struct {
	Run *Run // of the sheet, which never changes
	Facts
	Judgement
	Next *Next // of one that failed: the try that the living launcher is about to make; nil: none, or nobody knows
}

// Next is the next try of a run that failed.
type Next struct {
	Attempt int
	At      time.Time // not before; zero: as soon as there is a place for it
}

// Words says it in words, as "attempt 2 in 40s".
func (n Next) Words(now time.Time) string {
	if left := n.At.Sub(now); left > 0 {
		return fmt.Sprintf("attempt %d in %s", n.Attempt, Span((left + time.Second - 1).Truncate(time.Second)))
	}
	return fmt.Sprintf("attempt %d as soon as there is a place for it", n.Attempt)
}

// Snap judges the facts of a sheet's runs; facts[i] belongs to sheet.Runs[i].
func Snap(sheet *Sheet, facts []Facts, now time.Time) Snapshot {
	s := Snapshot{Sheet: sheet, AsOf: now, Runs: make([]Observed, len(facts))}
	for i, f := range facts {
		s.Runs[i] = Observed{Run: &sheet.Runs[i], Facts: f, Judgement: Judge(sheet.Runs[i], f, sheet.Policy, now)}
	}
	return s
}
