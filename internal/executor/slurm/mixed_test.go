package slurm_test

import (
	"strings"
	"time"
)

// logged is training code that tells where and when it begins and ends.
const logged = `#!/bin/bash
echo "begin $(hostname)" >>log
./train.sh "$@"
echo "end $(hostname)" >>log
`

// mostAtOnce returns how many of a log's executions on this machine, and on nodes, were under way at once.
func mostAtOnce(log []string) (here, nodes int) {
	nowHere, nowNodes := 0, 0
	for _, line := range log {
		by := 1
		word, host, _ := strings.Cut(line, " ")
		if word == "end" {
			by = -1
		}
		if strings.HasPrefix(host, "node") {
			nowNodes += by
		} else {
			nowHere += by
		}
		here, nodes = max(here, nowHere), max(nodes, nowNodes)
	}
	return here, nodes
}

// broughtBack: the cluster is full of others' jobs, and this machine has one place: it does all that waits in the queue.
func broughtBack(u *trial) {
	u.write("logged.sh", logged)
	u.c.Run("sbatch", "--partition=urgent", "--nodelist="+u.node, "--exclusive", "--output=/dev/null", "--wrap=sleep 1000")
	u.sheet(`command: ./logged.sh {work_dir} 2 0.1
matrix: {x: [0..5]}
progress: {tracker: epochs, epochs: 2, files: [done]}
resources: {cpus: 1}
policy: {retries: 0}
pool: [{local: {jobs: 1}}, {slurm: {time: 10m, options: [NODE]}}]
`)
	l := u.launch()
	u.until("the others to be in the queue", func() bool { return len(u.queued()) > 3 })
	u.finishes(l)
	if here, nodes := mostAtOnce(u.lines("log")); here != 1 || nodes != 0 || len(u.lines("log")) != 12 {
		u.t.Errorf("%q", u.lines("log"))
	}
	u.ended("5", "void withdrawn", "exit")
	u.ended("0", "exit")
}

func mixed(u *trial) {
	u.write("logged.sh", logged)
	sheet := func(runs string) {
		u.sheet(`command: ./logged.sh {work_dir} 2 0.4
matrix: {x: ` + runs + `}
progress: {tracker: epochs, epochs: 2, files: [done]}
resources: {cpus: 1}
policy: {retries: 0}
pool: [{local: {jobs: 1}}, {slurm: {time: 10m, max_queued: 3, options: [NODE]}}]
`)
	}
	sheet("[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]")
	l := u.launch()
	most := 0
	for !l.over() {
		most = max(most, len(u.queued()))
		time.Sleep(100 * time.Millisecond)
	}
	u.finishes(l)
	here, nodes := mostAtOnce(u.lines("log"))
	if here != 1 || nodes < 1 || most > 3 {
		u.t.Errorf("at once: %d here, %d on the node, %d in the queue", here, nodes, most)
	}

	sheet("[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]")
	u.write("log", "")
	u.finishes(u.launch("-j", "2"))
	if here, _ := mostAtOnce(u.lines("log")); here != 2 {
		u.t.Errorf("with -j 2, %d at once here", here)
	}
}
