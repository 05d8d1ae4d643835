package host

import (
	"math"
	"os"
	"time"

	"runsheet"
	"runsheet/internal/proc"
)

// own is what a launcher's attempts take of this machine: it does not count against the limits of the next one.
type own struct {
	at   time.Time                          // of the last look; zero: there was none
	most map[runsheet.Process]time.Duration // the highest CPU time of each tree so far
	load float64
}

// loadSpan is how long the kernel remembers what was runnable: the load is a mean whose weights fall by e in a minute.
const loadSpan = time.Minute

// look looks at the trees of supervisors, and of what this process has started besides, as a setup. It returns what take
// makes of that.
func (o *own) look(supervisors []runsheet.Process, now time.Time, limit time.Duration) (cpu time.Duration, load float64) {
	efforts := map[runsheet.Process]proc.Effort{{}: proc.EffortBelow(os.Getpid(), supervisors)}
	for _, p := range supervisors {
		if e, ok := proc.EffortOf(p); ok {
			efforts[p] = e
		}
	}
	return o.take(efforts, now, limit)
}

// take takes a look in, and returns the CPU time that the trees took since the last one, and what they add to the load.
// limit is the CPU time of all cores since then. A tree with much more than that has worked before we first looked at it.
func (o *own) take(efforts map[runsheet.Process]proc.Effort, now time.Time, limit time.Duration) (cpu time.Duration, load float64) {
	most := map[runsheet.Process]time.Duration{}
	runnable := 0
	for p, e := range efforts {
		before := o.most[p]
		if took := e.CPU - before; took > 0 && took <= 2*limit {
			cpu += took
		}
		// The time of a zombie is seen again once it was waited for: it is not to be taken twice.
		if most[p] = max(before, e.CPU); e.CPU == 0 {
			most[p] = 0 // nothing is left: what begins now is another tree
		}
		runnable += e.Runnable
	}
	if o.at.IsZero() {
		o.load = float64(runnable)
	} else {
		share := math.Exp(-max(now.Sub(o.at).Seconds(), 0) / loadSpan.Seconds())
		o.load = o.load*share + float64(runnable)*(1-share)
	}
	o.at, o.most = now, most
	return cpu, o.load
}
