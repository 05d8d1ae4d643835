package slurmtest

import (
	"strings"
	"testing"
	"time"
)

// waiting submits a job that does not start, and returns its number.
func waiting(c *Cluster, args ...string) string {
	c.t.Helper()
	return c.Run("sbatch", append([]string{"--parsable", "--hold", "--output=/dev/null", "--wrap=true"}, args...)...)
}

// jobs returns what wait and run, a task a line.
func jobs(c *Cluster) string {
	c.t.Helper()
	return c.Run("squeue", "--noheader", "--array", "--format=%i %j")
}

// TestTwoClusters: two at once know nothing of each other. One has an accounting database that limits the jobs of a
// user; the other one's controller hangs, and dies.
func TestTwoClusters(t *testing.T) {
	limited := Start(t, Config{Nodes: 1, SubmitLimit: 7, Grace: 10 * time.Second})
	c := Start(t, Config{Nodes: 1, MessageTimeout: 2 * time.Second})

	waiting(limited, "--array=1-9:2,20")
	err := limited.Try("sbatch", "--hold", "--output=/dev/null", "--array=0-1%1", "--wrap=true")
	for _, words := range []string{"error: AssocMaxSubmitJobLimit\n", "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)"} {
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("two more than six of seven: %v, without %q", err, words)
		}
	}
	last := waiting(limited)
	if err := limited.Try("sbatch", "--hold", "--output=/dev/null", "--wrap=true"); err == nil {
		t.Error("an eighth job was taken")
	}
	limited.Run("scancel", last)
	limited.await("room for another one", func() bool {
		return limited.Try("sbatch", "--hold", "--partition=yielding", "--wrap=true") == nil
	})

	if got := jobs(c); got != "" {
		t.Errorf("one cluster has jobs of the other: %s", got)
	}

	c.PauseController()
	if err := c.Try("sbatch", "--hold", "--job-name=unsure", "--wrap=true"); err == nil || !strings.Contains(err.Error(), "timed out") {
		t.Errorf("submitted to a controller that hangs: %v", err)
	}
	c.ResumeController()
	c.await("a job that was submitted nevertheless", func() bool { return strings.HasSuffix(jobs(c), " unsure") })

	c.StopController()
	if err := c.Try("squeue"); err == nil || !strings.Contains(err.Error(), "Unable to contact slurm controller") {
		t.Errorf("asked a controller that is away: %v", err)
	}
	c.StartController()
	before := jobs(c)
	if !strings.HasSuffix(before, " unsure") {
		t.Errorf("a controller that was stopped has forgotten a job: it knows %q", before)
	}
	var number string
	c.CrashAfter(func() { number = waiting(c, "--job-name=forgotten") })
	if got := jobs(c); got != before {
		t.Errorf("after its death it knows %q, before the last job it knew %q", got, before)
	}
	if got := waiting(c); got != number {
		t.Errorf("the next job is %s, not %s again", got, number)
	}
}
