package runsheet

import (
	"fmt"
	"time"
)

// Span renders a duration as a person would say it: one unit, or two below ten of the larger, as "45s", "3m20s",
// "2h", "5d".
func Span(d time.Duration) string {
	d = max(d, 0)
	two := func(n, m time.Duration, big, small string) string {
		if n < 10 && m > 0 {
			return fmt.Sprintf("%d%s%d%s", n, big, m, small)
		}
		return fmt.Sprintf("%d%s", n, big)
	}
	const day = 24 * time.Hour
	switch {
	case d < time.Millisecond:
		return "0s"
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return two(d/time.Minute, d%time.Minute/time.Second, "m", "s")
	case d < day:
		return two(d/time.Hour, d%time.Hour/time.Minute, "h", "m")
	}
	return two(d/day, d%day/time.Hour, "d", "h")
}
