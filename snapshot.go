package runsheet

import "time"

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
}

// Snap judges the facts of a sheet's runs; facts[i] belongs to sheet.Runs[i].
func Snap(sheet *Sheet, facts []Facts, now time.Time) Snapshot {
	s := Snapshot{Sheet: sheet, AsOf: now, Runs: make([]Observed, len(facts))}
	for i, f := range facts {
		s.Runs[i] = Observed{&sheet.Runs[i], f, Judge(sheet.Runs[i], f, sheet.Policy, now)}
	}
	return s
}
