package supervise_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/executor/exectest"
	"runsheet/internal/executor/local"
	"runsheet/internal/forkserver"
	"runsheet/internal/proc"
	"runsheet/internal/record"
	"runsheet/internal/supervise"
)

// fence is how often the supervisors of these tests look over it.
const fence = 200 * time.Millisecond

// TestMain lets the test binary be the supervisor that the executor starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == supervise.Verb {
		os.Exit(supervise.MainEvery(fence, os.Args[2:], os.Stderr))
	}
	os.Exit(m.Run())
}

// attempt is an attempt under a real supervisor.
type attempt struct {
	t     testing.TB
	dir   string // the attempt's
	work  string
	claim runsheet.Claim
	exec  *local.Executor
	sys   record.System
}

// claimed claims an attempt; whatever it leaves behind is ended with the test, and its supervisor must not race.
func claimed(t testing.TB, command string, edit ...func(*runsheet.Claim)) *attempt {
	t.Helper()
	exectest.Needs(t, "bash")
	a := &attempt{t: t, exec: local.New(durable.OS(), forkserver.Here()), sys: record.NewSystem(durable.OS())}
	a.dir, a.claim = exectest.Claimed(t, local.Name, command, edit...)
	a.work = a.claim.WorkDir
	log := record.SuperviseLogPath(a.dir)
	t.Cleanup(func() {
		exectest.EndAll(t, a.claim.Nonce)
		if said, err := os.ReadFile(log); err == nil && strings.Contains(string(said), "DATA RACE") {
			t.Errorf("the supervisor races:\n%s", said)
		}
	})
	return a
}

func begin(t testing.TB, command string, edit ...func(*runsheet.Claim)) *attempt {
	t.Helper()
	a := claimed(t, command, edit...)
	a.start()
	return a
}

func (a *attempt) start() {
	a.t.Helper()
	if err := exectest.Start(context.Background(), a.exec, a.dir, a.claim); err != nil {
		a.t.Fatal(err)
	}
}

// end waits for the end of the attempt, after which nothing of it may live.
func (a *attempt) end() runsheet.End {
	a.t.Helper()
	v := exectest.AwaitEnd(a.t, a.dir)
	a.nothingLives(v.Start.Process)
	return *v.End
}

// nothingLives fails where anything but the supervisor, which is in its last instructions, carries the token.
func (a *attempt) nothingLives(supervisor runsheet.Process) {
	a.t.Helper()
	for _, p := range exectest.Living(a.t, a.claim.Nonce) {
		if !proc.Same(p, supervisor) {
			cmdline, _ := os.ReadFile("/proc/" + strconv.Itoa(p.PID) + "/cmdline")
			a.t.Errorf("process %d of the attempt lives after its end: %q", p.PID, cmdline)
		}
	}
}

// has waits until the command has written a file into the work dir, and returns its text.
func (a *attempt) has(name string) string {
	a.t.Helper()
	var text []byte
	exectest.Await(a.t, name, func() bool {
		var err error
		text, err = os.ReadFile(filepath.Join(a.work, name))
		return err == nil && strings.HasSuffix(string(text), "\n")
	})
	return strings.TrimSpace(string(text))
}

// process returns who wrote its pid into a file of the work dir.
func (a *attempt) process(name string) runsheet.Process {
	a.t.Helper()
	pid, err := strconv.Atoi(a.has(name))
	if err != nil {
		a.t.Fatal(err)
	}
	p, err := proc.Identify(pid)
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { proc.System().Signal(p, unix.SIGKILL) }) // it may carry no token
	return p
}

func (a *attempt) stop(kind runsheet.EndKind, hurry bool) {
	a.t.Helper()
	s := exectest.AwaitStart(a.t, a.dir)
	if err := a.exec.Stop(context.Background(), a.dir, a.claim, s, kind, hurry); err != nil {
		a.t.Fatal(err)
	}
}

// gone waits until the supervisor has left.
func (a *attempt) gone(supervisor runsheet.Process) {
	a.t.Helper()
	exectest.Await(a.t, "the supervisor to leave", func() bool { return a.sys.Procs.Check(supervisor) != proc.Alive })
}

func grace(d time.Duration) func(*runsheet.Claim) {
	return func(c *runsheet.Claim) { c.StopGrace = d }
}

func epochs(total int64) func(*runsheet.Claim) {
	return func(c *runsheet.Claim) {
		c.Progress = runsheet.ProgressSpec{Tracker: "epochs", Total: total, Files: []string{"done"}}
	}
}

// epoch is a shell function that completes epoch $1.
const epoch = `epoch() { mkdir -p "$RUNSHEET_WORK_DIR/epoch_$1" && echo 1 > "$RUNSHEET_WORK_DIR/epoch_$1/done"; }; `

// says is a shell command that writes a line into a file of the work dir, whole.
func says(name, text string) string {
	return `echo "` + text + `" > "$RUNSHEET_WORK_DIR/` + name + `"; `
}

// TestEndRecord holds what an end says of how the command ended.
func TestEndRecord(t *testing.T) {
	trace := `printf 'Traceback (most recent call last):\n  File "t.py", line 1, in <module>\nValueError: bad lr\n' >&2; exit 1`
	for _, c := range []struct {
		name, command string
		code          int // -1: none
		signal        string
		kind          runsheet.EndKind
		cause         runsheet.CauseKind
		text          string
		edit          func(*runsheet.Claim)
	}{
		{"well", "exit 0", 0, "", runsheet.EndExit, "", "", nil},
		{"exit", "exit 3", 3, "", runsheet.EndExit, runsheet.CauseExit, "exit code 3", nil},
		{"signal", "kill -SEGV $$", -1, "SIGSEGV", runsheet.EndSignal, runsheet.CauseSignal, "SIGSEGV", nil},
		{"traceback", trace, 1, "", runsheet.EndExit, runsheet.CauseTraceback, "ValueError: bad lr", nil},
		{"not found", "no-such-trainer --lr 1", 127, "", runsheet.EndExit, runsheet.CauseCommand, "no-such-trainer", nil},
		{"syntax", "if then", 2, "", runsheet.EndExit, runsheet.CauseSyntax, "syntax error", nil},
		{"incomplete", epoch + "epoch 0; epoch 1", 0, "", runsheet.EndExit, runsheet.CauseIncomplete, "exited 0 at 2 of 3", epochs(3)},
		{"complete and broken", epoch + "epoch 0; exit 7", 7, "", runsheet.EndExit, "", "", epochs(1)},
		{"no directory", "exit 0", -1, "", runsheet.EndError, runsheet.CauseCommand, "no such file", func(c *runsheet.Claim) { c.Dir = "/nonexistent/dir" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			edit := c.edit
			if edit == nil {
				edit = func(*runsheet.Claim) {}
			}
			e := begin(t, c.command, edit).end()
			code := -1
			if e.ExitCode != nil {
				code = *e.ExitCode
			}
			if e.Kind != c.kind || code != c.code || e.Signal != c.signal {
				t.Errorf("it ended as %q, code %d, signal %q; want %q, %d, %q", e.Kind, code, e.Signal, c.kind, c.code, c.signal)
			}
			if e.Cause.Kind != c.cause || !strings.Contains(e.Cause.Text, c.text) {
				t.Errorf("the cause is %q, %q; want %q, %q", e.Cause.Kind, e.Cause.Text, c.cause, c.text)
			}
			if e.Kind != runsheet.EndError && (e.Progress == nil || e.Wall <= 0 || e.At.IsZero()) {
				t.Errorf("end %+v", e)
			}
		})
	}
}

// TestUsage holds that an end tells what the whole tree took, grandchildren and daemons included.
func TestUsage(t *testing.T) {
	exectest.Needs(t, "head", "tail", "setsid")
	const held = 100 << 20
	// tail keeps what has no newline; the loop counts its own CPU time; both are nobody's children in the end.
	a := begin(t, `(setsid bash -c 'head -c 104857600 /dev/zero | tail | wc -c > /dev/null
		for ((i = 0; i < 100000; i++)); do :; done; times > "$RUNSHEET_WORK_DIR/times"' &) ; `)
	e := a.end()
	if e.PeakMemory < held || e.PeakMemory > 3*held {
		t.Errorf("a tree that held %d bytes has a peak of %d", held, e.PeakMemory)
	}
	text, err := os.ReadFile(filepath.Join(a.work, "times"))
	if err != nil {
		t.Fatal(err)
	}
	var took float64
	for _, f := range strings.Fields(string(text)) { // 0m1.234s
		d, err := time.ParseDuration(f)
		if err != nil {
			t.Fatal(err)
		}
		took += d.Seconds()
	}
	// The rest is what started it all.
	if took == 0 || e.CPU < took*0.9 || e.CPU > took+2 {
		t.Errorf("the tree took %.3f s of CPU time, by the end %.3f s", took, e.CPU)
	}
	v := exectest.AwaitEnd(t, a.dir)
	if span := e.At.Sub(v.Start.At).Seconds(); e.Wall < e.CPU/float64(8) || e.Wall > span+5 || span-e.Wall > 5 {
		t.Errorf("%.3f s of wall time between %v and %v", e.Wall, v.Start.At, e.At)
	}
}

// TestLeftovers holds what becomes of what a command leaves running.
func TestLeftovers(t *testing.T) {
	exectest.Needs(t, "setsid")
	t.Run("after a failure it is ended", func(t *testing.T) {
		t.Parallel()
		a := begin(t, "sleep 1000 & "+says("pid", "$!")+"sleep 1000 & exit 1")
		if e := a.end(); e.Kind != runsheet.EndExit || *e.ExitCode != 1 {
			t.Errorf("end %+v", e)
		}
	})
	t.Run("a daemon that works is waited for, and then ended", func(t *testing.T) {
		t.Parallel()
		a := begin(t, epoch+`export -f epoch
			setsid bash -c 'for i in 0 1 2; do sleep 0.3; epoch $i; done; sleep 1000' &
			exit 0`, epochs(3), grace(100*time.Millisecond))
		e := a.end()
		if e.Kind != runsheet.EndExit || *e.ExitCode != 0 || !e.Progress.Complete() || e.Cause.Kind != "" {
			t.Errorf("end %+v with progress %v", e, e.Progress)
		}
	})
	t.Run("a daemon that goes by itself is waited for", func(t *testing.T) {
		t.Parallel()
		a := begin(t, epoch+`export -f epoch; setsid bash -c 'for i in 0 1; do sleep 0.2; epoch $i; done' & exit 0`, epochs(3))
		if e := a.end(); e.Progress == nil || e.Progress.Completed != 2 || e.Cause.Kind != runsheet.CauseIncomplete {
			t.Errorf("end %+v with progress %v", e, e.Progress)
		}
	})
}

// TestStop holds that a stop ends the whole attempt, however hard it tries to live.
func TestStop(t *testing.T) {
	exectest.Needs(t, "setsid", "env")
	ready := says("ready", "$$")
	for _, c := range []struct{ name, command string }{
		{"plain", ready + "sleep 1000; true"},
		{"closes every descriptor", ready + `for i in {0..255}; do eval "exec $i>&-"; done; while :; do sleep 1000; done`},
		{"daemonizes", `(setsid bash -c '` + ready + `while :; do sleep 1000; done' &); exit 0`},
		{"ignores SIGTERM", `trap '' TERM; ` + ready + `while :; do sleep 1000; done`},
		{"is stopped by SIGSTOP", ready + `kill -STOP $$; sleep 1000`},
		{"drops its environment and its session", `(setsid env -i bash -c 'echo $$ > "'"$RUNSHEET_WORK_DIR"'/ready"; sleep 1000; true' &) ; sleep 1000; true`},
		{"forks again when it is told to end", `trap 'setsid env -i sleep 1000 & exit 0' TERM; ` + ready + `while :; do sleep 0.1; done`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := begin(t, c.command, grace(500*time.Millisecond))
			p := a.process("ready")
			a.stop(runsheet.EndStopped, false)
			if e := a.end(); e.Kind != runsheet.EndStopped || e.Cause.Kind != "" {
				t.Errorf("end %+v", e)
			}
			if a.sys.Procs.Check(p) == proc.Alive {
				t.Errorf("process %d lives after the end", p.PID)
			}
		})
	}
}

// TestHurry holds that a second stop does not wait for the grace, and that the grace is given before.
func TestHurry(t *testing.T) {
	a := begin(t, `trap 'echo told > "$RUNSHEET_WORK_DIR/told"' TERM; `+says("ready", "1")+`while :; do sleep 0.05; done`, grace(time.Hour))
	a.has("ready")
	a.stop(runsheet.EndStopped, false)
	a.has("told") // it was asked, and lives: nothing ends it before an hour is over
	if v, err := record.LookAt(a.sys, a.work, 1); err != nil || v.End != nil {
		t.Fatalf("end %+v, error %v", v.End, err)
	}
	a.stop(runsheet.EndStopped, true)
	if e := a.end(); e.Kind != runsheet.EndStopped || e.Signal != "SIGKILL" {
		t.Errorf("end %+v", e)
	}
}

// TestStuck holds that what the launcher ends for want of progress says so.
func TestStuck(t *testing.T) {
	a := begin(t, epoch+"epoch 0; "+says("ready", "1")+"sleep 1000; true", epochs(3))
	a.has("ready")
	a.stop(runsheet.EndStuck, false)
	if e := a.end(); e.Kind != runsheet.EndStuck || e.Cause.Kind != runsheet.CauseStuck || e.Progress.Completed != 1 {
		t.Errorf("end %+v", e)
	}
}

// TestStuckLeftover holds that what a command left running, which shows no progress, is not called the command.
func TestStuckLeftover(t *testing.T) {
	a := begin(t, epoch+"epoch 0; sleep 1000 & "+says("ready", "$!"), epochs(3))
	a.has("ready")
	a.stop(runsheet.EndStuck, false)
	if e := a.end(); e.Kind != runsheet.EndStuck || e.ExitCode == nil || !strings.HasPrefix(e.Cause.Text, "the command exited 0, and what it left running") {
		t.Errorf("end %+v", e)
	}
}

// TestRequests holds that a stop request is enough, with a launcher or without.
func TestRequests(t *testing.T) {
	t.Run("while it runs", func(t *testing.T) {
		t.Parallel()
		a := begin(t, says("ready", "1")+"sleep 1000; true")
		a.has("ready")
		if _, err := record.Request(a.sys, a.work, runsheet.RequestStop, "alice"); err != nil {
			t.Fatal(err)
		}
		if e := a.end(); e.Kind != runsheet.EndStopped {
			t.Errorf("end %+v", e)
		}
	})
	t.Run("before it began", func(t *testing.T) {
		t.Parallel()
		a := claimed(t, says("ran", "1"))
		if _, err := record.Request(a.sys, a.work, runsheet.RequestStop, "alice"); err != nil {
			t.Fatal(err)
		}
		a.start()
		if e := a.end(); e.Kind != runsheet.EndStopped || e.ExitCode != nil {
			t.Errorf("end %+v", e)
		}
		if _, err := os.Lstat(filepath.Join(a.work, "ran")); err == nil {
			t.Error("the command ran")
		}
	})
}

// TestUntrusted holds that nothing is run that another user could have written.
func TestUntrusted(t *testing.T) {
	a := claimed(t, says("ran", "1"))
	if err := os.Chmod(record.Dir(a.work), 0o777); err != nil {
		t.Fatal(err)
	}
	a.start()
	exectest.Await(t, "the supervisor to refuse", func() bool {
		said, _ := os.ReadFile(record.SuperviseLogPath(a.dir))
		return strings.Contains(string(said), "others may write to it")
	})
	if _, err := os.Lstat(record.StartPath(a.dir)); err == nil {
		t.Error("it began")
	}
}

// TestUsageError holds that the verb is not for people.
func TestUsageError(t *testing.T) {
	var said strings.Builder
	if code := supervise.Main(nil, &said); code != 2 || !strings.Contains(said.String(), "usage: ") {
		t.Errorf("exit %d, %q", code, said.String())
	}
}

// TestSignalsSurvived holds that a hangup or an interrupt does not end a supervisor without an end of its own.
func TestSignalsSurvived(t *testing.T) {
	a := begin(t, says("ready", "1")+`while [ ! -e "$RUNSHEET_WORK_DIR/go" ]; do sleep 0.02; done; exit 5`)
	a.has("ready")
	s := exectest.AwaitStart(t, a.dir)
	for _, sig := range []syscall.Signal{unix.SIGHUP, unix.SIGPIPE} {
		if err := a.sys.Procs.Signal(s.Process, sig); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(a.work, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if e := a.end(); e.Kind != runsheet.EndExit || *e.ExitCode != 5 {
		t.Errorf("end %+v", e)
	}
}
