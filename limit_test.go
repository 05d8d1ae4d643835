package runsheet

import (
	"testing"
	"time"
)

func TestLimitLead(t *testing.T) {
	for _, c := range []struct{ grace, limit, want time.Duration }{
		{30 * time.Second, 0, 40 * time.Second},
		{30 * time.Second, time.Hour, 40 * time.Second},
		{30 * time.Second, time.Minute, 30 * time.Second},
		{2 * time.Hour, time.Hour, 30 * time.Minute},
		{0, time.Second, time.Second},
	} {
		if got := LimitLead(c.grace, c.limit); got != c.want {
			t.Errorf("a grace of %v, a limit of %v: %v, not %v", c.grace, c.limit, got, c.want)
		}
	}
}
