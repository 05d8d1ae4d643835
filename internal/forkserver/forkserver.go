// Package forkserver starts processes by another process, the fork server, that has none of our files open.
//
// A new process has all files of the one that starts it, until it has become another program; the kernel closes them then,
// one after another. One on a file system that does not answer holds it up, and with it whatever is to be started next. A
// launcher reads files of many file systems, so it begins a fork server before it opens the first of them. That one opens
// no file but /dev/null, in a directory that nobody can take away: to start something it needs nothing that may hang. It
// ends with the process that began it, however that ends, and what it started lives on.
//
// It is reached by a socket without a name, so by nobody else. For each process it is given one end of a new connection. The
// request, the answer and later signals go over it. A process id stays reserved until the fork server has waited for it, and it
// signals no process after that.
//
// The package never decides what is started, and knows nothing of runs.
package forkserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Server starts processes. It may be used by several goroutines.
type Server struct {
	here bool          // there is no other process: this one starts them
	turn chan struct{} // has a place for whoever uses what is below

	control *net.UnixConn
	process *exec.Cmd
	closed  bool
}

// closePatience is how long it is waited for somebody who has a process started.
const closePatience = time.Second

// Begin begins a fork server. The caller has opened nothing yet that may hang, and closes it in the end.
func Begin() (*Server, error) {
	s := &Server{turn: make(chan struct{}, 1)}
	if err := s.begin(); err != nil {
		return nil, err
	}
	return s, nil
}

// Here returns a server inside this process: good enough where no open file may hang.
func Here() *Server { return &Server{here: true} }

// Close ends the fork server. What it started lives on.
func (s *Server) Close() {
	if s.here {
		return
	}
	t := time.NewTimer(closePatience)
	defer t.Stop()
	select {
	case s.turn <- struct{}{}:
	case <-t.C: // whoever has the turn hangs; the fork server ends when this process does
		return
	}
	if !s.closed {
		s.closed = true
		s.end()
	}
	<-s.turn
}

func (s *Server) begin() error {
	ours, theirs, err := pair()
	if err != nil {
		return fmt.Errorf("begin the fork server: %w", err)
	}
	defer theirs.Close()
	if err := keepInherited(); err != nil {
		ours.Close()
		return fmt.Errorf("begin the fork server: %w", err)
	}
	cmd := exec.Command("/proc/self/exe", Verb)
	cmd.Args[0] = os.Args[0] // what ps shows
	cmd.Dir = "/"
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a Ctrl-C at the terminal is not for it
	if err := cmd.Start(); err != nil {
		ours.Close()
		return fmt.Errorf("begin the fork server: %w", err)
	}
	s.control, s.process = ours, cmd
	return nil
}

// end ends the process of the fork server, which holds nothing that could be lost.
func (s *Server) end() {
	s.control.Close()
	s.process.Process.Kill()
	s.process.Wait() // says that it was killed
}

// connect returns a connection whose other end the fork server has, or will have: for one process.
func (s *Server) connect(ctx context.Context) (*net.UnixConn, error) {
	ours, theirs, err := pair()
	if err != nil {
		return nil, err
	}
	if s.here {
		go handle(theirs)
		return ours, nil
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		err = context.Cause(ctx)
		theirs.Close()
		ours.Close()
		return nil, err
	}
	sent := make(chan error, 1)
	go func() { // beside the caller: to begin a new one hangs where the first should have been begun before
		defer func() { <-s.turn }()
		defer theirs.Close()
		sent <- s.send(theirs)
	}()
	select {
	case err = <-sent:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		ours.Close()
		return nil, err
	}
	return ours, nil
}

// send gives the fork server the end of a connection. Where it has died another one is begun.
func (s *Server) send(end *os.File) error {
	if s.closed {
		return fmt.Errorf("ask the fork server: %w", os.ErrClosed)
	}
	rights := unix.UnixRights(int(end.Fd()))
	if _, _, err := s.control.WriteMsgUnix([]byte{0}, rights, nil); err == nil {
		return nil
	} else if !errors.Is(err, unix.EPIPE) && !errors.Is(err, unix.ECONNRESET) && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("ask the fork server: %w", err)
	}
	s.end()
	if err := s.begin(); err != nil {
		return err
	}
	_, _, err := s.control.WriteMsgUnix([]byte{0}, rights, nil)
	return err
}

// pair returns the two ends of a new connection.
func pair() (*net.UnixConn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "connection")
	ours, err := connection(os.NewFile(uintptr(fds[0]), "connection"))
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// connection takes over a descriptor.
func connection(f *os.File) (*net.UnixConn, error) {
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		c.Close()
		return nil, errors.New("not a connection of the fork server")
	}
	return u, nil
}

// keepInherited keeps the descriptors that this process was started with to itself: what a process inherits stays open for
// as long as it lives, a lock (`flock FILE runsheet run`) or the pipe that somebody waits on. Whatever Go opens is
// close-on-exec already.
func keepInherited() error {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}
