package supervise_test

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/executor/exectest"
	"runsheet/internal/proc"
	"runsheet/internal/record"
)

func limited(d time.Duration) func(*runsheet.Claim) {
	return func(c *runsheet.Claim) { c.TimeLimit = d }
}

// TestTimeLimit holds that an attempt which runs for longer than the sheet allows is asked to end, ended after the grace,
// and says so; whatever became of its work by then.
func TestTimeLimit(t *testing.T) {
	ready := says("ready", "$$")
	for _, c := range []struct {
		name, command string
		kind          runsheet.EndKind
		cause         runsheet.CauseKind
		signal        string
		completed     int64
	}{
		{"it is asked", epoch + "epoch 0; " + ready + "sleep 1000; true", runsheet.EndTimeLimit, runsheet.CauseTimeLimit, "SIGTERM", 1},
		{"it saves what it has", `mkdir "$RUNSHEET_WORK_DIR/epoch_0"; trap 'echo 1 > "$RUNSHEET_WORK_DIR/epoch_0/done"; exit 0' TERM; ` + ready + "while :; do sleep 0.05; done", runsheet.EndTimeLimit, runsheet.CauseTimeLimit, "", 1},
		{"it does not listen", "trap '' TERM; " + ready + "while :; do sleep 1000; done", runsheet.EndTimeLimit, runsheet.CauseTimeLimit, "SIGKILL", 0},
		{"its work is done, and it stays", epoch + "epoch 0; epoch 1; " + ready + "sleep 1000; true", runsheet.EndTimeLimit, "", "SIGTERM", 2},
		{"a daemon does the work", "(setsid bash -c '" + ready + "sleep 1000; true' &); exit 0", runsheet.EndTimeLimit, runsheet.CauseTimeLimit, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := begin(t, c.command, epochs(2), grace(500*time.Millisecond), limited(3*time.Second))
			p := a.process("ready")
			e := a.end()
			if e.Kind != c.kind || e.Cause.Kind != c.cause || e.Signal != c.signal || e.Progress == nil || e.Progress.Completed != c.completed {
				t.Errorf("end %+v with progress %v", e, e.Progress)
			}
			if c.cause != "" && !strings.Contains(e.Cause.Text, "3s") {
				t.Errorf("it does not say how long it may run: %q", e.Cause.Text)
			}
			if a.sys.Procs.Check(p) == proc.Alive {
				t.Errorf("process %d lives after the end", p.PID)
			}
		})
	}
	t.Run("it is over before", func(t *testing.T) {
		t.Parallel()
		if e := begin(t, "exit 0", limited(time.Hour)).end(); e.Kind != runsheet.EndExit || e.Cause.Kind != "" {
			t.Errorf("end %+v", e)
		}
	})
}

// TestTimeLimitStandsStill holds that the time does not go on while every process of the attempt is stopped: of two that
// began one after the other, the first of which stops itself, the second ends first.
func TestTimeLimitStandsStill(t *testing.T) {
	a := begin(t, "kill -STOP 0; sleep 1000; true", limited(3*time.Second))
	s := exectest.AwaitStart(t, a.dir)
	exectest.Await(t, "the command to stop itself", func() bool { return proc.Stopped([]int{s.ProcessGroup}) })
	b := begin(t, "sleep 1000; true", limited(3*time.Second))
	if e := b.end(); e.Kind != runsheet.EndTimeLimit {
		t.Errorf("the second: %+v", e)
	}
	if v, err := record.LookAt(a.sys, a.work, 1); err != nil || v.End != nil {
		t.Fatalf("its time was over while it stood still: %+v, %v", v.End, err)
	}
	if err := unix.Kill(-s.ProcessGroup, unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if e := a.end(); e.Kind != runsheet.EndTimeLimit {
		t.Errorf("the first: %+v", e)
	}
}
