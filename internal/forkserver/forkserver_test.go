package forkserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/durable/fusetest"
	"runsheet/internal/executor/exectest"
	"runsheet/internal/proc"
)

// user is the first argument by which the test binary knows that it is to use a server, and to be killed.
const user = "fork-server-user"

// TestMain lets the test binary be the fork server, and a process that uses one.
func TestMain(m *testing.M) {
	fusetest.Main()
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case Verb:
			os.Exit(Main(os.Stderr))
		case user:
			os.Exit(use(os.Args[2] == "here"))
		}
	}
	os.Exit(m.Run())
}

// use starts a process, tells of it, and waits for its own end.
func use(here bool) int {
	s, server := Here(), os.Getpid()
	if !here {
		var err error
		if s, err = Begin(); err != nil {
			fmt.Println(err)
			return 1
		}
		server = s.process.Process.Pid
	}
	p, err := s.Start(context.Background(), Command{Name: "sleep", Args: []string{"sleep", "1000"}, Dir: "/", Session: true})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(server, p.PID)
	select {}
}

// both runs a test with a fork server, and with one that is no process of its own.
func both(t *testing.T, f func(t *testing.T, s *Server)) {
	t.Run("here", func(t *testing.T) { f(t, Here()) })
	t.Run("process", func(t *testing.T) { f(t, begun(t)) })
}

func begun(t *testing.T) *Server {
	t.Helper()
	s, err := Begin()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func shell(script string, args ...string) Command {
	return Command{Name: "sh", Args: append([]string{"sh", "-c", script, "sh"}, args...), Dir: "/"}
}

// long is longer than any test waits.
const long = time.Hour

func run(t *testing.T, s *Server, c Command) (stdout, stderr string, err error) {
	t.Helper()
	var out, words bytes.Buffer
	err = s.Run(t.Context(), c, &out, &words, long)
	return out.String(), words.String(), err
}

func identify(t *testing.T, pid string) runsheet.Process {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSpace(pid))
	if err != nil {
		t.Fatal(err)
	}
	p, err := proc.Identify(n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proc.System().Signal(p, unix.SIGKILL) })
	return p
}

func gone(p runsheet.Process) func() bool {
	return func() bool { return proc.System().Check(p) == proc.Gone }
}

func TestEnds(t *testing.T) {
	both(t, func(t *testing.T, s *Server) {
		for script, want := range map[string]string{"exit 0": "<nil>", "exit 3": "exit status 3", "kill -KILL $$": "signal: killed"} {
			out, words, err := run(t, s, shell("echo out; echo words >&2; "+script))
			if fmt.Sprint(err) != want || out != "out\n" || words != "words\n" {
				t.Errorf("%s: %v, %q, %q", script, err, out, words)
			}
		}
	})
}

// TestErrors: what the operating system refuses is the error that os.StartProcess would have, whoever was refused it.
func TestErrors(t *testing.T) {
	garbage := filepath.Join(t.TempDir(), "garbage")
	if err := os.WriteFile(garbage, []byte{0, 1, 2}, 0o700); err != nil {
		t.Fatal(err)
	}
	nowhere := shell("true")
	nowhere.Dir = "/proc/nowhere"
	both(t, func(t *testing.T, s *Server) {
		for _, c := range []struct {
			Command
			want error
			op   string
		}{
			{Command{Name: "no-such-program"}, exec.ErrNotFound, ""},
			{Command{Name: "/proc/nowhere"}, fs.ErrNotExist, ""},
			{Command{Name: garbage, Args: []string{garbage}}, unix.ENOEXEC, "fork/exec"},
			{shell("true", strings.Repeat("x", 256<<10)), unix.E2BIG, "fork/exec"},
			{shell("true", "\x00"), unix.EINVAL, "fork/exec"},
			{nowhere, unix.ENOENT, "fork/exec"},
		} {
			_, err := s.Start(t.Context(), c.Command)
			var path *fs.PathError
			if !errors.Is(err, c.want) || c.op != "" && (!errors.As(err, &path) || path.Op != c.op) || durable.Starved(err) {
				t.Errorf("%s: %v", c.Name, err)
			}
		}
	})
}

// TestGiven: words, variables and descriptors arrive as they were given, and nothing else does.
func TestGiven(t *testing.T) {
	both(t, func(t *testing.T, s *Server) {
		c := shell(`printf '%s|%s|%s|' "$1" "$V" "$LARGE"; pwd`, "a\xff\nb")
		large := strings.Repeat("x", 100<<10)
		c.Env = []string{"V=first", "V=\xfe", "PATH=" + os.Getenv("PATH"), "LARGE=" + large}
		for i := range 12 {
			c.Env = append(c.Env, fmt.Sprintf("LARGE_%d=%s", i, large))
		}
		if out, _, err := run(t, s, c); err != nil || out != "a\xff\nb|\xfe|"+large+"|/\n" {
			t.Errorf("%v, %.100q", err, out)
		}
		out, words, err := run(t, s, shell(`ls -l /proc/$$/fd; cat /proc/$$/status; cat`))
		if err != nil || words != "" || strings.Contains(out, "socket:") || strings.Count(out, " -> ") != 3 || !strings.Contains(out, "0 -> /dev/null") {
			t.Errorf("%v, %q, %q", err, out, words)
		}
		_, ignored, _ := strings.Cut(out, "SigIgn:\t")
		ignored, _, _ = strings.Cut(ignored, "\n")
		mask, err := strconv.ParseUint(ignored, 16, 64)
		for _, sig := range []syscall.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGPIPE, unix.SIGUSR1} {
			if err != nil || mask&(1<<(sig-1)) != 0 {
				t.Errorf("%v is ignored: %q, %v", sig, ignored, err)
			}
		}
	})
}

// TestGroups: a process leads a session or a group, as it was asked.
func TestGroups(t *testing.T) {
	both(t, func(t *testing.T, s *Server) {
		for _, session := range []bool{false, true} {
			p, err := s.Start(t.Context(), Command{Name: "sleep", Args: []string{"sleep", "1000"}, Session: session})
			if err != nil {
				t.Fatal(err)
			}
			group, _ := unix.Getpgid(p.PID)
			sid, _ := unix.Getsid(p.PID)
			if group != p.PID || (sid == p.PID) != session {
				t.Errorf("process %d, group %d, session %d", p.PID, group, sid)
			}
			p.Signal(unix.SIGTERM)
			if err := p.Wait(); fmt.Sprint(err) != "signal: terminated" {
				t.Error(err)
			}
			if p.Signal(unix.SIGTERM) == nil {
				t.Error("what has ended was signalled")
			}
		}
	})
}

// TestCancelled: when the context is done the whole group is killed; its pipes would stay open otherwise.
func TestCancelled(t *testing.T) {
	both(t, func(t *testing.T, s *Server) {
		ctx, cancel := context.WithCancel(t.Context())
		var out writer = func([]byte) { cancel() }
		if err := s.Run(ctx, shell("sleep 1000 & echo; wait"), out, out, long); fmt.Sprint(err) != "signal: killed" {
			t.Error(err)
		}
		if err := s.Run(ctx, shell("true"), out, out, long); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

type writer func([]byte)

func (w writer) Write(p []byte) (int, error) {
	w(p)
	return len(p), nil
}

// TestWaitDelay: what a program left running holds its output open, and nobody waits for that.
func TestWaitDelay(t *testing.T) {
	both(t, func(t *testing.T, s *Server) {
		var out, words bytes.Buffer
		err := s.Run(t.Context(), shell("sleep 1000 & echo $!"), &out, &words, 100*time.Millisecond)
		identify(t, out.String())
		if !errors.Is(err, exec.ErrWaitDelay) {
			t.Error(err)
		}
	})
}

// TestDied: where the fork server has died what it started lives, nobody knows how it ends, and the next start begins
// another one.
func TestDied(t *testing.T) {
	s := begun(t)
	p, err := s.Start(t.Context(), Command{Name: "sleep", Args: []string{"sleep", "1000"}})
	if err != nil {
		t.Fatal(err)
	}
	child := identify(t, strconv.Itoa(p.PID))
	first := s.process
	first.Process.Kill()
	first.Wait()
	if err := p.Wait(); !errors.Is(err, ErrLost) {
		t.Error(err)
	}
	if out, _, err := run(t, s, shell("echo out")); err != nil || out != "out\n" || s.process == first {
		t.Errorf("%v, %q", err, out)
	}
	if gone(child)() {
		t.Error("what it started is gone")
	}
	s.Close()
	if _, err := s.Start(t.Context(), shell("true")); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	s.Close()
}

// TestStopped: one that does not answer is no fault of what was to be started, and passes.
func TestStopped(t *testing.T) {
	s := begun(t)
	s.process.Process.Signal(unix.SIGSTOP)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err := s.Start(ctx, shell("true"))
	if !errors.Is(err, ErrLost) || !durable.Starved(err) || !strings.Contains(durable.Hint(err), "kill -CONT") {
		t.Errorf("%v; hint: %s", err, durable.Hint(err))
	}
	s.process.Process.Signal(unix.SIGCONT)
	if out, _, err := run(t, s, shell("echo out")); err != nil || out != "out\n" {
		t.Errorf("%v, %q", err, out)
	}
}

// TestUserKilled: the fork server ends with whoever began it, what it started lives on, and has none of the descriptors that
// the process was started with.
func TestUserKilled(t *testing.T) {
	for _, where := range []string{"here", "process"} {
		t.Run(where, func(t *testing.T) {
			cmd := exec.Command("/proc/self/exe", user, where)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer read.Close()
			cmd.ExtraFiles = []*os.File{write, write}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			write.Close()
			var server, child int
			if _, err := fmt.Fscan(out, &server, &child); err != nil {
				t.Fatal(err)
			}
			ours, its := identify(t, strconv.Itoa(server)), identify(t, strconv.Itoa(child))
			cmd.Process.Kill()
			for _, r := range []io.Reader{out, read} { // they end where nobody else has them
				if _, err := io.Copy(io.Discard, r); err != nil {
					t.Error(err)
				}
			}
			cmd.Wait()
			exectest.Await(t, "the fork server to be gone", gone(ours))
			if gone(its)() {
				t.Error("what it started is gone")
			}
		})
	}
}

// TestHungFile: a file of ours on a file system that does not answer holds up nothing that a fork server starts.
func TestHungFile(t *testing.T) {
	s := begun(t)
	m := fusetest.New(t, t.TempDir(), fusetest.Options{})
	f, err := os.OpenFile(filepath.Join(m.Dir, "file"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	m.Halt()
	for range 3 {
		if out, _, err := run(t, s, shell("echo out")); err != nil || out != "out\n" {
			t.Errorf("%v, %q", err, out)
		}
	}
	m.GoOn()
	f.Close()
}
