// Package fusetest gives tests a file system that misbehaves: it mounts a directory once more, through FUSE. Its server is a
// process of its own, which the test can halt; then the file system does not answer. It can also number files in its own
// way, keep locks to itself, or refuse to link. It is for tests alone.
package fusetest

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Links is what link(2) does in a mount.
type Links string

// The ways to link. All but the first are faults.
const (
	Proper   Links = ""
	Copies   Links = "copies"
	Renames  Links = "renames"
	Symlinks Links = "symlinks"
)

// Options say how a mount behaves. The zero value is a mount without faults.
type Options struct {
	Links Links
	// Salt changes the numbers of the files: two mounts of one directory with other salts number them differently.
	Salt uint64
}

// Mount is a directory that is mounted once more.
type Mount struct {
	Dir    string // where
	t      testing.TB
	server *exec.Cmd
}

// verb is the first argument by which a test binary knows that it is to serve a mount.
const verb = "fusetest-serve"

// Main serves a mount, and does not return, where this process was started for that. TestMain calls it first.
func Main() {
	if len(os.Args) == 5 && os.Args[1] == verb {
		os.Exit(serve(os.Args[2], os.Args[3], os.Args[4]))
	}
}

// New mounts dir at a directory of its own, until the test ends. The test is skipped where FUSE cannot be used.
func New(t testing.TB, dir string, o Options) *Mount {
	t.Helper()
	return NewAt(t, dir, t.TempDir(), o)
}

// NewAt mounts dir at a path, which is made where it is missing.
func NewAt(t testing.TB, dir, at string, o Options) *Mount {
	t.Helper()
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skipf("there is no FUSE here: %v", err)
	}
	if os.Geteuid() != 0 {
		t.Skip("only root may mount")
	}
	options, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(at, 0o700); err != nil {
		t.Fatal(err)
	}
	m := &Mount{Dir: at, t: t}
	m.server = exec.Command("/proc/self/exe", verb, dir, m.Dir, string(options))
	m.server.Stderr = os.Stderr
	// A halted server whose test has died goes on, hears of it, and unmounts.
	m.server.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGCONT}
	if _, err := m.server.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := m.server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.end)
	said, err := bufio.NewReader(out).ReadString('\n')
	if said = strings.TrimSpace(said); err != nil || said != ready {
		t.Skipf("FUSE cannot be used here: %q, %v", said, err)
	}
	return m
}

// Halt makes the file system stop answering, and returns once it does not answer any more.
func (m *Mount) Halt() {
	m.signal(unix.SIGSTOP)
	for {
		err := unix.Waitid(unix.P_PID, m.server.Process.Pid, nil, unix.WSTOPPED, nil)
		if err == nil {
			return
		}
		if !errors.Is(err, unix.EINTR) {
			m.t.Errorf("the server of %s: %v", m.Dir, err)
			return
		}
	}
}

// GoOn makes it answer again, also what it was asked meanwhile.
func (m *Mount) GoOn() { m.signal(unix.SIGCONT) }

func (m *Mount) signal(sig syscall.Signal) {
	m.t.Helper()
	if err := m.server.Process.Signal(sig); err != nil {
		m.t.Errorf("the server of %s: %v", m.Dir, err)
	}
}

// end unmounts, whoever uses it still, and ends the server.
func (m *Mount) end() {
	if err := unix.Unmount(m.Dir, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) {
		m.t.Errorf("unmount %s: %v", m.Dir, err)
	}
	m.server.Process.Kill()
	m.server.Wait() // says that it was killed
}
