package supervise_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/executor/exectest"
	"runsheet/internal/record"
)

func activate(text string) func(*runsheet.Claim) {
	return func(c *runsheet.Claim) { c.Activate = text }
}

// TestActivate: what is activated is there in the command's own shell, variables and functions that nobody exported
// included, and neither sees anything of how it is done.
func TestActivate(t *testing.T) {
	exectest.Needs(t, "bash")
	a := claimed(t, says("out", "$plain $EXPORTED $(greet you) $# $0")+`echo 5 2>/dev/null >&5 || `+says("closed", "yes")+`exit 3`)
	script := filepath.Join(a.claim.Dir, "venv/bin/activate")
	if err := os.MkdirAll(filepath.Dir(script), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(script, []byte("plain=v$#\nexport EXPORTED=e\ngreet() { echo hello \"$1\"; }\necho >&5\nexec 5>/dev/null\ntrue\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a = claimed(t, a.claim.Command, activate("source "+script+" # of the project"))
	a.start()
	if got, want := a.has("out"), "v0 e hello you 0 bash"; got != want {
		t.Errorf("the command has %q, want %q", got, want)
	}
	a.has("closed")
	if e := a.end(); e.Kind != runsheet.EndExit || e.ExitCode == nil || *e.ExitCode != 3 {
		t.Errorf("%+v", e)
	}
}

// TestActivateFails: the end says so, in the words of what failed, and the command is not run.
func TestActivateFails(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a file that is not there", "source venv/bin/activate", "activate failed: bash: line 1: venv/bin/activate: No such file or directory"},
		{"a command that is not there", "no_such_module load cuda", "activate failed: bash: line 1: no_such_module: command not found"},
		{"only its code", "false", "activate failed: exit code 1, and the log is empty"},
		{"it leaves", "exit 0", "activate failed: it ended the shell before the command began"},
		{"it replaces the shell", "exec true", "activate failed: it ended the shell before the command began"},
		{"an error that ends it", "set -e; false; true", "activate failed: exit code 1, and the log is empty"},
		{"no shell text", "if", "activate failed: "},
		{"killed", "kill -KILL $$", "activate failed: ended by SIGKILL (killed)"},
		{"what it leaves running is ended", "sleep 1000 & false", "activate failed: exit code 1, and the log is empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := begin(t, says("ran", "yes"), activate(c.text), grace(time.Second))
			e := a.end()
			if e.Kind != runsheet.EndError || e.Cause.Kind != runsheet.CauseActivate || !strings.HasPrefix(e.Cause.Text, c.want) || e.ExitCode != nil || e.Signal != "" {
				t.Errorf("it ended as %s %s: %q", e.Kind, e.Cause.Kind, e.Cause.Text)
			}
			if _, err := os.Lstat(filepath.Join(a.work, "ran")); err == nil {
				t.Error("the command was run")
			}
			if said, err := os.ReadFile(record.SuperviseLogPath(a.dir)); err != nil || len(said) > 0 {
				t.Errorf("the supervisor says %q, %v", said, err)
			}
		})
	}
}

// TestActivateStopped: who is told to end while something is activated has not failed.
func TestActivateStopped(t *testing.T) {
	a := begin(t, says("ran", "yes"), activate(says("activating", "yes")+"sleep 1000"), grace(time.Second))
	a.has("activating")
	a.stop(runsheet.EndStopped, false)
	if e := a.end(); e.Kind != runsheet.EndStopped {
		t.Errorf("%+v", e)
	}
}

// TestActivateProgress: the command of progress runs in what is activated, too; what the activation prints is not taken for
// progress.
func TestActivateProgress(t *testing.T) {
	a := begin(t, `until [ -e "$RUNSHEET_WORK_DIR/measured" ]; do sleep 0.05; done; exit 0`, activate("echo loading; total() { echo 4; }"),
		func(c *runsheet.Claim) {
			c.Progress = runsheet.ProgressSpec{Tracker: "command",
				Command: `printf '{"completed": 4, "total": %s}' "$(total)"; echo >"$RUNSHEET_WORK_DIR/measured"`}
		})
	if e := a.end(); e.Progress == nil || e.Progress.Completed != 4 || e.Progress.Total != 4 || e.Progress.Error != "" {
		t.Errorf("%+v", e.Progress)
	}
}
