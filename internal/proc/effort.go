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
	return effort(append(below, p.PID), nil), true
}

// EffortBelow returns the effort of what a process has started, without itself and without the trees of others. What its
// children have waited for does not count: the trees of others end there.
func EffortBelow(pid int, others []runsheet.Process) Effort {
	not := map[int]bool{}
	for _, p := range others {
		not[p.PID] = true
	}
	children := map[int]bool{}
	pids := walk(pid, func(of int) []int {
		var out []int
		for _, child := range listChildren(of) {
			if not[child] {
				continue
			}
			out = append(out, child)
			children[child] = children[child] || of == pid
		}
		return out
	})
	return effort(pids, children)
}

// effort sums up what processes do, with what they have waited for unless they are among some.
func effort(pids []int, alone map[int]bool) (e Effort) {
	buf := make([]byte, 0, 1024)
	for _, pid := range pids {
		s, b, err := readStat(pid, buf)
		if buf = b; err != nil {
			continue
		}
		e.CPU += time.Duration(s.used) * tick
		if !alone[pid] {
			e.CPU += time.Duration(s.waited) * tick
		}
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
