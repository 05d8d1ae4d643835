package proc

import (
	"strconv"
	"time"

	"runsheet"
)

// tick is the unit in which the kernel tells of CPU time: USER_HZ, which is 100 wherever Linux runs Go.
const tick = 10 * time.Millisecond

// Effort is what the processes of a tree ask of the cores.
type Effort struct {
	CPU      time.Duration // user and system time so far, of all that lives and of what was waited for
	Runnable int           // threads that run, could run, or wait for a disk: what the load counts
}

// EffortOf returns the effort of a process and of all below it, and whether it lives here. It is one look, like Descendants.
func EffortOf(p runsheet.Process) (Effort, bool) {
	if state, err := Check(p); err != nil || state != Alive {
		return Effort{}, false
	}
	below, err := Descendants(p.PID)
	if err != nil {
		return Effort{}, false
	}
	return effort(append(below, p.PID)), true
}

// EffortBelow returns the effort of what a process has started, without itself and without the trees of others.
func EffortBelow(pid int, others []runsheet.Process) Effort {
	not := map[int]bool{}
	for _, p := range others {
		not[p.PID] = true
	}
	return effort(walk(pid, func(pid int) []int {
		var out []int
		for _, child := range listChildren(pid) {
			if !not[child] {
				out = append(out, child)
			}
		}
		return out
	}))
}

func effort(pids []int) (e Effort) {
	buf := make([]byte, 0, 1024)
	for _, pid := range pids {
		s, b, err := readStat(pid, buf)
		if buf = b; err != nil {
			continue
		}
		e.CPU += time.Duration(s.used) * tick
		if s.threads <= 1 {
			e.Runnable += runnable(s)
			continue
		}
		dir := "/proc/" + strconv.Itoa(pid) + "/task/"
		for _, tid := range names(dir) {
			if buf, err = read(dir+tid+"/stat", buf); err != nil {
				continue
			}
			if s, err := parseStat(buf); err == nil {
				e.Runnable += runnable(s)
			}
		}
	}
	return e
}

// runnable counts a thread as the load does.
func runnable(s stat) int {
	if s.state == 'R' || s.state == 'D' {
		return 1
	}
	return 0
}
