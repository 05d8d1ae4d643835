package proc

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// environLimit bounds what is read of one environment. The kernel allows a quarter of the stack limit for arguments
// and environment together, 2 MiB as a rule.
const environLimit = 64 << 20

// read returns the content of a file of /proc, read into buf, which grows as needed. Plain system calls: a scan opens
// hundreds of files, and os.File would register every one with the poller.
func read(path string, buf []byte) ([]byte, error) {
	fd, err := retry(func() (int, error) { return unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0) })
	if err != nil {
		return buf[:0], &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	buf = buf[:0]
	for len(buf) < environLimit {
		if len(buf) == cap(buf) {
			buf = append(buf, make([]byte, max(4096, cap(buf)))...)[:len(buf)]
		}
		n, err := retry(func() (int, error) { return unix.Read(fd, buf[len(buf):cap(buf)]) })
		if err != nil {
			return buf[:0], &fs.PathError{Op: "read", Path: path, Err: err}
		}
		if n == 0 {
			return buf, nil
		}
		buf = buf[:len(buf)+n]
	}
	return buf, nil
}

func retry(f func() (int, error)) (int, error) {
	for {
		n, err := f()
		if err != unix.EINTR {
			return n, err
		}
	}
}

// isGone says whether an error of a file below /proc/PID means that the process is no longer there: open says ENOENT,
// a read of a file that was opened in time says ESRCH.
func isGone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH)
}

// stat holds what is needed of /proc/PID/stat; proc_pid_stat(5) numbers the fields.
type stat struct {
	pid     int
	comm    string
	state   byte
	parent  int
	session int
	threads int
	start   uint64 // clock ticks since boot
	used    uint64 // clock ticks on a core
	waited  uint64 // the same of children that it has waited for
}

// dead says whether the process runs nothing any more. A thread-group leader that has called pthread_exit is in state
// Z as well, but then its threads are more than itself.
func (s stat) dead() bool {
	return (s.state == 'Z' || s.state == 'X' || s.state == 'x') && s.threads <= 1
}

func parseStat(data []byte) (stat, error) {
	// The name stands in parentheses and may itself hold any byte but NUL, parentheses and newlines included.
	open, end := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if open < 1 || end < open {
		return stat{}, fmt.Errorf("no name in %.60q", data)
	}
	s := stat{comm: string(data[open+1 : end])}
	f := bytes.Fields(data[end+1:]) // f[0] is field 3
	if len(f) < 20 || len(f[0]) != 1 {
		return stat{}, fmt.Errorf("only %d fields after the name in %.200q", len(f), data)
	}
	s.state = f[0][0]
	var err error
	number := func(field []byte) int {
		n, e := strconv.Atoi(string(field))
		err = errors.Join(err, e)
		return n
	}
	s.pid = number(bytes.TrimSpace(data[:open]))
	s.parent, s.session, s.threads = number(f[4-3]), number(f[6-3]), number(f[20-3])
	start, e := strconv.ParseUint(string(f[22-3]), 10, 64)
	s.start = start
	for i, field := range f[14-3 : 18-3] {
		n, e := strconv.ParseUint(string(field), 10, 64)
		if err = errors.Join(err, e); i < 2 {
			s.used += n
		} else {
			s.waited += n
		}
	}
	if err = errors.Join(err, e); err != nil {
		return stat{}, err
	}
	return s, nil
}

// readStat reads the stat of a process into buf.
func readStat(pid int, buf []byte) (stat, []byte, error) {
	path := "/proc/" + strconv.Itoa(pid) + "/stat"
	buf, err := read(path, buf)
	if err != nil {
		return stat{}, buf, err
	}
	s, err := parseStat(buf)
	if err != nil {
		return stat{}, buf, fmt.Errorf("read %s: %w", path, err)
	}
	return s, buf, nil
}
