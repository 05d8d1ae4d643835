package runsheet

import (
	"slices"
	"time"
)

// What `stuck_after: auto` makes of a run's own pace.
const (
	stuckFactor   = 5                // times the median duration of a unit
	stuckAtLeast  = 5 * time.Minute  // however quick the units are
	stuckUnlearnt = 30 * time.Minute // until three durations are known
	stuckLearnt   = 3
)

// StuckAfter returns how long an attempt may show no sign of progress until it is stuck: what the policy says, or
// several times the median duration of the run's own units.
func StuckAfter(p *Progress, policy Policy) time.Duration {
	if policy.StuckAfter > 0 {
		return policy.StuckAfter
	}
	if p == nil {
		return stuckUnlearnt
	}
	median, n := medianStep(p.Recent)
	if n < stuckLearnt {
		return stuckUnlearnt
	}
	return max(stuckFactor*median, stuckAtLeast)
}

// Idle returns how long a live attempt has shown no sign of life, although it ran; its start counts as one. Where it was
// suspended it is no longer than that, and may be less.
func (f Facts) Idle(now time.Time) time.Duration {
	last := f.LastActivity
	if f.Start != nil && f.Start.At.After(last) {
		last = f.Start.At
	}
	return max(now.Sub(last)-f.Stood, 0)
}

// ETA returns how long the run will still take at the median pace of its latest units, counting from now, and whether
// that is known. Units completed before since, as those of an earlier attempt, do not count.
func ETA(p *Progress, since, now time.Time) (time.Duration, bool) {
	if p == nil || p.Error != "" || p.Total == 0 {
		return 0, false
	}
	if p.Complete() {
		return 0, true
	}
	if p.PerUnit > 0 && len(p.Recent) > 0 {
		last := p.Recent[len(p.Recent)-1]
		left := time.Duration(p.Total-p.Completed)*p.PerUnit - max(now.Sub(last), 0)
		return max(left, 0), left > 0 && !last.Before(since) // what takes longer than ever takes nobody knows how long
	}
	marks := slices.DeleteFunc(slices.Clone(p.Recent), func(t time.Time) bool { return t.Before(since) })
	if !since.IsZero() {
		marks = slices.Insert(marks, 0, since)
	}
	median, n := medianStep(marks)
	if n == 0 {
		return 0, false
	}
	left := time.Duration(p.Total-p.Completed) * median
	spent := now.Sub(marks[len(marks)-1]) // in the unit that is under way
	return max(left-max(spent, 0), 0), true
}

// medianStep returns the median distance between neighbouring marks, and how many distances there were.
func medianStep(marks []time.Time) (time.Duration, int) {
	var steps []time.Duration
	for i := 1; i < len(marks); i++ {
		if d := marks[i].Sub(marks[i-1]); d > 0 {
			steps = append(steps, d)
		}
	}
	if len(steps) == 0 {
		return 0, 0
	}
	slices.Sort(steps)
	return steps[len(steps)/2], len(steps)
}
