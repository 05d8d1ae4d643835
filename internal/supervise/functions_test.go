package supervise_test

import (
	"os/exec"
	"testing"

	"runsheet"
	"runsheet/internal/executor/exectest"
)

// TestExportedFunctions: what a person's shell hands on as functions, as sites do with `module`, reaches the command and
// the command of progress. A plain sh on the way would drop them: their names are none of its variables.
func TestExportedFunctions(t *testing.T) {
	plainShell(t)
	t.Setenv("BASH_FUNC_module%%", `() { echo "module $*"
}`)
	a := begin(t, says("loaded", "$(module load cuda)"), func(c *runsheet.Claim) {
		c.Progress = runsheet.ProgressSpec{Tracker: "command", Command: `module progress >>"$RUNSHEET_WORK_DIR/measured"`}
	})
	if got := a.has("loaded"); got != "module load cuda" {
		t.Errorf("the function says %q", got)
	}
	a.has("measured")
	if e := a.end(); e.ExitCode == nil || *e.ExitCode != 0 {
		t.Errorf("%+v", e)
	}
}

// plainShell says where /bin/sh is bash itself, and so loses no function: the test shows less there.
func plainShell(t testing.TB) {
	t.Helper()
	exectest.Needs(t, "bash")
	if exec.Command("/bin/sh", "-c", `test -n "$BASH_VERSION"`).Run() == nil {
		t.Log("/bin/sh is bash here: that a plain sh loses no function is not shown")
	}
}
