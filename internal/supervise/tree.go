package supervise

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"runsheet/internal/proc"
)

// tree is the processes of the attempt as their reaper sees them.
type tree struct {
	pid      int           // the command's
	began    time.Time     // monotonic
	main     chan struct{} // closed when the command itself has exited
	gone     chan struct{} // closed when no process is left
	sweeping atomic.Bool

	mu     sync.Mutex
	status unix.WaitStatus
	exited bool
	at     time.Time     // when the command itself exited
	over   time.Time     // when the last process was gone; zero: some are left
	cpu    time.Duration // user and system time of everything reaped
	peak   int64         // resident bytes
}

// reap waits for every child of this process, of which pid is the first, until there is none: as the subreaper, the
// supervisor is the parent of whatever the command left behind.
func reap(pid int) *tree {
	t := &tree{pid: pid, began: time.Now(), main: make(chan struct{}), gone: make(chan struct{})}
	go func() {
		defer close(t.gone)
		for {
			var status unix.WaitStatus
			var usage unix.Rusage
			got, err := unix.Wait4(-1, &status, 0, &usage)
			switch {
			case err == unix.EINTR:
				continue
			case err != nil: // ECHILD
				t.mu.Lock()
				t.over = time.Now()
				t.mu.Unlock()
				return
			case !status.Exited() && !status.Signaled():
				continue
			}
			t.mu.Lock()
			t.cpu += time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
			t.peak = max(t.peak, usage.Maxrss<<10) // of its largest process: no less than that was needed
			if got == pid {
				t.status, t.exited, t.at = status, true, time.Now()
				close(t.main)
			}
			t.mu.Unlock()
		}
	}()
	return t
}

// exit returns how the command itself exited, and whether it has.
func (t *tree) exit() (unix.WaitStatus, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status, t.exited
}

// exitedWithin says whether the command itself exited no longer ago than d.
func (t *tree) exitedWithin(d time.Duration) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.exited && time.Since(t.at) <= d
}

// sample measures the memory of the tree as it is now.
func (t *tree) sample() {
	pids, err := proc.Descendants(os.Getpid())
	if err != nil {
		return
	}
	rss := proc.Usage(pids)
	t.mu.Lock()
	t.peak = max(t.peak, rss)
	t.mu.Unlock()
}

// usage returns what the whole tree took, of which nothing is left, and when it was over: the peak of its resident memory in
// bytes, CPU and wall time in seconds.
func (t *tree) usage() (peak int64, cpu, wall float64, over time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.peak, t.cpu.Seconds(), t.over.Sub(t.began).Seconds(), t.over
}

// oomKills returns how often the kernel's OOM killer has struck on this machine, 0 where that is not told
// (/proc/vmstat, oom_kill, since Linux 4.13).
func oomKills() int64 {
	data, err := os.ReadFile("/proc/vmstat")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "oom_kill "); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
			return n
		}
	}
	return 0
}
