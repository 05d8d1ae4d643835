package supervise_test

import (
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
