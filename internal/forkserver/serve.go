package forkserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Verb is the first argument by which main knows that it is to be a fork server.
const Verb = "fork-server"

// controlFD is the descriptor on which a fork server is given connections.
const controlFD = 3

// Main is the fork server, and returns its exit code. What goes wrong before it can answer is said on stderr.
func Main(stderr io.Writer) int {
	// Caught and not ignored: what it starts would ignore them as well.
	signal.Notify(make(chan os.Signal, 1), unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2)
	control, err := connection(os.NewFile(controlFD, "control"))
	if err != nil {
		fmt.Fprintf(stderr, "usage: runsheet %s (it is started by `runsheet run`, not by hand): %v\n", Verb, err)
		return 2
	}
	for {
		files, err := receive(control, 1)
		switch {
		case errors.Is(err, unix.EMFILE): // of which whoever asked hears by the end of the connection
			continue
		case err != nil: // whoever began us is gone
			return 0
		}
		if len(files) == 1 {
			go handle(files[0])
		}
	}
}

// receive reads one byte, and the descriptors that came with it.
func receive(c *net.UnixConn, most int) ([]*os.File, error) {
	var one [1]byte
	oob := make([]byte, unix.CmsgSpace(4*most))
	n, oobn, flags, _, err := c.ReadMsgUnix(one[:], oob)
	if err == nil && n == 0 {
		err = io.EOF
	}
	if err != nil {
		return nil, err
	}
	var files []*os.File
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	for i := range messages {
		fds, rerr := unix.ParseUnixRights(&messages[i])
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "received"))
		}
		err = errors.Join(err, rerr)
	}
	if err == nil && flags&unix.MSG_CTRUNC != 0 {
		err = unix.EMFILE
	}
	if err != nil {
		closeAll(files)
		return nil, err
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// handle starts the process that it is asked to over a connection, waits for it, and meanwhile sends it what signals it is
// told. It closes the descriptor as soon as whoever asked does not wait any more: there may be many such processes.
func handle(end *os.File) {
	c, err := connection(end)
	if err != nil {
		return
	}
	defer c.Close()
	say := json.NewEncoder(c)
	files, err := receive(c, 2)
	var errno syscall.Errno
	if err != nil && !errors.As(err, &errno) {
		return // whoever asked is gone
	}
	var r request
	asked := json.NewDecoder(c)
	if asked.Decode(&r) != nil {
		closeAll(files)
		return
	}
	p := child{changed: make(chan os.Signal, 1)}
	signal.Notify(p.changed, unix.SIGCHLD) // before there is a child, so that none is missed
	defer signal.Stop(p.changed)
	if errno == 0 {
		p.pid, errno = start(r, files)
	}
	closeAll(files)
	if errno != 0 {
		say.Encode(answer{Errno: errno})
		return
	}
	say.Encode(answer{PID: p.pid}) // where nobody hears it the process goes on all the same
	go func() {
		defer c.Close()
		var o order
		for asked.Decode(&o) == nil {
			p.signal(o.Signal)
		}
	}()
	say.Encode(answer{Exited: true, Status: uint32(p.wait())})
}

// start starts a process. It takes the descriptors that came with the request in their order.
func start(r request, files []*os.File) (pid int, errno syscall.Errno) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err == nil {
		defer null.Close()
		err = keepInherited()
	}
	if err == nil {
		std := []*os.File{null, null, null}
		for i, passed := range []bool{1: r.Stdout, 2: r.Stderr} {
			if passed && len(files) > 0 {
				std[i], files = files[0], files[1:]
			}
		}
		var fds []uintptr
		for _, f := range std {
			fds = append(fds, f.Fd())
		}
		pid, err = syscall.ForkExec(string(r.Path), toStrings(r.Args), &syscall.ProcAttr{Dir: string(r.Dir), Env: toStrings(r.Env), Files: fds,
			Sys: &syscall.SysProcAttr{Setsid: r.Session, Setpgid: !r.Session}})
	}
	if err != nil && !errors.As(err, &errno) {
		errno = syscall.EINVAL
	}
	return pid, errno
}

// child is a process that was started. No thread waits for it: there may be many, for days.
type child struct {
	pid     int
	changed chan os.Signal // tells that some child has ended

	mu     sync.Mutex
	waited bool // its id may be somebody else's
}

func (p *child) wait() syscall.WaitStatus {
	for {
		var status syscall.WaitStatus
		p.mu.Lock()
		got, err := syscall.Wait4(p.pid, &status, syscall.WNOHANG, nil)
		p.waited = got == p.pid || errors.Is(err, syscall.ECHILD)
		waited := p.waited
		p.mu.Unlock()
		if waited {
			return status
		}
		if !errors.Is(err, syscall.EINTR) {
			<-p.changed
		}
	}
}

func (p *child) signal(sig syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.waited {
		syscall.Kill(-p.pid, sig)
	}
}
