package slurm_test

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"runsheet/internal/executor/exectest"
	"runsheet/internal/executor/slurm/slurmtest"
)

// TestTwoThousand: with Slurm's default limits, 2,000 runs go into the queue as a handful of arrays; a launcher that is
// killed and started again submits nothing twice; `stop` takes all out.
func TestTwoThousand(t *testing.T) {
	c := slurmtest.Start(t, slurmtest.Config{Nodes: 1})
	c.Run("scontrol", "update", "partitionname=main", "state=down") // nothing is to run
	p := newProject(t, `version: 1
command: ./train.sh {work_dir} 1 0
work_dir: runs/{x}
matrix: {x: [0..1999]}
pool: [{slurm: {max_queued: 2000, time: 10m}}]
`)
	queued := func() []string { return strings.Fields(c.Run("squeue", "--noheader", "--array", "--format=%F")) }
	l := p.launch()
	exectest.Await(t, "2,000 jobs in the queue", func() bool { return len(queued()) == 2000 })
	calls := map[string]bool{}
	for _, id := range queued() {
		calls[id] = true
	}
	if len(calls) >= 20 {
		t.Errorf("%d calls of sbatch", len(calls))
	}
	t.Logf("%d calls of sbatch", len(calls))
	l.cmd.Process.Kill()
	<-l.done
	l = p.launch()
	exectest.Await(t, "the next launcher to have adopted all", func() bool { return len(p.lines(".runsheet/runsheet.yaml/journal.jsonl")) >= 1+2000+1+2000 })
	if n := len(queued()); n != 2000 {
		t.Errorf("%d jobs in the queue", n)
	}
	if s := p.status(); s.count("queued") != 2000 || !strings.Contains(s.Runs[0].Reason, "in Slurm's queue: ") {
		t.Errorf("%v, %+v", s.Summary, s.Runs[0])
	}
	l.cmd.Process.Signal(syscall.SIGINT)
	if code := p.wait(l, 2*time.Minute); code != 130 {
		t.Errorf("interrupted, it exits %d", code)
	}
	if n := len(queued()); n != 0 {
		t.Errorf("%d jobs in the queue", n)
	}
}
