package proc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"runsheet"
)

// TestMain turns the test binary into the process that a test asks for.
func TestMain(m *testing.M) {
	if os.Getenv("PROC_TEST_ROLE") == "headless" {
		headless()
	}
	os.Exit(m.Run())
}

// headless ends the first thread of the process and leaves the others.
func headless() {
	for {
		go func() {
			runtime.LockOSThread()
			if unix.Gettid() == unix.Getpid() {
				unix.RawSyscall(unix.SYS_EXIT, 0, 0, 0)
			}
			select {}
		}()
		time.Sleep(5 * time.Millisecond)
	}
}

var nonces int

// nonce returns a token that no other test has, and ends what carries it when the test is over.
func nonce(t *testing.T) string {
	nonces++
	n := fmt.Sprintf("%016x%08x%08x", time.Now().UnixNano(), os.Getpid(), nonces)
	t.Cleanup(func() {
		err := EndAll(context.Background(), System(), func() ([]runsheet.Process, error) {
			return System().Find(n, 0, runsheet.Process{})
		}, 0, SystemClock())
		if err != nil {
			t.Error(err)
		}
	})
	return n
}

// start runs a bash script in a session of its own, with a token unless it is empty. The first line it prints means
// that it is ready.
func start(t *testing.T, token, script string) (*exec.Cmd, runsheet.Process) {
	t.Helper()
	return startCmd(t, token, exec.Command("bash", "-c", script))
}

func startCmd(t *testing.T, token string, cmd *exec.Cmd) (*exec.Cmd, runsheet.Process) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd.Env = append(cmd.Environ(), "PROC_TEST=1")
	if token != "" {
		cmd.Env = append(cmd.Env, TokenVariable+"="+token)
	}
	cmd.Stdout, cmd.Stderr = w, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	p, err := Identify(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if cmd.Args[0] == "bash" {
		buf := make([]byte, 64)
		r.SetReadDeadline(time.Now().Add(20 * time.Second))
		if n, err := r.Read(buf); err != nil || n == 0 {
			t.Fatalf("the script did not get ready: %v", err)
		}
	}
	return cmd, p
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !cond(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// command returns the command line of a process.
func command(pid int) string {
	data, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	return strings.TrimSpace(string(bytes.ReplaceAll(data, []byte{0}, []byte{' '})))
}

// finds waits until Find lists a process with this command line.
func finds(t *testing.T, token string, session int, since runsheet.Process, line string) runsheet.Process {
	t.Helper()
	var p runsheet.Process
	eventually(t, "found: "+line, func() bool {
		found, err := System().Find(token, session, since)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(found, func(p runsheet.Process) bool { return command(p.PID) == line })
		if i >= 0 {
			p = found[i]
		}
		return i >= 0
	})
	return p
}

func TestIdentity(t *testing.T) {
	self, err := Self()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Identify(os.Getpid()); err != nil || got != self {
		t.Errorf("Identify(self) = %v, %v; Self() = %v", got, err, self)
	}
	if System().Self() != self {
		t.Error("System().Self() is another")
	}
	if err := Ready(); err != nil {
		t.Error(err)
	}
	other := func(f func(*runsheet.Process)) runsheet.Process { p := self; f(&p); return p }
	for name, tt := range map[string]struct {
		p    runsheet.Process
		want State
		same bool
		err  bool
	}{
		"itself":         {self, Alive, true, false},
		"another name":   {other(func(p *runsheet.Process) { p.Host = "x" }), Alive, true, false},
		"reused pid":     {other(func(p *runsheet.Process) { p.StartTime++ }), Gone, false, false},
		"another boot":   {other(func(p *runsheet.Process) { p.BootID = "x" }), Elsewhere, false, false},
		"no boot":        {other(func(p *runsheet.Process) { p.BootID = "" }), Elsewhere, false, false},
		"another ns":     {other(func(p *runsheet.Process) { p.PIDNamespace = "pid:[1]" }), Elsewhere, false, false},
		"no such pid":    {other(func(p *runsheet.Process) { p.PID = 1 << 30 }), Gone, false, false},
		"pid 0":          {other(func(p *runsheet.Process) { p.PID = 0 }), Elsewhere, false, true},
		"negative pid":   {other(func(p *runsheet.Process) { p.PID = -self.PID }), Elsewhere, false, true},
		"the zero value": {runsheet.Process{}, Elsewhere, false, false},
	} {
		got, err := Check(tt.p)
		if got != tt.want || (err != nil) != tt.err || Same(tt.p, self) != tt.same {
			t.Errorf("%s: Check = %v, %v, want %v; same = %v", name, got, err, tt.want, Same(tt.p, self))
		}
		if got := System().Check(tt.p); got != tt.want {
			t.Errorf("%s: System().Check = %v", name, got)
		}
	}
	if _, err := Identify(1 << 30); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Identify of no process: %v", err)
	}
}

func TestZombieIsGone(t *testing.T) {
	n := nonce(t)
	cmd, p := start(t, n, "echo; exec sleep 1000")
	if System().Check(p) != Alive {
		t.Fatal("not alive")
	}
	cmd.Process.Kill()
	eventually(t, "a zombie", func() bool {
		s, _, err := readStat(p.PID, nil)
		return err == nil && s.state == 'Z'
	})
	if got := System().Check(p); got != Gone {
		t.Errorf("zombie is %v", got)
	}
	if _, err := Identify(p.PID); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Identify of a zombie: %v", err)
	}
	if err := System().Signal(p, syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if found, err := System().Find(n, p.PID, p); err != nil || len(found) > 0 {
		t.Errorf("found %v, %v", found, err)
	}
	cmd.Wait()
	if got := System().Check(p); got != Gone {
		t.Errorf("reaped process is %v", got)
	}
	if err := System().Signal(p, syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}

// A process without its first thread shows state Z and an empty environment, but lives.
func TestHeadlessLives(t *testing.T) {
	n := nonce(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PROC_TEST_ROLE=headless")
	_, p := startCmd(t, n, cmd)
	eventually(t, "the first thread is gone", func() bool {
		s, _, err := readStat(p.PID, nil)
		return err == nil && s.state == 'Z'
	})
	if got := System().Check(p); got != Alive {
		t.Errorf("it is %v", got)
	}
	if found, err := System().Find(n, 0, p); err != nil || !slices.ContainsFunc(found, func(f runsheet.Process) bool { return Same(f, p) }) {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestFind(t *testing.T) {
	n := nonce(t)
	other := nonce(t)
	_, leader := start(t, n, `
		bash -c 'bash -c "exec sleep 1001" & wait' &          # a grandchild
		setsid bash -c 'setsid sleep 1002 & exit' &           # daemonized: two sessions away, its parents gone
		( exec setsid sleep 1003 0<&- 1>&- 2>&- ) &           # every descriptor closed
		env -i sleep 1004 &                                   # no environment
		( env -i sleep 1005 & )                               # none, and no parent
		env RUNSHEET_TOKEN=x`+n+` sleep 1006 &                # nearly the token; in the session
		setsid env RUNSHEET_TOKEN=`+n+`x sleep 1007 &         # nearly the token, and away
		setsid env -i A=1 SHELL_RUNSHEET_TOKEN=`+n+` X_RUNSHEET_TOKEN=`+n+` sleep 1008 &
		echo; wait`)
	_, stranger := start(t, other, "echo; exec sleep 1009")
	for i := range 3 {
		finds(t, n, 0, leader, fmt.Sprintf("sleep %d", 1001+i))
	}
	finds(t, n, leader.PID, leader, "sleep 1004")
	finds(t, n, leader.PID, leader, "sleep 1005")
	finds(t, n, leader.PID, leader, "sleep 1006")
	strangers := func() (found []int) {
		for _, pid := range must(list()) {
			if c := command(pid); c == "sleep 1007" || c == "sleep 1008" {
				found = append(found, pid)
			}
		}
		return found
	}
	eventually(t, "the strangers run", func() bool { return len(strangers()) == 2 })
	t.Cleanup(func() {
		for _, pid := range strangers() {
			if p, err := Identify(pid); err == nil {
				System().Signal(p, syscall.SIGKILL)
			}
		}
	})
	found, err := System().Find(n, leader.PID, leader)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range found {
		switch c := command(p.PID); {
		case c == "sleep 1007", c == "sleep 1008", Same(p, stranger), p.PID == os.Getpid():
			t.Errorf("found %d %q", p.PID, c)
		}
	}
	if !slices.IsSortedFunc(found, func(a, b runsheet.Process) int { return a.PID - b.PID }) {
		t.Error("not in order")
	}
	// Without the session only the token finds, without the token only the session.
	byToken, err := System().Find(n, 0, leader)
	if err != nil || slices.ContainsFunc(byToken, func(p runsheet.Process) bool { return command(p.PID) == "sleep 1004" }) {
		t.Errorf("by token: %v, %v", byToken, err)
	}
	bySession, err := System().Find("", leader.PID, leader)
	if err != nil || slices.ContainsFunc(bySession, func(p runsheet.Process) bool { return command(p.PID) == "sleep 1003" }) || len(bySession) < 4 {
		t.Errorf("by session: %v, %v", bySession, err)
	}
	end := func() ([]runsheet.Process, error) { return System().Find(n, leader.PID, leader) }
	if err := EndAll(t.Context(), System(), end, 5*time.Second, SystemClock()); err != nil {
		t.Fatal(err)
	}
	for _, pid := range must(list()) {
		if c := command(pid); len(c) == 10 && c >= "sleep 1001" && c <= "sleep 1006" {
			t.Errorf("%s was left", c)
		}
	}
	if System().Check(stranger) != Alive || len(strangers()) != 2 {
		t.Error("a stranger was ended")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// We are in the session that is asked for when runsheet runs inside an attempt; we are never found.
func TestFindNotOurselves(t *testing.T) {
	self := must(Self())
	ancient := self
	ancient.PID, ancient.StartTime = 1<<30, 0 // older than anything: the session is taken for ours
	found, err := System().Find("", must(unix.Getsid(0)), ancient)
	if err != nil || slices.ContainsFunc(found, func(p runsheet.Process) bool { return p.PID == self.PID }) {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestSignalComparesIdentity(t *testing.T) {
	_, p := start(t, nonce(t), "echo; exec sleep 1000")
	forged := p
	forged.StartTime--
	if err := System().Signal(forged, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	forged = p
	forged.BootID = "another"
	if err := System().Signal(forged, syscall.SIGKILL); !errors.Is(err, ErrElsewhere) {
		t.Errorf("err = %v, want ErrElsewhere", err)
	}
	forged = p
	forged.PID = -p.PID // a process group to kill(2)
	if err := System().Signal(forged, syscall.SIGKILL); err == nil {
		t.Error("a negative pid was signalled")
	}
	if err := System().Signal(p, 0); err != nil {
		t.Error(err)
	}
	if got := System().Check(p); got != Alive {
		t.Fatalf("it is %v", got)
	}
	if err := System().Signal(p, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	eventually(t, "gone", func() bool { return System().Check(p) == Gone })
}

func TestDescendantsAndUsage(t *testing.T) {
	_, p := start(t, nonce(t), `bash -c 'sleep 1001 & sleep 1001 & wait' & sleep 1001 & echo; wait`)
	var pids []int
	eventually(t, "three sleeps and a shell", func() bool {
		pids = must(Descendants(p.PID))
		n := 0
		for _, pid := range pids {
			if command(pid) == "sleep 1001" {
				n++
			}
		}
		return n == 3
	})
	if len(pids) != 4 || slices.Contains(pids, p.PID) {
		t.Errorf("descendants of %d: %v", p.PID, pids)
	}
	all, one := Usage(pids), Usage(pids[:1])
	if one <= 0 || all <= one || all > 1<<30 {
		t.Errorf("usage: %d of all, %d of one", all, one)
	}
	if got := Usage([]int{1 << 30}); got != 0 {
		t.Errorf("usage of nobody: %d", got)
	}
	if got := must(Descendants(1 << 30)); len(got) != 0 {
		t.Errorf("descendants of nobody: %v", got)
	}
	// Both ways of looking see the same.
	if _, err := os.Stat(filepath.Join("/proc", strconv.Itoa(p.PID), "task", strconv.Itoa(p.PID), "children")); err == nil {
		if got := walk(p.PID, listChildren); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(pids))) {
			t.Errorf("by children: %v, want %v", got, pids)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	self := must(Self())
	for b.Loop() {
		if _, err := look("0123456789abcdef", 1<<29, self); err != nil {
			b.Fatal(err)
		}
	}
}

func TestStopped(t *testing.T) {
	_, one := start(t, "", `echo; exec sleep 1000`)
	_, two := start(t, "", `echo; exec sleep 1000`)
	both := []int{one.PID, two.PID}
	for _, p := range []runsheet.Process{one, two} {
		if Stopped(both) {
			t.Error("one of them runs")
		}
		if err := System().Signal(p, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		eventually(t, "stopped", func() bool { return Stopped([]int{p.PID}) })
	}
	if !Stopped(both) {
		t.Error("both are stopped")
	}
	if Stopped(nil) || Stopped([]int{1 << 30}) {
		t.Error("nobody is stopped")
	}
}

// TestEffort holds what counts as the effort of a process and of what it has started.
func TestEffort(t *testing.T) {
	cmd := exec.Command("sh", "-c", `(i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done); echo; read -r x`)
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer in.Close()
	out.Read(make([]byte, 1)) // its child was waited for, and it waits itself
	p, err := Identify(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	e, ok := EffortOf(p)
	if !ok || e.CPU <= 0 {
		t.Errorf("of a tree whose work was done by a child that is gone: %+v, %t", e, ok)
	}
	if below := EffortBelow(os.Getpid(), nil); below.CPU >= e.CPU {
		t.Errorf("what a child has waited for counts: %v of %v", below.CPU, e.CPU)
	}
	other := p
	other.StartTime++
	if e, ok := EffortOf(other); ok {
		t.Errorf("of a process that is gone: %+v", e)
	}
}
