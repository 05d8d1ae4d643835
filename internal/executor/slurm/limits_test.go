package slurm_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"runsheet/internal/executor/exectest"
	"runsheet/internal/executor/slurm/slurmtest"
)

// limitWords is what Slurm says of the limit of slurmtest.
const limitWords = "AssocMaxSubmitJobLimit"

// quick is a sheet of runs that take a moment.
func quick(runs string) string {
	return `version: 1
command: ./train.sh {work_dir} 1 0.2
work_dir: runs/{x}
matrix: {x: [` + runs + `]}
progress: {tracker: epochs, epochs: 1, files: [done]}
policy: {retries: 0}
pool: [{slurm: {time: 10m}}]
`
}

// inQueueNow returns the jobs that wait or run, a task an element.
func inQueueNow(c *slurmtest.Cluster) []string {
	return strings.Fields(c.Run("squeue", "--noheader", "--array", "--states=pending,running,suspended", "--format=%i"))
}

// refused returns how many runs wait because Slurm has not taken them, with these words of it. No run may look as if
// anything had gone wrong.
func (p *project) refused(words string) (n int) {
	p.t.Helper()
	for _, r := range p.status().Runs {
		switch {
		case r.Attempt > 1, r.Status != "queued" && r.Status != "running" && r.Status != "finished" && (r.Status != "pending" || r.Attempt > 0):
			p.t.Errorf("%s is %s in attempt %d: %s", r.Name, r.Status, r.Attempt, r.Reason)
		case r.Status == "queued" && strings.HasPrefix(r.Reason, "not in Slurm's queue yet: ") && strings.Contains(r.Reason, words):
			n++
		}
	}
	return n
}

// firstAttempts checks that every run was finished by its first attempt.
func (p *project) firstAttempts() {
	p.t.Helper()
	p.once()
	found, err := filepath.Glob(filepath.Join(p.dir, "runs/*/.runsheet/attempts/*"))
	if n := len(p.status().Runs); err != nil || len(found) != n {
		p.t.Errorf("%d attempts of %d runs, %v", len(found), n, err)
	}
	if notes, _ := filepath.Glob(filepath.Join(p.dir, ".runsheet/*/batches/*.held")); len(notes) > 0 {
		p.t.Errorf("%q are still there", notes)
	}
}

// TestSubmitLimit: Slurm takes no more than seven jobs of this user at once. What it does not take waits, with its words,
// whoever asks, and nobody takes it for failed or claims it again.
func TestSubmitLimit(t *testing.T) {
	c := slurmtest.Start(t, slurmtest.Config{SubmitLimit: 7})
	calls := counted(t, "sbatch")
	t.Run("run", func(t *testing.T) {
		p := newProject(t, quick("0..29"))
		l := p.launch()
		most, waiting := 0, 0
		for !l.over() {
			most = max(most, len(inQueueNow(c)))
			waiting = max(waiting, p.refused(limitWords))
			if time.Now().After(deadline(t)) {
				t.Fatalf("not done: %+v", p.status().Summary)
			}
			time.Sleep(time.Second)
		}
		if code := p.wait(l, 4*time.Minute); code != 0 {
			t.Errorf("it exits %d", code)
		}
		p.firstAttempts()
		// To find out that it takes seven of thirty are six calls, and each time that places are free it is one.
		if most > 7 || waiting < 9 || calls() > 6+23 {
			t.Errorf("%d jobs in the queue at once, %d runs waited, %d calls of sbatch", most, waiting, calls())
		}
		t.Logf("%d calls of sbatch", calls())
	})
	t.Run("once", func(t *testing.T) {
		p, before, launchers := newProject(t, quick("0..20")), calls(), 0
		for p.status().count("finished") < 21 {
			launchers++
			if out, err := p.command("run", "--once").CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			taken := len(inQueueNow(c))
			if waiting := p.refused(limitWords); taken > 7 || launchers == 1 && waiting == 0 {
				t.Errorf("%d jobs in the queue, %d runs wait", taken, waiting)
			}
			exectest.Await(t, "what was taken to end", func() bool { return len(inQueueNow(c)) == 0 })
		}
		p.firstAttempts()
		if n := calls() - before; n > 8*launchers {
			t.Errorf("%d calls of sbatch by %d launchers", n, launchers)
		}
		t.Logf("%d calls of sbatch by %d launchers", calls()-before, launchers)
	})
	t.Run("others in the way", func(t *testing.T) {
		others := c.Run("sbatch", "--parsable", "--output=/dev/null", "--array=0-6", "--wrap=exec sleep 1000")
		p := newProject(t, quick("0..4"))
		p.claimAll(late())
		before := calls()
		l := p.launch()
		p.await("all to wait", func(status) bool { return p.refused(limitWords) == 5 })
		l.cmd.Process.Kill()
		<-l.done
		if n := p.refused(limitWords); n != 5 {
			t.Errorf("with the launcher gone, %d wait", n)
		}
		l = p.launch()
		exectest.Await(t, "the next launcher to be refused", func() bool { return calls()-before >= 6 })
		if n := p.refused(limitWords); n != 5 {
			t.Errorf("with the next launcher, %d wait", n)
		}
		c.Run("scancel", others)
		if code := p.wait(l, 4*time.Minute); code != 0 {
			t.Errorf("it exits %d", code)
		}
		p.firstAttempts()
		if said := l.said.String(); strings.Count(said, "finished x=") != 5 {
			t.Errorf("of what a dead launcher had claimed, the next one said %s", said)
		}
		t.Logf("%d calls of sbatch", calls()-before)
	})
	// What is refused for one entry of the pool does not keep the jobs of another one waiting.
	t.Run("two entries", func(t *testing.T) {
		c.Run("sacctmgr", "--immediate", "add", "qos", "tight", "maxsubmitjobsperuser=3")
		c.Run("sacctmgr", "--immediate", "modify", "user", "root", "set", "qos+=tight")
		plain := []string{"--parsable", "--output=/dev/null", "--wrap=exec sleep 1000"}
		exectest.Await(t, "the QOS to be known", func() bool { return c.Try("sbatch", append(plain, "--qos=tight", "--array=0-2")...) == nil })
		others := c.Run("sbatch", append(plain, "--array=0-3")...)
		p := newProject(t, strings.Replace(quick("0..5"), "pool: [{slurm: {time: 10m}}]",
			"pool: [{slurm: {partition: main, max_queued: 3, options: [--qos=tight]}}, {slurm: {partition: urgent, max_queued: 3}}]", 1))
		before := calls()
		l := p.launch()
		p.await("all to wait", func(s status) bool { return p.refused(limitWords)+p.refused("QOSMaxSubmitJobPerUserLimit") == 6 })
		c.Run("scancel", others)
		p.await("the jobs for the other partition to be over", func(s status) bool { return s.count("finished") == 3 })
		if n := p.refused("QOSMaxSubmitJobPerUserLimit"); n != 3 {
			t.Errorf("%d wait for the QOS", n)
		}
		t.Logf("%d calls of sbatch", calls()-before)
		c.Run("scancel", "--user=root", "--name=wrap")
		if code := p.wait(l, 4*time.Minute); code != 0 {
			t.Errorf("it exits %d", code)
		}
		p.firstAttempts()
	})
}
