// Package front lets a command return to whoever typed it although a file system does not answer.
//
// A thread that waits for a file system may be one that no signal reaches, SIGKILL neither: FUSE is not interrupted once its
// server has the request, and whoever looks a name up waits for others who look up the same one. Its process does not end
// before there is an answer. So where file systems are mounted that somebody else answers for, a command that only looks or
// asks is done by a process of its own, and the one that was typed waits for its word, and not for its end.
//
// A launcher has no front: who kills it must know that its lock is free. It gives back what others wait for before it exits.
package front

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"runsheet/internal/durable"
)

// variable tells a process that it is the one behind a front.
const variable = "RUNSHEET_FRONT"

// The descriptors of the process behind: where it says its exit code, and what ends when the front does.
const (
	wordFD = 3
	lifeFD = 4
)

// patience is how long a front waits for the last words of the process behind it once it was told to end.
const patience = 3 * time.Second

// verbs are the commands that have a front.
var verbs = []string{"status", "logs", "plan", "stop", "retry", "wait", "report", "check"}

// process is what a process remembers of its beginning.
var process struct {
	inherited []int    // descriptors that it was begun with, but for the standard ones and those of the front
	word      *os.File // nil: there is no front
}

// Run does the command line as a front, and returns the exit code; over is false where the caller is to do it: behind a
// front, or without one. It is called before anything is opened.
func Run(args []string) (code int, over bool) {
	behind := os.Getenv(variable) != "" && isPipe(wordFD) && isPipe(lifeFD)
	os.Unsetenv(variable)
	remember(behind)
	if behind {
		process.word = os.NewFile(wordFD, "front")
		go follow(os.NewFile(lifeFD, "front"))
		return 0, false
	}
	if len(args) < 2 || !slices.Contains(verbs, args[1]) || !durable.Served() {
		return 0, false
	}
	return lead(args)
}

// lead is the front.
func lead(args []string) (code int, over bool) {
	wordRead, wordWrite, err := os.Pipe()
	if err != nil {
		return 0, false
	}
	defer wordRead.Close()
	defer wordWrite.Close()
	lifeRead, lifeWrite, err := os.Pipe()
	if err != nil {
		return 0, false
	}
	defer lifeRead.Close()
	defer lifeWrite.Close()
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT)
	cmd := exec.Command("/proc/self/exe", args[1:]...)
	cmd.Args[0] = args[0]
	cmd.Env = append(os.Environ(), variable+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{wordWrite, lifeRead}
	if err := cmd.Start(); err != nil {
		signal.Reset()
		return 0, false
	}
	wordWrite.Close()
	lifeRead.Close()
	word := make(chan byte, 1)
	go func() {
		var one [1]byte
		if _, err := io.ReadFull(wordRead, one[:]); err == nil {
			word <- one[0]
		}
		close(word)
	}()
	var late <-chan time.Time
	told := 0
	for {
		select {
		case code, ok := <-word:
			if ok {
				return int(code), true
			}
			return exitCode(cmd.Wait()), true
		case sig := <-signals:
			told = 128 + int(sig.(syscall.Signal))
			cmd.Process.Signal(sig) // a terminal has told it as well, and to be told twice to end is nothing new
			if late == nil {
				late = time.After(patience)
			}
		case <-late:
			return told, true
		}
	}
}

// exitCode returns the exit code of a process that did not say one, as a shell has it.
func exitCode(err error) int {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return 0
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return exit.ExitCode()
}

// follow ends the process behind a front when the front has ended.
func follow(life *os.File) {
	io.Copy(io.Discard, life)
	unix.Kill(os.Getpid(), unix.SIGKILL)
}

// Exit ends the process. First it gives back what others may wait for, a pipe or a lock that it was begun with, and says the
// exit code to the front: it may not end before a file system answers.
func Exit(code int) {
	closed := make(chan struct{})
	go func() { // one of them may be a file on such a file system
		for _, fd := range append([]int{0, 1, 2}, process.inherited...) {
			unix.Close(fd)
		}
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(time.Second):
	}
	if process.word != nil {
		process.word.Write([]byte{byte(code)})
		process.word.Close()
	}
	os.Exit(code)
}

// remember notes which descriptors the process was begun with.
func remember(behind bool) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || fd <= 2 || behind && (fd == wordFD || fd == lifeFD) {
			continue
		}
		// What Go has opened by itself is not handed on.
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			process.inherited = append(process.inherited, fd)
		}
	}
}

func isPipe(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO
}
