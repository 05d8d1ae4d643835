package runsheet

import "time"

// LimitMargin is how much sooner than the grace before the time limit of its job a command is told to end: its supervisor
// still has to write the end.
const LimitMargin = 10 * time.Second

// LimitLead returns how long before the time limit of its job a command is told to end: its grace and the margin, but no
// more than half of its time, or it would be told as it begins. limit may be 0: nobody knows it.
func LimitLead(grace, limit time.Duration) time.Duration {
	d := grace + LimitMargin
	if limit > 0 {
		d = max(min(d, limit/2), time.Second)
	}
	return d
}
