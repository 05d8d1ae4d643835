package slurm_test

import (
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
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

// gatedQuick is the same, of runs that wait for the end of a file "hold".
func gatedQuick(runs string) string {
	return strings.Replace(quick(runs), "command: ", "command: while [ -e hold ]; do sleep 0.1; done; ", 1)
}

// inQueueNow returns this user's jobs that wait or run, a task an element.
func inQueueNow(c *slurmtest.Cluster) []string {
	return strings.Fields(c.Run("squeue", "--noheader", "--array", "--me", "--states=pending,running,suspended", "--format=%i"))
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
	c.Run("sacctmgr", "--immediate", "add", "account", "other", "cluster=test")
	for _, user := range []string{"root", "nobody"} {
		c.Run("sacctmgr", "--immediate", "add", "user", user, "account=other", "cluster=test")
	}
	exectest.Await(t, "another user's jobs", func() bool {
		return c.AsNobody("sbatch", "--hold", "--output=/dev/null", "--chdir=/", "--array=0-9", "--wrap=true") == nil
	})
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
		// To find out that it takes seven of thirty is a call or two, or six where Slurm does not say how many, and each time that places are free it is one.
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
		exectest.Await(t, "the next launcher to be refused", func() bool { return calls()-before >= 2 })
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
	// The limit is of an association. The user has more jobs for another account, which come and go, and a second sheet; others
	// have theirs. None of that is taken for the limit, nor for room.
	t.Run("another account", func(t *testing.T) {
		elsewhere := []string{"--parsable", "--account=other", "--output=/dev/null", "--hold", "--wrap=true"}
		held := c.Run("sbatch", append(elsewhere, "--array=0-39")...)
		p, second := newProject(t, gatedQuick("0..19")), newProject(t, gatedQuick("0..9"))
		p.write("hold", "")
		second.write("hold", "")
		before := calls()
		l := p.launch()
		const words = "it takes no more than 7 jobs of yours at once for the account test (" + limitWords + ")"
		p.await("seven to be there", func(status) bool { return p.refused(words) == 13 })
		first := calls() - before
		if first > 4 {
			t.Errorf("%d calls of sbatch for seven of 20", first)
		}
		l2 := second.launch()
		second.await("the second sheet to wait", func(status) bool { return second.refused(words) == 10 })
		single := newProject(t, gatedQuick("0")) // of which the first refusal is the last
		l3 := single.launch()
		single.await("a single run to wait", func(status) bool { return single.refused(words) == 1 })
		l3.cmd.Process.Signal(syscall.SIGINT)
		single.wait(l3, time.Minute)
		first = calls() - before
		// Jobs of the other account end, one by one.
		for x := range 10 {
			c.Run("scancel", held+"_"+strconv.Itoa(x))
			time.Sleep(time.Second)
		}
		if n := calls() - before; n > first+12 {
			t.Errorf("%d calls of sbatch while jobs of another account ended", n)
		}
		p.remove("hold")
		second.remove("hold")
		for _, one := range []*project{p, second} {
			l := map[*project]*launcher{p: l, second: l2}[one]
			if code := one.wait(l, 4*time.Minute); code != 0 {
				t.Errorf("it exits %d", code)
			}
			one.firstAttempts()
		}
		// Each is told of a place that the other one has taken, now and then.
		if n := calls() - before; n > 40 {
			t.Errorf("%d calls of sbatch for 30 runs", n)
		}
		t.Logf("%d calls of sbatch", calls()-before)
		c.Run("scancel", held)
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
