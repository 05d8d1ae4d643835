package slurm_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/executor/exectest"
	"runsheet/internal/executor/slurm/slurmtest"
	"runsheet/internal/record"
)

// counted has the calls of one of Slurm's commands counted, and returns what tells their number.
func counted(t *testing.T, name string) func() int {
	t.Helper()
	real, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	calls := filepath.Join(dir, "calls")
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\necho >>"+calls+"\nexec "+real+` "$@"`+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return func() int {
		data, err := os.ReadFile(calls)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return len(data)
	}
}

// TestAccounted: jobs end while no launcher is there, and the controller has forgotten them when the next one comes: the
// accounting database knows how they ended.
func TestAccounted(t *testing.T) {
	c := slurmtest.Start(t, slurmtest.Config{Accounting: true, MinJobAge: 2 * time.Second})
	calls := counted(t, "sacct")
	p := newProject(t, `version: 1
command: while [ -e hold ]; do sleep 0.1; done; ./train.sh {work_dir} 1 0.1
work_dir: runs/{x}
matrix: {x: [0, 1, 2]}
progress: {tracker: epochs, epochs: 1, files: [done]}
resources: {cpus: 4}
policy: {retries: 1, backoff: 1s, stop_grace: 1s}
pool: [{slurm: {time: 10m}}]
`)
	p.write("hold", "")
	l := p.launch()
	p.await("all to run", func(s status) bool { return s.count("running") == 3 })
	l.cmd.Process.Kill()
	<-l.done

	first := func(x int) record.View { return p.view(strconv.Itoa(x), 1) }
	job := func(x int) string { return first(x).Start.Job }
	node := func(x int) string { return first(x).Start.Host }
	// One is cancelled; one loses its node, and its job is cancelled while it waits for another; one loses its node and
	// is not to be queued again.
	c.Run("scancel", job(0))
	c.Run("scontrol", "update", "jobid="+job(2), "requeue=0")
	for _, x := range []int{1, 2} {
		c.KillNode(node(x))
		c.MarkDown(node(x))
	}
	exectest.Await(t, "the job to be queued again", func() bool {
		return strings.Contains(c.Run("squeue", "--noheader", "--array", "--states=pending", "--format=%i"), job(1))
	})
	c.Run("scancel", job(1))
	exectest.Await(t, "the controller to forget them all", func() bool { return c.Run("squeue", "--noheader", "--states=all") == "" })

	p.remove("hold")
	for _, x := range []int{1, 2} {
		c.StartNode(node(x))
	}
	if code := p.wait(p.launch(), 4*time.Minute); code != 0 {
		t.Errorf("it exits %d", code)
	}
	asked := calls()
	for x, want := range []runsheet.End{{Kind: runsheet.EndCancelled, Cause: runsheet.Cause{Kind: runsheet.CauseCancelled}},
		{Kind: runsheet.EndCancelled, Cause: runsheet.Cause{Kind: runsheet.CauseCancelled}},
		{Kind: runsheet.EndLost, Cause: runsheet.Cause{Kind: runsheet.CauseNodeFailed}}} {
		if got := first(x).End; got == nil || got.Kind != want.Kind || got.Cause.Kind != want.Cause.Kind {
			t.Errorf("%d ended as %+v", x, got)
		}
	}
	if asked != 1 {
		t.Errorf("%d calls of sacct for one array", asked)
	}
	p.once()
	// Nobody could measure what the first attempts took. Where it is asked for, the database says that, too.
	for x, r := range p.status().Runs {
		if len(r.Attempts) != 2 {
			t.Fatalf("%s shows %d attempts", r.Name, len(r.Attempts))
		}
		for k, a := range r.Attempts {
			if a.Job != p.view(strconv.Itoa(x), k+1).Start.Job || a.Requested != (requested{CPUs: 4, Time: 600, Memory: a.Requested.Memory}) || a.Used.Wall <= 0 {
				t.Errorf("attempt %d of %s: %+v", k+1, r.Name, a)
			}
		}
		if a := r.Attempts[0]; a.Requested.Memory <= 0 { // it left that to Slurm
			t.Errorf("the first attempt of %s: %+v", r.Name, a)
		}
	}

	// It also knows which node could not begin a job.
	u := newTrial(t, c, "node2")
	l = u.sickened()
	u.shows("0", "queued", "launch failed requeued held, node2 could not begin it (Prolog error), held until `scontrol release "+u.job("0")+"`")
	u.healed(l)
}
