package proc

import (
	"bytes"
	"strconv"
	"syscall"
)

// Catches says whether a process has a handler of its own for a signal; false also where the process is gone. The mask of
// proc(5), "SigCgt" in /proc/PID/status, has a bit for each signal from 1.
func Catches(pid int, sig syscall.Signal) bool {
	data, err := read("/proc/"+strconv.Itoa(pid)+"/status", nil)
	if err != nil {
		return false
	}
	return catches(data, sig)
}

func catches(status []byte, sig syscall.Signal) bool {
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte("SigCgt:")); ok {
			mask, err := strconv.ParseUint(string(bytes.TrimSpace(rest)), 16, 64)
			return err == nil && sig > 0 && mask&(1<<(uint(sig)-1)) != 0
		}
	}
	return false
}
