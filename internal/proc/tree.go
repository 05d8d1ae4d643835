package proc

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// Descendants returns the pids of the children of a process, of their children and so on, without itself, zombies
// left out but looked through. It is one look: use it to measure, not to prove that nothing is left. Processes whose
// parent has died belong to another tree (init's, or the nearest subreaper's).
func Descendants(root int) ([]int, error) {
	if _, err := os.Stat("/proc/" + strconv.Itoa(root) + "/task/" + strconv.Itoa(root) + "/children"); err == nil {
		return walk(root, listChildren), nil
	}
	// The kernel was built without CONFIG_PROC_CHILDREN, or the process is gone: turn the parents around.
	pids, err := list()
	if err != nil {
		return nil, fmt.Errorf("list the descendants of %d: %w", root, err)
	}
	children := make(map[int][]int)
	buf := make([]byte, 0, 1024)
	for _, pid := range pids {
		var s stat
		if s, buf, err = readStat(pid, buf); err == nil {
			children[s.parent] = append(children[s.parent], pid)
		}
	}
	return walk(root, func(pid int) []int { return children[pid] }), nil
}

// listChildren reads the children of a process from those of its threads.
func listChildren(pid int) []int {
	dir := "/proc/" + strconv.Itoa(pid) + "/task"
	var out []int
	for _, tid := range names(dir) {
		data, err := read(dir+"/"+tid+"/children", nil)
		if err != nil {
			continue
		}
		for field := range bytes.FieldsSeq(data) {
			if child, err := strconv.Atoi(string(field)); err == nil {
				out = append(out, child)
			}
		}
	}
	return out
}

func walk(root int, children func(pid int) []int) []int {
	seen := map[int]bool{root: true} // pids are reused while we look: a loop is possible, going round it is not
	var out []int
	for queue := []int{root}; len(queue) > 0; queue = queue[1:] {
		for _, child := range children(queue[0]) {
			if seen[child] {
				continue
			}
			seen[child] = true
			queue = append(queue, child)
			if s, _, err := readStat(child, nil); err == nil && !s.dead() {
				out = append(out, child)
			}
		}
	}
	return out
}

// Stopped says whether processes are all stopped, by a signal or by a debugger. It says no where none is left.
func Stopped(pids []int) bool {
	some := false
	buf := make([]byte, 0, 1024)
	for _, pid := range pids {
		s, b, err := readStat(pid, buf)
		buf = b
		switch {
		case err != nil || s.dead():
		case s.state != 'T' && s.state != 't':
			return false
		default:
			some = true
		}
	}
	return some
}

// Usage returns the resident memory of processes in bytes: the sum of their resident sets, as /proc/PID/statm gives
// them. Pages that several of them share count once for each; the proportional share of smaps_rollup would be exact,
// but the kernel walks every page table for it. Processes that are gone count nothing.
func Usage(pids []int) (rss int64) {
	page := int64(os.Getpagesize())
	buf := make([]byte, 0, 256)
	for _, pid := range pids {
		var err error
		if buf, err = read("/proc/"+strconv.Itoa(pid)+"/statm", buf); err != nil {
			continue
		}
		if f := bytes.Fields(buf); len(f) > 1 {
			if n, err := strconv.ParseInt(string(f[1]), 10, 64); err == nil {
				rss += n * page
			}
		}
	}
	return rss
}
