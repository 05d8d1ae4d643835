package slurm_test

import "strings"

// gated is training code that waits: on a node while there is a file "hold", elsewhere while there is "hold-here".
const gated = `#!/bin/bash
case $(hostname) in
node*) mkdir -p "$1/epoch_0"; echo 1 >"$1/epoch_0/done"; while [ -e hold ]; do sleep 0.1; done ;;
*) while [ -e hold-here ]; do sleep 0.1; done ;;
esac
exec ./train.sh "$@"
`

// away has the controller stopped in the middle of a sheet for here and there, and before one for there alone.
func away(u, late *trial) {
	u.write("gated.sh", gated)
	u.write("hold", "")
	u.write("hold-here", "")
	u.sheet(`command: ./gated.sh {work_dir} 3 0.1
matrix: {x: [0, 1, 2, 3, 4, 5]}
progress: {tracker: epochs, epochs: 3, files: [done]}
policy: {retries: 0}
pool: [{local: {jobs: 1}}, {slurm: {time: 10m, max_queued: 2, options: [NODE, --exclusive]}}]
`)
	l := u.launch()
	u.shows("0", "running", "")
	u.begins("1", 1)
	u.shows("2", "queued", "in Slurm's queue: ")
	u.c.StopController()
	u.shows("2", "unknown", "cannot ask Slurm: ")
	u.shows("1", "running", "")

	// The places here go on.
	u.remove("hold-here")
	u.until("the runs here to be over", func() bool {
		for _, run := range []string{"0", "3", "4", "5"} {
			if u.last(run).End == nil {
				return false
			}
		}
		return true
	})
	l.cmd.Process.Kill()
	<-l.done

	// The next launcher waits, and so does one that has launched nothing yet.
	late.sheet(oneRun + "pool: [{slurm: {time: 10m, options: [NODE]}}]\n")
	l, lateOne := u.launch(), late.launch()
	u.shows("2", "unknown", "cannot ask Slurm: ")
	late.shows("0", "pending", "")
	u.remove("hold")
	u.shows("1", "finished", "")
	if l.over() || lateOne.over() {
		u.t.Error("a launcher did not wait")
	}
	if late.last("0").Claim != nil {
		u.t.Error("something was claimed for a cluster that is away")
	}

	u.c.StartController()
	u.finishes(l)
	late.finishes(lateOne)
	for _, run := range strings.Fields("0 1 3 4 5") {
		u.ended(run, "exit")
	}
	if v := u.last("2"); v.Attempt == 2 { // it was still in the queue when the controller came back, and this machine had room
		u.ended("2", "void withdrawn", "exit")
	} else {
		u.ended("2", "exit")
	}
	late.ended("0", "exit")
}
