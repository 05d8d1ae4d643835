package supervise_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/executor/exectest"
	"runsheet/internal/record"
)

// TestEnvironment holds what a command sees of the world, and what the world sees of a command's secrets.
func TestEnvironment(t *testing.T) {
	exectest.Needs(t, "env", "readlink")
	const secret = "s3cret-of-alice"
	rc := filepath.Join(t.TempDir(), "rc")
	if err := os.WriteFile(rc, []byte("touch "+rc+".read\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HF_TOKEN", secret)
	t.Setenv("BASH_ENV", rc)
	t.Setenv("ENV", rc)
	t.Setenv("RUNSHEET_TOKEN", "of the launcher itself")
	t.Setenv("CUDA_VISIBLE_DEVICES", "7")
	t.Setenv("OMP_NUM_THREADS", "8")
	inherited, err := os.Open(rc)
	if err != nil {
		t.Fatal(err)
	}
	defer inherited.Close()
	// As a descriptor that the launcher was started with: it must not outlive the launcher in a supervisor or a command.
	if _, err := unix.FcntlInt(inherited.Fd(), unix.F_SETFD, 0); err != nil {
		t.Fatal(err)
	}
	a := begin(t, `env -0 > "$RUNSHEET_WORK_DIR/env"; readlink /proc/self/fd/0 > "$RUNSHEET_WORK_DIR/stdin"; pwd > "$RUNSHEET_WORK_DIR/pwd"
		ls -l /proc/self/fd/ > "$RUNSHEET_WORK_DIR/fds"; sh -c :; ps -o sid= -p $$ > "$RUNSHEET_WORK_DIR/sid"; `+says("ready", "$$")+`sleep 1000; true`,
		func(c *runsheet.Claim) {
			c.Run, c.Resume, c.Devices = "a=1,b=%20", true, []string{"1", "3"}
			c.Env = map[string]string{"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "0"}
		})
	a.has("ready")
	s := exectest.AwaitStart(t, a.dir)
	env := map[string]string{}
	for entry := range strings.SplitSeq(string(must(os.ReadFile(filepath.Join(a.work, "env")))), "\x00") {
		k, v, _ := strings.Cut(entry, "=")
		if old, twice := env[k]; twice && k != "" {
			t.Errorf("%s is set twice: %q, %q", k, old, v)
		}
		env[k] = v
	}
	for k, want := range map[string]string{
		"RUNSHEET_RUN": "a=1,b=%20", "RUNSHEET_ATTEMPT": "1", "RUNSHEET_WORK_DIR": a.work, "RUNSHEET_RESUME": "1",
		"RUNSHEET_TOKEN": a.claim.Nonce, "RUNSHEET_PROGRESS": record.ReportedPath(a.dir), "PYTHONUNBUFFERED": "1",
		"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "1,3", "HF_TOKEN": secret,
	} {
		if env[k] != want {
			t.Errorf("%s is %q, want %q", k, env[k], want)
		}
	}
	for _, k := range []string{"BASH_ENV", "ENV"} {
		if v, ok := env[k]; ok {
			t.Errorf("%s is passed on: %q", k, v)
		}
	}
	if _, err := os.Lstat(rc + ".read"); err == nil {
		t.Error("an rc file was read")
	}
	if in := a.has("stdin"); in != "/dev/null" {
		t.Errorf("stdin is %s", in)
	}
	if dir := a.has("pwd"); dir != a.claim.Dir {
		t.Errorf("it runs in %s, not in %s", dir, a.claim.Dir)
	}
	// Its log, the lock, and what ls itself opened.
	for _, of := range []string{"/proc/" + strconv.Itoa(s.PID) + "/fd", ""} {
		shown := a.has("fds")
		if of != "" {
			shown = ""
			for _, e := range must(os.ReadDir(of)) {
				to, _ := os.Readlink(filepath.Join(of, e.Name()))
				shown += e.Name() + " -> " + to + "\n"
			}
		}
		if strings.Contains(shown, "pipe:") || strings.Contains(shown, "socket:") || strings.Contains(shown, rc) {
			t.Errorf("more was inherited than is needed:\n%s", shown)
		}
	}
	a.keepsSecret(secret, s.Process)
	a.stop(runsheet.EndStopped, true)
	a.end()
	a.keepsSecret(secret, s.Process)
}

// keepsSecret holds that a secret stands in no record, log or command line, and that no record is for others to read.
func (a *attempt) keepsSecret(secret string, supervisor runsheet.Process) {
	a.t.Helper()
	err := filepath.WalkDir(record.Dir(a.work), func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return nil // a temporary file
		}
		if info.Mode().Perm()&0o077 != 0 {
			a.t.Errorf("%s has mode %v", path, info.Mode())
		}
		if d.IsDir() {
			return nil
		}
		if data, err := os.ReadFile(path); err == nil && strings.Contains(string(data), secret) {
			a.t.Errorf("%s holds the secret", path)
		}
		return nil
	})
	if err != nil {
		a.t.Error(err)
	}
	for _, p := range append(exectest.Living(a.t, a.claim.Nonce), supervisor) {
		if data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.PID), "cmdline")); err == nil && strings.Contains(string(data), secret) {
			a.t.Errorf("ps shows the secret: %q", data)
		}
	}
}

// TestPythonUnbuffered holds that what the user set stays.
func TestPythonUnbuffered(t *testing.T) {
	t.Setenv("PYTHONUNBUFFERED", "")
	a := begin(t, `echo "<$PYTHONUNBUFFERED> <$RUNSHEET_RESUME>" > "$RUNSHEET_WORK_DIR/said"`)
	if said := a.has("said"); said != "<> <>" {
		t.Errorf("it saw %s", said)
	}
	a.end()
}
