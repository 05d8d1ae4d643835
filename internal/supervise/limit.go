package supervise

import (
	"os"
	"time"

	"runsheet/internal/proc"
)

const (
	spendEvery = time.Second     // between two looks at what of the time limit is left
	spendMost  = 5 * time.Second // what counts of the time between two of them
)

// allowance is how much longer an attempt may run, by the sheet's time limit. Only time in which it can run counts.
//
// It counts by the monotonic clock (CLOCK_MONOTONIC): to set the clock changes nothing, and the sleep of a laptop does not
// count. While a container is frozen or a virtual machine paused, the clock may go on, but this process stands still too. So
// of a long time between two looks only spendMost counts.
type allowance struct {
	left time.Duration
	at   time.Time // up to when it was counted
}

// spend counts the time until now, in which the attempt stood still if stopped is set. It returns when to look again; 0:
// the time is over.
func (a *allowance) spend(now time.Time, stopped bool) time.Duration {
	if !stopped {
		a.left -= min(now.Sub(a.at), spendMost)
	}
	a.at = now
	return max(min(a.left, spendEvery), 0)
}

// suspended says whether every process of the attempt was stopped by a signal: somebody put it off.
func (s *supervisor) suspended() bool {
	pids, err := proc.Descendants(os.Getpid())
	return err == nil && proc.Stopped(pids)
}
