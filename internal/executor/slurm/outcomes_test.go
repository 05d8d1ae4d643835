package slurm_test

import (
	"sync"
	"testing"
	"time"

	"runsheet/internal/executor/slurm/slurmtest"
)

// TestOutcomes lets everything that can happen to a job happen to the runs of projects, each on a node of its own, all at
// once: they spend their time waiting for Slurm. Only what a whole cluster is needed for has one for itself.
func TestOutcomes(t *testing.T) {
	trials := []struct {
		name string
		run  func(*trial)
	}{
		{"time limit", timeLimit},
		{"no progress within the time limit", noProgress},
		{"told of the time limit too early", toldEarly},
		{"node failed", nodeFailed},
		{"node failed, not requeued", nodeFailedForGood},
		{"suspended", suspended},
		{"preempted", preempted},
		{"preempted by cancelling", preemptedForGood},
		{"requeued", requeued},
		{"cancelled", cancelled},
		{"cancelled, no retries", cancelledForGood},
		{"fails by itself", failsByItself},
		{"fails everywhere", failsEverywhere},
		{"reasons", reasons},
		{"not begun", notBegun},
		{"interrupted", interrupted},
		{"interrupted twice", interruptedTwice},
		{"stopped", stopped},
		{"copied", copied},
		{"work dirs removed", removed},
		{"one of an array stopped", stoppedOne},
		{"mixed", mixed},
		{"brought back", broughtBack},
		{"details", details},
		{"awkward path", awkwardPath},
		{"refused", refusedForGood},
		{"own words", ownWords},
	}
	c := slurmtest.Start(t, slurmtest.Config{Nodes: len(trials), GPUs: 1})
	stopping := slurmtest.Start(t, slurmtest.Config{Nodes: 2})
	small := slurmtest.Start(t, slurmtest.Config{Nodes: 2, MaxJobCount: 6, MinJobAge: 2 * time.Second})
	var all sync.WaitGroup
	run := func(name string, test func(t *testing.T)) { all.Go(func() { t.Run(name, test) }) }
	for i, one := range trials {
		run(one.name, func(t *testing.T) { one.run(newTrial(t, c, c.Nodes()[i])) })
	}
	run("controller away", func(t *testing.T) { away(newTrial(t, stopping, "node1"), newTrial(t, stopping, "node2")) })
	run("claims without jobs", func(t *testing.T) { claimsWithoutJobs(newTrial(t, small, "node1")) })
	run("claims without jobs, run --once", func(t *testing.T) { claimsOnce(newTrial(t, small, "node2")) })
	all.Wait()
}
