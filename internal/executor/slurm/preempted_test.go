package slurm_test

import (
	"strings"

	"runsheet"
)

// oneRun is a sheet with one run of eight epochs that takes the whole node.
const oneRun = `command: ./train.sh {work_dir} 8 0.3 {resume}
resume: --resume
matrix: {x: [0]}
progress: {tracker: epochs, epochs: 8, files: [done]}
resources: {cpus: 4}
policy: {retries: 0, stop_grace: 1s}
`

// resumed checks that the second attempt of a run went on from the evidence of the first, and whether in the same job.
func (u *trial) resumed(sameJob bool) {
	u.t.Helper()
	first, second := u.view("0", 1), u.view("0", 2)
	if first.Claim == nil || second.Claim == nil {
		u.t.Fatal("there are no two attempts")
	}
	if c := second.Claim; !c.Resume || !strings.Contains(c.Command, "--resume") {
		u.t.Errorf("the second attempt does not resume: %q", c.Command)
	}
	if same := first.Claim.Batch == second.Claim.Batch; same != sameJob {
		u.t.Errorf("the second attempt ran in the same job: %t", same)
	}
}

func preempted(u *trial) {
	u.sheet(oneRun + "pool: [{slurm: {partition: main, time: 10m, options: [NODE]}}]\n")
	l := u.held()
	u.urgent()
	u.shows("0", "queued", "started again by Slurm")
	u.released(l)
	u.ended("0", "preempted preempted", "exit")
	u.resumed(true)
}

func preemptedForGood(u *trial) {
	u.sheet(oneRun + "pool: [{slurm: {partition: cancelling, time: 10m, options: [NODE]}}]\n")
	l := u.held()
	u.urgent()
	u.released(l)
	u.ended("0", "preempted preempted", "exit")
	u.resumed(false)
}

func requeued(u *trial) {
	u.sheet(oneRun + "pool: [{slurm: {time: 10m, options: [NODE]}}]\n")
	l := u.held()
	job := u.job("0")
	u.c.Run("scontrol", "requeuehold", job)
	u.until("the launcher to tell of it", func() bool {
		return strings.Contains(l.said.String(), "waits x=0 (attempt 1): started again by Slurm, in Slurm's queue: job requeued in held state, held until `scontrol release "+job+"`")
	})
	u.c.Run("scontrol", "release", job)
	u.released(l)
	u.ended("0", "preempted requeued", "exit")
	u.resumed(true)
}

// failNode ends the node, and brings it back once Slurm knows.
func (u *trial) failNode() {
	u.t.Helper()
	u.c.KillNode(u.node)
	u.until("Slurm to miss "+u.node, func() bool {
		return strings.HasPrefix(u.c.Run("sinfo", "--noheader", "--nodes="+u.node, "--format=%T"), "down")
	})
	u.c.StartNode(u.node)
}

func nodeFailed(u *trial) {
	u.sheet(oneRun + "pool: [{slurm: {time: 10m, options: [NODE]}}]\n")
	l := u.held()
	u.failNode()
	u.released(l)
	u.ended("0", "lost node_failed", "exit")
	u.resumed(true)
}

func nodeFailedForGood(u *trial) {
	u.sheet(oneRun + "pool: [{slurm: {time: 10m, options: [NODE, --no-requeue]}}]\n")
	l := u.held()
	u.failNode()
	u.released(l)
	u.ended("0", "lost node_failed", "exit")
	u.resumed(false)
	if e := u.view("0", 1).End; e.Cause.Kind != runsheet.CauseNodeFailed || !strings.Contains(e.Cause.Text, u.node) {
		u.t.Errorf("the end does not name the node: %q", e.Cause.Text)
	}
}
