package proc

import (
	"time"

	"golang.org/x/sys/unix"
)

// CPUTime returns the user and system time that this process has taken so far, all threads together.
func CPUTime() time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
