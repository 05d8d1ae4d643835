package runsheet

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// every returns n moments so far apart, the last one at noon.
func every(d time.Duration, n int) []time.Time {
	var marks []time.Time
	for i := range n {
		marks = append(marks, noon.Add(-d*time.Duration(n-1-i)))
	}
	return marks
}

func TestStuckAfter(t *testing.T) {
	learn := func(marks []time.Time) *Progress { return &Progress{Recent: marks} }
	for _, c := range []struct {
		name     string
		progress *Progress
		policy   Policy
		want     time.Duration
	}{
		{"nothing known", nil, Policy{}, 30 * time.Minute},
		{"two durations are too few", learn(every(time.Hour, 3)), Policy{}, 30 * time.Minute},
		{"three durations", learn(every(time.Hour, 4)), Policy{}, 5 * time.Hour},
		{"quick units", learn(every(time.Second, 16)), Policy{}, 5 * time.Minute},
		{"a pause between two attempts", learn(append([]time.Time{noon.Add(-100 * time.Hour)}, every(10*time.Minute, 8)...)), Policy{}, 50 * time.Minute},
		{"units of one stamp tell nothing", learn([]time.Time{noon, noon, noon, noon, noon}), Policy{}, 30 * time.Minute},
		{"the policy says", learn(every(time.Hour, 16)), Policy{StuckAfter: time.Minute}, time.Minute},
	} {
		if got := StuckAfter(c.progress, c.policy); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestIdle(t *testing.T) {
	for _, c := range []struct {
		name  string
		facts Facts
		want  time.Duration
	}{
		{"evidence moved after the start", Facts{Start: &Start{At: ago(time.Hour)}, LastActivity: ago(time.Minute)}, time.Minute},
		{"evidence of an earlier attempt", Facts{Start: &Start{At: ago(time.Minute)}, LastActivity: ago(time.Hour)}, time.Minute},
		{"no evidence", Facts{Start: &Start{At: ago(time.Minute)}}, time.Minute},
		{"suspended since", Facts{LastActivity: ago(time.Hour), Stood: 50 * time.Minute}, 10 * time.Minute},
		{"suspended before", Facts{LastActivity: ago(time.Minute), Stood: time.Hour}, 0},
		{"a clock that is fast", Facts{LastActivity: ago(-time.Minute)}, 0},
	} {
		if got := c.facts.Idle(noon); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestETA(t *testing.T) {
	pace := func(completed, total int64, marks []time.Time) *Progress {
		return &Progress{Completed: completed, Total: total, Recent: marks}
	}
	for _, c := range []struct {
		name  string
		p     *Progress
		since time.Time
		now   time.Time
		want  time.Duration
		known bool
	}{
		{"no evidence", nil, noon, noon, 0, false},
		{"broken evidence", &Progress{Total: 20, Error: "cut off"}, noon, noon, 0, false},
		{"no total", pace(5, 0, every(time.Minute, 5)), time.Time{}, noon, 0, false},
		{"complete", pace(20, 20, nil), noon, noon, 0, true},
		{"no unit yet", pace(0, 20, nil), ago(time.Minute), noon, 0, false},
		{"one unit since the start", pace(1, 20, every(time.Minute, 1)), ago(time.Minute), noon, 19 * time.Minute, true},
		{"steady", pace(5, 20, every(time.Minute, 5)), time.Time{}, noon, 15 * time.Minute, true},
		{"in the middle of a unit", pace(5, 20, every(time.Minute, 5)), time.Time{}, noon.Add(20 * time.Second), 14*time.Minute + 40*time.Second, true},
		{"never below zero", pace(19, 20, every(time.Minute, 5)), time.Time{}, noon.Add(time.Hour), 0, true},
		{"units of an earlier attempt do not count", pace(5, 20, every(time.Minute, 5)), ago(30 * time.Second), noon, 15 * 30 * time.Second, true},
		{"only units of an earlier attempt", pace(5, 20, every(time.Minute, 5)), noon.Add(time.Second), noon.Add(time.Minute), 0, false},
	} {
		got, known := ETA(c.p, c.since, c.now)
		if got != c.want || known != c.known {
			t.Errorf("%s: %v, %v, want %v, %v", c.name, got, known, c.want, c.known)
		}
	}
}

// TestETAChangesNothing holds that an estimate neither alters the marks it is made from nor is ever negative.
func TestETAChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var marks []time.Time
		for range rapid.IntRange(0, 16).Draw(t, "n") {
			marks = append(marks, noon.Add(time.Duration(rapid.IntRange(-1000, 1000).Draw(t, "mark"))*time.Second))
		}
		p := &Progress{Completed: rapid.Int64Range(0, 30).Draw(t, "completed"), Total: 20, Recent: marks}
		before := append([]time.Time{}, marks...)
		left, known := ETA(p, noon.Add(time.Duration(rapid.IntRange(-1000, 1000).Draw(t, "since"))*time.Second), noon)
		if left < 0 || !known && left != 0 {
			t.Fatalf("%v, %v", left, known)
		}
		for i := range marks {
			if !marks[i].Equal(before[i]) {
				t.Fatal("the marks were changed")
			}
		}
	})
}
