package supervise

import (
	"testing"
	"time"
)

// TestAllowance holds which time counts against a time limit.
func TestAllowance(t *testing.T) {
	type look struct {
		after   time.Duration // the one before
		stopped bool
		want    time.Duration // until the next one; 0: the time is over
	}
	const s, ms = time.Second, time.Millisecond
	for _, c := range []struct {
		name  string
		limit time.Duration
		looks []look
	}{
		{"it runs", 2500 * ms, []look{{0, false, s}, {s, false, s}, {s, false, 500 * ms}, {500 * ms, false, 0}}},
		{"a short one", 200 * ms, []look{{0, false, 200 * ms}, {250 * ms, false, 0}}},
		{"a look that comes too early", 2 * s, []look{{0, false, s}, {999 * ms, false, s}, {s, false, ms}, {ms, false, 0}}},
		{"its processes are stopped for an hour", 2 * s, []look{{0, false, s}, {s, false, s}, {time.Hour, true, s}, {s, false, 0}}},
		{"stopped from look to look", 2 * s, []look{{0, false, s}, {s, true, s}, {s, true, s}, {s, false, s}, {s, false, 0}}},
		{"the container was frozen for an hour", 10 * s, []look{{0, false, s}, {s, false, s}, {time.Hour, false, s}, {s, false, s}, {3 * s, false, 0}}},
		{"a busy machine", 10 * s, []look{{0, false, s}, {4 * s, false, s}, {4 * s, false, s}, {2 * s, false, 0}}},
	} {
		began := time.Now()
		a, now := allowance{c.limit, began}, began
		for i, l := range c.looks {
			now = now.Add(l.after)
			if got := a.spend(now, l.stopped); got != l.want {
				t.Errorf("%s: look %d after %v: the next one in %v, want %v", c.name, i, now.Sub(began), got, l.want)
			}
		}
	}
}
