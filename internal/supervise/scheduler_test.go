package supervise_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/executor/exectest"
	"runsheet/internal/record"
)

// TestSchedulersSignal: a scheduler sends SIGTERM to every process of a job. The end is for it to tell, also where the
// command was gone before the supervisor heard of it.
func TestSchedulersSignal(t *testing.T) {
	t.Setenv("SLURM_JOB_ID", "7")
	inJob := func(c *runsheet.Claim) { c.Batch = record.NewNonce() }
	for name, commandFirst := range map[string]bool{"to the supervisor first": false, "to the command first": true} {
		t.Run(name, func(t *testing.T) {
			a := begin(t, `trap 'exit 1' TERM; while :; do sleep 0.1; done`, inJob)
			s := exectest.AwaitStart(t, a.dir)
			exectest.Await(t, "the command to trap", func() bool { return len(exectest.Living(t, a.claim.Nonce)) > 2 })
			if commandFirst {
				if err := unix.Kill(-s.ProcessGroup, unix.SIGTERM); err != nil {
					t.Fatal(err)
				}
				exectest.Await(t, "the command to be gone", func() bool { return unix.Kill(-s.ProcessGroup, 0) != nil })
			}
			if err := unix.Kill(s.PID, unix.SIGTERM); err != nil {
				t.Fatal(err)
			}
			a.gone(s.Process)
			if v, err := record.LookAt(a.sys, a.work, 1); err != nil || v.End != nil {
				t.Errorf("the end was told: %+v, %v", v.End, err)
			}
		})
	}
	t.Run("never", func(t *testing.T) {
		a := begin(t, `exit 3`, inJob)
		if e := a.end(); e.Kind != runsheet.EndExit || e.ExitCode == nil || *e.ExitCode != 3 {
			t.Errorf("%+v", e)
		}
	})
}

// TestPassedOn: what people send to a job to have a checkpoint saved reaches the training code, and nothing else: not the
// shell around it, which it would end, and nobody takes it for an end.
func TestPassedOn(t *testing.T) {
	for _, sig := range []unix.Signal{unix.SIGUSR1, unix.SIGUSR2, unix.SIGINT} {
		name := strings.TrimPrefix(unix.SignalName(sig), "SIG")
		t.Run(name, func(t *testing.T) {
			a := begin(t, `bash -c 'trap "echo saved >$RUNSHEET_WORK_DIR/saved" `+name+`; echo yes >$RUNSHEET_WORK_DIR/ready; until [ -e $RUNSHEET_WORK_DIR/go ]; do sleep 0.05; done'; exit 5`)
			s := exectest.AwaitStart(t, a.dir)
			a.has("ready")
			if err := unix.Kill(s.PID, sig); err != nil {
				t.Fatal(err)
			}
			if got := a.has("saved"); got != "saved" {
				t.Errorf("the training code wrote %q", got)
			}
			if err := os.WriteFile(filepath.Join(a.work, "go"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if e := a.end(); e.Kind != runsheet.EndExit || e.ExitCode == nil || *e.ExitCode != 5 {
				t.Errorf("%+v", e)
			}
		})
	}
	t.Run("nobody handles it", func(t *testing.T) {
		a := begin(t, `echo yes >$RUNSHEET_WORK_DIR/ready; until [ -e $RUNSHEET_WORK_DIR/go ]; do sleep 0.05; done; exit 5`)
		s := exectest.AwaitStart(t, a.dir)
		a.has("ready")
		if err := unix.Kill(s.PID, unix.SIGUSR1); err != nil {
			t.Fatal(err)
		}
		exectest.Await(t, "the supervisor to say so", func() bool {
			said, _ := os.ReadFile(record.SuperviseLogPath(a.dir))
			return strings.Contains(string(said), "SIGUSR1 came, and nothing of the command handles it")
		})
		if err := os.WriteFile(filepath.Join(a.work, "go"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if e := a.end(); e.Kind != runsheet.EndExit {
			t.Errorf("%+v", e)
		}
	})
}
