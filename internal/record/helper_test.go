package record_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/proc"
	"runsheet/internal/record"
)

// TestMain turns the test binary into the process that a test asks for.
func TestMain(m *testing.M) {
	switch os.Getenv("RECORD_TEST_ROLE") {
	case "supervisor":
		supervisorRole(os.Args[1])
	case "launcher":
		launcherRole(os.Args[1])
	}
	os.Exit(m.Run())
}

// supervisorRole begins an attempt whose command closes all that it inherited, says so, and waits to be killed.
func supervisorRole(dir string) {
	t, err := record.Take(record.NewSystem(durable.OS()), dir)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	cmd := exec.Command("sleep", "1000")
	cmd.Env = append(os.Environ(), "RUNSHEET_TOKEN="+t.Claim.Nonce)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err = cmd.Start(); err == nil {
		err = t.Begin(cmd.Process.Pid)
	}
	fmt.Println("begun", err)
	keep(t)
}

func launcherRole(stateDir string) {
	lock, _, err := record.HoldSheet(durable.OS(), proc.System(), stateDir)
	fmt.Println("held", err)
	keep(lock)
}

// keep holds on to what a process owns until it is killed: a file that nobody can reach any more is closed by the
// garbage collector, and its locks go with it.
func keep(what any) {
	for {
		time.Sleep(time.Hour)
		runtime.KeepAlive(what)
	}
}

// role starts this binary in a role, and returns once it has said its line.
func role(t *testing.T, name, arg string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], arg)
	cmd.Env = append(os.Environ(), "RECORD_TEST_ROLE="+name)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return cmd, strings.TrimSpace(line)
}

func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
}

// scratch is a directory in memory where there is one: the tests make thousands of files durable.
func scratch(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "record-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// realSystem returns the real system, on a machine that is known, and a new work dir.
func realSystem(t *testing.T) (record.System, string) {
	t.Helper()
	dir := filepath.Join(scratch(t), "run")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return onMachine(record.NewSystem(durable.OS()), runsheet.Machine{ID: "an image", Random: "the first"}), dir
}

// claim claims the next attempt of a work dir.
func claim(t *testing.T, sys record.System, workDir string) (runsheet.Claim, string) {
	t.Helper()
	v, err := record.Look(sys, workDir)
	if err != nil {
		t.Fatal(err)
	}
	c, err := record.Claim(sys, factsOf(v), 0, runsheet.Claim{Run: "run", Nonce: record.NewNonce(), WorkDir: workDir, Executor: "local"})
	if err != nil {
		t.Fatal(err)
	}
	return c, record.AttemptDir(workDir, c.Attempt)
}

func factsOf(v record.View) runsheet.Facts {
	return runsheet.Facts{Attempt: v.Attempt, Claim: v.Claim, Start: v.Start, End: v.End, Request: v.Request}
}

// begin claims and begins an attempt of this process's own.
func begin(t *testing.T, sys record.System, workDir string) (*record.Tenure, string) {
	t.Helper()
	_, dir := claim(t, sys, workDir)
	tenure, err := record.Take(sys, dir)
	if err == nil {
		err = tenure.Begin(0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tenure.Leave() })
	return tenure, dir
}

func exited(code int) runsheet.End { return runsheet.End{Kind: runsheet.EndExit, ExitCode: &code} }

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) || want == nil && err != nil {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// elsewhere is this machine as a process of another boot, or of another pid namespace, sees it.
type elsewhere struct {
	proc.Procs
	self runsheet.Process
}

func (e elsewhere) Self() runsheet.Process { return e.self }
func (e elsewhere) Check(p runsheet.Process) proc.State {
	if p.BootID != e.self.BootID || p.PIDNamespace != e.self.PIDNamespace {
		return proc.Elsewhere
	}
	return e.Procs.Check(p)
}

func onMachine(sys record.System, m runsheet.Machine) record.System {
	self := sys.Procs.Self()
	self.Machine = m
	sys.Procs = elsewhere{sys.Procs, self}
	return sys
}

// otherBoot is the same machine, booted since.
func otherBoot(sys record.System) record.System {
	self := sys.Procs.Self()
	self.BootID, self.Host = "another boot", "another host"
	sys.Procs = elsewhere{sys.Procs, self}
	return sys
}

// otherMachine is one that was made of the same image.
func otherMachine(sys record.System) record.System {
	return onMachine(otherBoot(sys), runsheet.Machine{ID: "an image", Random: "the second"})
}

// unnamed is a machine that has no ids, booted since.
func unnamed(sys record.System) record.System { return onMachine(otherBoot(sys), runsheet.Machine{}) }

func otherNamespace(sys record.System) record.System {
	self := sys.Procs.Self()
	self.PIDNamespace = "pid:[0]"
	sys.Procs = elsewhere{sys.Procs, self}
	return sys
}

// sharedFS says that the file system is shared between machines, or local to this one.
type sharedFS struct {
	record.FS
	local bool
}

func (f sharedFS) Local(string) (bool, error) { return f.local, nil }

func onFS(sys record.System, local bool) record.System {
	sys.FS = sharedFS{sys.FS, local}
	return sys
}

// lostReply does the first WriteOnce, or the link of a spare, and reports an error all the same.
type lostReply struct {
	record.FS
	lost *bool
}

func (f lostReply) WriteOnce(label, path string, data []byte) error {
	err := f.FS.WriteOnce(label, path, data)
	if !*f.lost {
		*f.lost = true
		return syscall.EIO
	}
	return err
}

func losingReply(sys record.System) record.System {
	sys.FS = lostReply{sys.FS, new(bool)}
	return sys
}
