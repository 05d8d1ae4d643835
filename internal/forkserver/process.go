package forkserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Command is what is to be started.
type Command struct {
	Name           string   // of the program, looked up as a shell does where it has no slash
	Args           []string // the first is what the program is told that it is called
	Env            []string // of one that is named twice the last counts; nil: ours
	Dir            string
	Session        bool     // it gets a session of its own; otherwise a process group of its own
	Stdout, Stderr *os.File // nil: what it writes there is lost
}

// patience is how long the fork server may take to start something.
const patience = 10 * time.Second

// Process is a process that was started.
type Process struct {
	PID int // of the process; also its process group's

	conn    *net.UnixConn
	answers *json.Decoder
}

// ErrLost: the fork server did not answer, or died, so that nobody knows what became of a process. What was to be started
// may have been.
var ErrLost = errors.New("the fork server was lost")

// lost is an ErrLost. It also counts as EAGAIN: want of processes passes, and is not the command's fault.
type lost struct {
	path string
	why  error
}

func (l *lost) Error() string { return fmt.Sprintf("start %s: %v: %v", l.path, ErrLost, l.why) }
func (l *lost) Unwrap() []error {
	return []error{ErrLost, l.why, &fs.PathError{Op: "fork/exec", Path: l.path, Err: syscall.EAGAIN}}
}
func (*lost) Hint() string {
	return "dmesg says whether it was killed for want of memory; where it was stopped, let it go on: kill -CONT"
}

// Start starts a process. Errors of the operating system are as os.StartProcess has them, and as exec.LookPath. ctx limits
// how long the start is waited for, not how long the process lives.
func (s *Server) Start(ctx context.Context, c Command) (*Process, error) {
	path, err := exec.LookPath(c.Name)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no answer within %v", patience))
	defer cancel()
	conn, err := s.connect(ctx)
	if err != nil && ctx.Err() != nil {
		return nil, &lost{path, err}
	}
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	p := &Process{conn: conn, answers: json.NewDecoder(conn)}
	type result struct {
		answer
		err error
	}
	results := make(chan result, 1)
	go func() {
		var r result
		if r.err = ask(conn, path, c); r.err == nil {
			r.err = p.answers.Decode(&r.answer)
		}
		results <- r
	}()
	var r result
	select {
	case r = <-results:
	case <-ctx.Done():
		r.err = context.Cause(ctx)
	}
	switch {
	case r.err != nil:
		conn.Close()
		return nil, &lost{path, r.err}
	case r.Errno != 0:
		conn.Close()
		return nil, &os.PathError{Op: "fork/exec", Path: path, Err: r.Errno}
	}
	p.PID = r.PID
	return p, nil
}

// ask sends a request, and the descriptors that belong to it.
func ask(conn *net.UnixConn, path string, c Command) error {
	var fds []int
	for _, f := range []*os.File{c.Stdout, c.Stderr} {
		if f != nil {
			fds = append(fds, int(f.Fd()))
		}
	}
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	_, _, err := conn.WriteMsgUnix([]byte{0}, rights, nil)
	runtime.KeepAlive(c)
	if err != nil {
		return err
	}
	return json.NewEncoder(conn).Encode(request{Path: []byte(path), Args: toBytes(c.Args), Env: toBytes((&exec.Cmd{Env: c.Env}).Environ()),
		Dir: []byte(c.Dir), Session: c.Session, Stdout: c.Stdout != nil, Stderr: c.Stderr != nil})
}

// Release says that nobody waits for the process.
func (p *Process) Release() { p.conn.Close() }

// Signal sends a signal to the process group of a process that has not ended.
func (p *Process) Signal(sig syscall.Signal) error {
	return json.NewEncoder(p.conn).Encode(order{sig})
}

// Wait waits for the end of the process, once. The error is an *ExitError where it did not exit with 0, and an ErrLost where
// nobody knows.
func (p *Process) Wait() error {
	defer p.conn.Close()
	var a answer
	if err := p.answers.Decode(&a); err != nil || !a.Exited {
		return fmt.Errorf("wait for process %d: %w", p.PID, ErrLost)
	}
	status := syscall.WaitStatus(a.Status)
	if status.Exited() && status.ExitStatus() == 0 {
		return nil
	}
	return &ExitError{status}
}

// ExitError tells how a process ended that did not exit with 0, in the words of package exec.
type ExitError struct{ Status syscall.WaitStatus }

func (e *ExitError) Error() string {
	if !e.Status.Signaled() {
		return fmt.Sprintf("exit status %d", e.Status.ExitStatus())
	}
	core := ""
	if e.Status.CoreDump() {
		core = " (core dumped)"
	}
	return "signal: " + e.Status.Signal().String() + core
}
