package slurm_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"runsheet/internal/executor/exectest"
	"runsheet/internal/executor/slurm/slurmtest"
)

// TestStorm brings 60 runs on six GPUs to their end, while a node dies, jobs are requeued and cancelled from outside, the
// controller is restarted, one run meets its time limit, Slurm takes fewer jobs than there are, and the launcher is
// killed again and again: every run is finished, once, and no two attempts of one run ever live together.
func TestStorm(t *testing.T) {
	c := slurmtest.Start(t, slurmtest.Config{Nodes: 3, GPUs: 2, MaxArraySize: 16, MaxJobCount: 40, MinJobAge: 5 * time.Second})
	var runs strings.Builder
	for x := range 60 {
		epochs, pace := 4, "0.6"
		if x == 0 {
			epochs, pace = 70, "1" // more than fits into a minute, also where nobody is told that it is nearly over
		}
		fmt.Fprintf(&runs, "  - {x: %d, epochs: %d, pace: %s, progress: {tracker: epochs, epochs: %d, files: [done]}}\n", x, epochs, pace, epochs)
	}
	p := newProject(t, `version: 1
command: ./train.sh {work_dir} {epochs} {pace}
work_dir: runs/{x}
runs:
`+runs.String()+`resources: {gpus: 1, cpus: 1}
policy: {stop_grace: 2s, backoff: 1s, retries: 5}
pool: [{slurm: {partition: main, time: 1m}}]
`)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	l := p.launch()
	p.await("six runs to live", func(s status) bool { return s.count("running") >= 6 })
	kills := 0
	kill := func() {
		time.Sleep(time.Duration(random.IntN(2500)) * time.Millisecond) // whatever it is doing
		l.cmd.Process.Kill()
		<-l.done
		kills++
		l = p.launch()
	}
	running := func() []string {
		return strings.Fields(c.Run("squeue", "--noheader", "--states=running", "--format=%i"))
	}
	// What may be over before it is asked for is asked of another job.
	fromOutside := func(command string, args ...string) {
		exectest.Await(t, command, func() bool {
			jobs := running()
			return len(jobs) > 0 && c.Try(command, append(args, jobs[random.IntN(len(jobs))])...) == nil
		})
	}
	kill()
	fromOutside("scontrol", "requeue")
	fromOutside("scancel")
	kill()
	node := c.Nodes()[random.IntN(3)]
	c.KillNode(node)
	kill()
	fromOutside("scontrol", "requeue")
	c.StopController()
	kill()
	time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
	for _, r := range p.status().Runs {
		// What was cancelled or requeued before may not have been launched again yet.
		if r.Status == "failed" && !strings.Contains(r.Reason, "cancelled with scancel") && !strings.Contains(r.Reason, "requeued with scontrol") {
			t.Errorf("while Slurm was away, %s is failed: %s", r.Name, r.Reason)
		}
	}
	c.StartController()
	kill()
	fromOutside("scancel")
	c.StartNode(node)
	kill()
	for !l.over() {
		time.Sleep(100 * time.Millisecond)
		if random.IntN(100) == 0 {
			kill()
		}
		if time.Now().After(deadline(t)) {
			l.cmd.Process.Signal(unix.SIGTERM)
			t.Fatalf("not done: %+v", p.status().Summary)
		}
	}
	if code := p.wait(l, 4*time.Minute); code != 0 {
		t.Errorf("the last launcher exits %d", code)
	}
	p.once()
	t.Logf("%d launchers killed, %d attempts of the longest run", kills, len(p.lines("runs/0/executions")))
	if len(p.lines("runs/0/executions")) < 2 {
		t.Error("the run that was to meet its time limit had but one attempt")
	}
}

// deadline is when a test gives up by itself.
func deadline(t *testing.T) time.Time {
	if d, ok := t.Deadline(); ok {
		return d.Add(-30 * time.Second)
	}
	return time.Now().Add(time.Hour)
}
