package report

import (
	"cmp"
	"slices"
	"time"

	"runsheet"
)

// amounts returns how much of a run is done and how much there is in all (0: not known), by its evidence, and where that
// says nothing of the total, by its sheet.
func amounts(o runsheet.Observed) (completed, total int64, unit string) {
	spec := o.Run.Progress
	total, unit = spec.Total, spec.Unit
	if unit == "" && spec.Tracker == "epochs" {
		unit = "epoch"
	}
	p := o.Final()
	if p == nil || p.Error != "" {
		return 0, total, unit
	}
	if p.Total > 0 {
		total = p.Total
	}
	if p.Unit != "" {
		unit = p.Unit
	}
	return p.Completed, total, unit
}

// beingRead says whether nothing is known of a run's progress because its evidence is still being read.
func beingRead(o runsheet.Observed) bool {
	p := o.Final()
	return o.Reading && p != nil && p.Error != "" && !done(o)
}

// done says whether a run's status is that its work is complete.
func done(o runsheet.Observed) bool {
	return o.Status == runsheet.Finished || o.Status == runsheet.Outdated
}

// byExit says whether a run is done by its exit code alone.
func byExit(o runsheet.Observed) bool {
	p := o.Final()
	agrees := p != nil && p.Guessed && p.Total > 0 && p.Completed >= p.Total
	return done(o) && o.End != nil && !p.Complete() && !agrees
}

// mostGuessed is the share beyond which nothing is guessed to be done: that the work is complete is for others to say.
const mostGuessed = 99

// began says whether the last attempt of a run got as far as to start its command.
func began(o runsheet.Observed) bool { return o.Start != nil && !o.Start.Void }

// RunPercentage returns the share of a run's work that is done, in [0, 100], and whether it is known.
func RunPercentage(o runsheet.Observed) (float64, bool) {
	p := o.Final()
	if done(o) || p.Complete() {
		return 100, true
	}
	completed, total, _ := amounts(o)
	if p != nil && p.Error != "" && p.Completed == 0 || total == 0 {
		return 0, false
	}
	share := min(100*float64(max(completed, 0))/float64(total), 100)
	if p != nil && p.Guessed {
		share = min(share, mostGuessed)
	}
	return share, true
}

// Percentage returns the mean share over the runs of a sheet, one whose share is not known counting as 0, and whether
// there are runs.
func Percentage(s runsheet.Snapshot) (float64, bool) {
	if len(s.Runs) == 0 {
		return 0, false
	}
	var sum float64
	for _, o := range s.Runs {
		share, _ := RunPercentage(o)
		sum += share
	}
	return sum / float64(len(s.Runs)), true
}

// RunETA returns how long a live attempt will still take from now, and whether that is known.
func RunETA(o runsheet.Observed, now time.Time) (time.Duration, bool) {
	if !o.Live() || !began(o) || o.Status != runsheet.Running {
		return 0, false
	}
	return runsheet.ETA(o.Final(), o.Start.At, now)
}

// ETA estimates how long a whole sheet will still take, and says whether that can be told: 0 where every run is done;
// otherwise what is queued or pending is put one after another, in the order of the sheet, into the slots of what runs
// now, and of this machine as many as the policy has jobs, where the pool has it. An attempt takes what RunETA says, every
// other run its units that are left at the mean pace of all runs, or where its total is not known what the finished ones
// took in the mean. Runs that failed or were stopped are not expected to go on. It is not known where any of these is not,
// where nothing is left that goes on, and where all of it waits for a cluster.
func ETA(s runsheet.Snapshot) (time.Duration, bool) {
	var pace, wall mean
	for _, o := range s.Runs {
		if d, ok := unitTime(o); ok {
			pace.add(d)
		}
		if done(o) && began(o) && o.End != nil {
			wall.add(o.End.At.Sub(o.Start.At))
		}
	}
	var live, waiting []time.Duration
	finished := 0
	for _, o := range s.Runs {
		switch {
		case done(o):
			finished++
			continue
		case o.Live() && o.Status == runsheet.Unknown, beingRead(o):
			return 0, false
		case !o.Live() && o.Status != runsheet.Pending && o.Status != runsheet.Running:
			continue
		}
		d, ok := RunETA(o, s.AsOf)
		if !ok {
			d, ok = left(o, pace, wall)
		}
		if !ok {
			return 0, false
		}
		if o.Live() && !o.Waiting || o.Status == runsheet.Running {
			live = append(live, d)
		} else {
			waiting = append(waiting, d)
		}
	}
	if len(live)+len(waiting) == 0 {
		return 0, finished == len(s.Runs) && finished > 0
	}
	slots := live
	for len(slots) < slotsHere(s.Sheet) {
		slots = append(slots, 0)
	}
	if len(slots) == 0 {
		return 0, false
	}
	for _, d := range waiting {
		first := 0
		for i := range slots {
			if slots[i] < slots[first] {
				first = i
			}
		}
		slots[first] += d
	}
	return slices.Max(slots), true
}

// slotsHere returns how many attempts this machine takes at once.
func slotsHere(s *runsheet.Sheet) int {
	for _, entry := range s.Pool {
		if entry.Kind == "local" {
			return max(cmp.Or(entry.Jobs, s.Policy.Jobs), 1)
		}
	}
	if len(s.Pool) > 0 {
		return 0
	}
	return max(s.Policy.Jobs, 1)
}

// left returns how long the rest of a run takes at the pace of the others.
func left(o runsheet.Observed, pace, wall mean) (time.Duration, bool) {
	completed, total, _ := amounts(o)
	if total > 0 && pace.n > 0 {
		return time.Duration(max(total-completed, 0)) * pace.value(), true
	}
	return wall.value(), wall.n > 0
}

// maxRecent is how many marks a Progress keeps at most: with as many, older ones of the attempt may be missing.
const maxRecent = 16

// unitTime returns how long a unit took in the mean during the last attempt of a run, and whether any was completed.
func unitTime(o runsheet.Observed) (time.Duration, bool) {
	p := o.Final()
	if p == nil || p.Error != "" || !began(o) {
		return 0, false
	}
	if p.PerUnit > 0 {
		return p.PerUnit, true
	}
	marks := p.Recent // oldest first; those of earlier attempts do not count
	for len(marks) > 0 && !marks[0].After(o.Start.At) {
		marks = marks[1:]
	}
	switch n := len(marks); {
	case n == 0:
		return 0, false
	case n == maxRecent:
		return marks[n-1].Sub(marks[0]) / time.Duration(n-1), true
	default:
		return marks[n-1].Sub(o.Start.At) / time.Duration(n), true
	}
}

// mean is a running mean of durations.
type mean struct {
	sum time.Duration
	n   int
}

func (m *mean) add(d time.Duration) { m.sum, m.n = m.sum+d, m.n+1 }

func (m mean) value() time.Duration { return m.sum / time.Duration(max(m.n, 1)) }
