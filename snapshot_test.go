package runsheet

import (
	"testing"
	"time"
)

func TestNextWords(t *testing.T) {
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		next Next
		want string
	}{
		{Next{Attempt: 2, At: now.Add(40 * time.Second)}, "attempt 2 in 40s"},
		{Next{Attempt: 2, At: now.Add(39*time.Second + 400*time.Millisecond)}, "attempt 2 in 40s"},
		{Next{Attempt: 3, At: now.Add(10 * time.Millisecond)}, "attempt 3 in 1s"},
		{Next{Attempt: 3, At: now.Add(-time.Second)}, "attempt 3 as soon as there is a place for it"},
		{Next{Attempt: 2}, "attempt 2 as soon as there is a place for it"},
	} {
		if got := c.next.Words(now); got != c.want {
			t.Errorf("%+v: %q, want %q", c.next, got, c.want)
		}
	}
}
