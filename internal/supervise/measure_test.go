package supervise_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"runsheet"
	"runsheet/internal/executor/exectest"
	"runsheet/internal/record"
)

// measuredBy sets the command that prints the progress.
func measuredBy(command string) func(*runsheet.Claim) {
	return func(c *runsheet.Claim) {
		c.Progress = runsheet.ProgressSpec{Tracker: "command", Command: command}
	}
}

// TestMeasure holds that the sheet's command for progress is run while the attempt lives and once more at its end, in the
// sheet's directory and with the attempt's environment, and that nothing of it is left.
func TestMeasure(t *testing.T) {
	a := begin(t, `until [ -e "$RUNSHEET_WORK_DIR/go" ]; do sleep 0.02; done; echo 3 > "$RUNSHEET_WORK_DIR/n"`,
		measuredBy(`printf '{"completed": %s, "total": 3, "metrics": {"loss": 0.5}}' "$(cat "$RUNSHEET_WORK_DIR/n" || echo 1)"`))
	exectest.Await(t, "the first measurement", func() bool {
		data, err := os.ReadFile(record.MeasuredPath(a.dir))
		return err == nil && strings.HasPrefix(string(data), `{"completed": 1,`)
	})
	if err := os.WriteFile(a.work+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	e := a.end()
	if p := e.Progress; p == nil || p.Completed != 3 || !p.Complete() || p.Metrics["loss"] != 0.5 || p.Source != "command" {
		t.Errorf("the end's progress: %+v", p)
	}
}

// TestEndsBeforeItIsRead holds that an attempt is over when its last process is gone, however long its evidence is read then.
func TestEndsBeforeItIsRead(t *testing.T) {
	a := begin(t, `echo 3 > "$RUNSHEET_WORK_DIR/n"`,
		measuredBy(`date +%s%N > "$RUNSHEET_WORK_DIR/read"; printf '{"completed": %s, "total": 3}' "$(cat "$RUNSHEET_WORK_DIR/n")"`))
	e := a.end()
	text, err := os.ReadFile(a.work + "/read")
	if err != nil {
		t.Fatal(err)
	}
	read, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || e.Progress == nil || e.Progress.Completed != 3 {
		t.Fatalf("%v, progress %+v", err, e.Progress)
	}
	if v := exectest.AwaitEnd(t, a.dir); e.At.UnixNano() > read || e.Wall > e.At.Sub(v.Start.At).Seconds()+5 {
		t.Errorf("over at %d, after %.3f s, and its evidence was read at %d", e.At.UnixNano(), e.Wall, read)
	}
}

// TestMeasureHangs holds that a command for progress that never returns holds nothing up: it ends with the attempt.
func TestMeasureHangs(t *testing.T) {
	a := begin(t, `until [ -e "$RUNSHEET_WORK_DIR/hangs" ]; do sleep 0.02; done`,
		measuredBy(`[ -e "$RUNSHEET_WORK_DIR/hangs" ] && exit; touch "$RUNSHEET_WORK_DIR/hangs"; sleep 1000`))
	if e := a.end(); e.Kind != runsheet.EndExit || e.ExitCode == nil || *e.ExitCode != 0 {
		t.Errorf("%+v", e)
	}
}

// TestMeasureAfterFailure holds that the last measurement is not ended together with the leftovers of a failed command.
func TestMeasureAfterFailure(t *testing.T) {
	for range 5 {
		a := begin(t, `echo 3 > "$RUNSHEET_WORK_DIR/n"; kill -9 $$`,
			measuredBy(`[ -e "$RUNSHEET_WORK_DIR/n" ] || exit; sleep 0.2; printf '{"completed": 3, "total": 9}'`))
		if p := a.end().Progress; p == nil || p.Completed != 3 {
			t.Errorf("the end's progress: %+v", p)
		}
	}
}
