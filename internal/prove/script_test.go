package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// stubGo stands for Go: it "builds" a prover that says what it was told, does what STUB says, and tells in $LOG of every
// signal.
const stubGo = `#!/bin/sh
case "$1" in
env) exit 0 ;;
esac
case "$STUB" in
unbuildable) exit 1 ;;
long-build) trap 'echo build interrupted >>"$LOG"; exit 1' INT TERM; echo building >>"$LOG"; while :; do sleep 0.02; done ;;
esac
shift
while [ "$1" != -o ]; do shift; done
cat >"$2/prove" <<'END'
#!/bin/sh
case "$STUB" in
[0-9]*) exit "$STUB" ;;
killed) kill -9 $$ ;;
orphan) sh -c 'sleep 0.3; echo worker gone >>"$LOG"' & kill -9 $$ ;;
esac
trap 'sleep 0.3; [ -d "${4%/*}" ] && echo "prover done, its directory was there" >>"$LOG"; exit 2' INT TERM
echo proving >>"$LOG"
while :; do sleep 0.02; done
END
chmod +x "$2/prove"
`

// script is a run of scripts/prove with a Go that is none.
type script struct {
	*exec.Cmd
	t        *testing.T
	log, tmp string
	stderr   strings.Builder
}

func newScript(t *testing.T, stub string, args ...string) *script {
	t.Helper()
	dir := t.TempDir()
	s := &script{t: t, log: filepath.Join(dir, "log"), tmp: filepath.Join(dir, "tmp")}
	for path, text := range map[string]string{filepath.Join(dir, "go"): stubGo, s.log: ""} {
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(s.tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	s.Cmd = exec.Command("../../scripts/prove", args...)
	s.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "LOG="+s.log, "TMPDIR="+s.tmp, "STUB="+stub)
	s.Stderr = &s.stderr
	s.WaitDelay = time.Minute
	return s
}

// end waits for the script, and says what it exited with. Nothing may be left of it.
func (s *script) end() int {
	s.t.Helper()
	err := s.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	if left, err := os.ReadDir(s.tmp); err != nil || len(left) > 0 {
		s.t.Errorf("left: %v, %v", left, err)
	}
	return s.ProcessState.ExitCode()
}

func (s *script) said() string {
	data, err := os.ReadFile(s.log)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(data)
}

func TestScriptExits(t *testing.T) {
	for _, c := range []struct {
		stub, stderr string
		code         int
	}{
		{"0", "", 0}, {"1", "", 1}, {"2", "", 2}, {"64", "--quick", 2}, {"7", "ended by itself with 7", 2},
		{"unbuildable", "could not be built", 2}, {"killed", "it was killed", 2},
	} {
		t.Run(c.stub, func(t *testing.T) {
			t.Parallel()
			s := newScript(t, c.stub, "-only", "a b", "")
			if err := s.Start(); err != nil {
				t.Fatal(err)
			}
			if code := s.end(); code != c.code || !strings.Contains(s.stderr.String(), c.stderr) {
				t.Errorf("exit %d, not %d: %s", code, c.code, &s.stderr)
			}
		})
	}
}

func TestScriptWithoutRoom(t *testing.T) {
	s := newScript(t, "0")
	s.Env = append(s.Env, "TMPDIR=/nowhere")
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if code := s.end(); code != 2 || !strings.Contains(s.stderr.String(), "no room") {
		t.Errorf("exit %d: %s", code, &s.stderr)
	}
}

func TestScriptThroughALink(t *testing.T) {
	s := newScript(t, "0")
	real, err := filepath.Abs("../../scripts/prove")
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(filepath.Dir(s.log), "prove")
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	s.Path, s.Args[0] = link, link
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if code := s.end(); code != 0 {
		t.Errorf("exit %d: %s", code, &s.stderr)
	}
}

// A signal to the script alone reaches what it runs, and the script outlives that; so does one to the whole group.
func TestScriptSignalled(t *testing.T) {
	for _, c := range []struct {
		name, stub, begun string
		sig               unix.Signal
		group             bool
		code              int
		said              string
	}{
		{"TERM while it proves", "", "proving", unix.SIGTERM, false, 143, "prover done, its directory was there"},
		{"INT while it proves", "", "proving", unix.SIGINT, false, 130, "prover done, its directory was there"},
		{"INT to the group", "", "proving", unix.SIGINT, true, 130, "prover done, its directory was there"},
		{"INT while it builds", "long-build", "building", unix.SIGINT, true, 130, "build interrupted"},
		{"TERM while it builds", "long-build", "building", unix.SIGTERM, false, 143, "build interrupted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newScript(t, c.stub)
			s.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
			if err := s.Start(); err != nil {
				t.Fatal(err)
			}
			for !strings.Contains(s.said(), c.begun) {
				time.Sleep(5 * time.Millisecond)
			}
			pid := s.Process.Pid
			if c.group {
				pid = -pid
			}
			if err := unix.Kill(pid, c.sig); err != nil {
				t.Fatal(err)
			}
			if code := s.end(); code != c.code || !strings.Contains(s.said(), c.said) {
				t.Errorf("exit %d, not %d; %s; %s", code, c.code, s.said(), &s.stderr)
			}
		})
	}
}

// Where the prover was killed, what it started is waited for before its directory goes.
func TestScriptWaitsForOrphans(t *testing.T) {
	s := newScript(t, "orphan")
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if code := s.end(); code != 2 || !strings.Contains(s.said(), "worker gone") {
		t.Errorf("exit %d; %s", code, s.said())
	}
}
