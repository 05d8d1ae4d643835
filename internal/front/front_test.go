package front

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"runsheet/internal/durable/fusetest"
	"runsheet/internal/executor/exectest"
)

// TestMain lets the test binary be a command that looks at a path, says so, and exits with 7 once its input ends.
func TestMain(m *testing.M) {
	fusetest.Main()
	if len(os.Args) == 3 && (os.Args[1] == "status" || os.Args[1] == "run") {
		if code, over := Run(os.Args); over {
			os.Exit(code)
		}
		go os.Stat(os.Args[2])
		fmt.Println(os.Getpid(), os.Getenv(variable))
		io.Copy(io.Discard, os.Stdin)
		Exit(7)
	}
	os.Exit(m.Run())
}

// command is one that was started.
type command struct {
	*exec.Cmd
	t     *testing.T
	pid   int // of the process that does it
	input io.Closer
	out   *bufio.Reader
	lock  *os.File // held by nobody but what was started
}

func start(t *testing.T, verb, path string) *command {
	t.Helper()
	c := &command{Cmd: exec.Command("/proc/self/exe", verb, path), t: t}
	input, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.input, c.out = input, bufio.NewReader(output)
	lock := filepath.Join(t.TempDir(), "lock")
	held, err := os.Create(lock)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(held.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	c.ExtraFiles = []*os.File{nil, nil, held} // as `flock FILE runsheet status` has it
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	held.Close()
	if c.lock, err = os.Open(lock); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.lock.Close(); c.Process.Kill(); c.Wait() })
	line, err := c.out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if c.pid, err = strconv.Atoi(strings.TrimSpace(line)); err != nil {
		t.Fatalf("%q: %v", line, err) // also where it has the variable
	}
	return c
}

// stuck says whether a thread of the process that does it waits where no signal reaches it.
func (c *command) stuck() bool {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", c.pid))
	for _, task := range tasks {
		text, _ := os.ReadFile(task)
		if i := strings.LastIndex(string(text), ") "); i > 0 && strings.HasPrefix(string(text[i+2:]), "D") {
			return true
		}
	}
	return false
}

// released says whether nobody has the lock any more that the command was begun with.
func (c *command) released() bool {
	return unix.Flock(int(c.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}

func (c *command) there() bool { return unix.Kill(c.pid, 0) == nil }

// halted mounts a file system that does not answer, and has somebody wait for one of its names.
func halted(t *testing.T) (m *fusetest.Mount, path string) {
	t.Helper()
	m = fusetest.New(t, t.TempDir(), fusetest.Options{})
	path = filepath.Join(m.Dir, "name")
	m.Halt()
	go os.Stat(path)
	return m, path
}

// TestReturns: the command returns with its exit code, and releases its output and its lock. Meanwhile a thread of the process
// behind it still waits where no signal reaches it.
func TestReturns(t *testing.T) {
	m, path := halted(t)
	for what, end := range map[string]func(*command) int{
		"it is over":  func(c *command) int { c.input.Close(); return 7 },
		"told to end": func(c *command) int { c.Process.Signal(unix.SIGTERM); return 128 + int(unix.SIGTERM) },
		"both hear it": func(c *command) int {
			unix.Kill(c.pid, unix.SIGINT)
			c.Process.Signal(unix.SIGINT)
			return 128 + int(unix.SIGINT)
		},
	} {
		c := start(t, "status", path)
		if c.pid == c.Process.Pid {
			t.Fatal("there is no front")
		}
		exectest.Await(t, "a thread to wait", c.stuck)
		want := end(c)
		if what == "it is over" {
			if rest, err := io.ReadAll(c.out); err != nil || len(rest) > 0 {
				t.Errorf("%s: its output goes on: %q, %v", what, rest, err)
			}
		}
		c.Wait()
		if got := c.ProcessState.ExitCode(); got != want {
			t.Errorf("%s: exit code %d, want %d", what, got, want)
		}
		if !c.there() || !c.stuck() {
			t.Errorf("%s: the process behind it has ended: this shows nothing", what)
		}
		if what == "it is over" {
			exectest.Await(t, "its lock", c.released)
		}
		defer exectest.Await(t, "its end once there is an answer", func() bool { return !c.there() })
	}
	m.GoOn()
}

// TestGivesBack: a launcher has no front; before it ends, which it may not do soon, it gives back what others wait for.
func TestGivesBack(t *testing.T) {
	m, path := halted(t)
	c := start(t, "run", path)
	if c.pid != c.Process.Pid {
		t.Fatal("there is a front")
	}
	exectest.Await(t, "a thread to wait", c.stuck)
	c.input.Close()
	if rest, err := io.ReadAll(c.out); err != nil || len(rest) > 0 {
		t.Errorf("its output goes on: %q, %v", rest, err)
	}
	exectest.Await(t, "its lock", c.released)
	if !c.stuck() {
		t.Error("it has ended: this shows nothing")
	}
	m.GoOn()
	c.Wait()
	if got := c.ProcessState.ExitCode(); got != 7 {
		t.Errorf("exit code %d", got)
	}
}

// TestFrontKilled: the process behind a front that was killed does not go on, and one that was killed itself is told of as a
// shell does.
func TestFrontKilled(t *testing.T) {
	fusetest.New(t, t.TempDir(), fusetest.Options{})
	c := start(t, "status", t.TempDir())
	c.Process.Kill()
	c.Wait()
	exectest.Await(t, "the end of the process behind", func() bool { return !c.there() })
	c = start(t, "status", t.TempDir())
	unix.Kill(c.pid, unix.SIGKILL)
	c.Wait()
	if got := c.ProcessState.ExitCode(); got != 128+int(unix.SIGKILL) {
		t.Errorf("exit code %d", got)
	}
}
