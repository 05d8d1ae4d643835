package slurm_test

import (
	"slices"
	"time"
)

// twoRuns is a sheet with two runs, of which the node takes one at a time.
const twoRuns = `command: ./train.sh {work_dir} 6 0.3
matrix: {x: [0, 1]}
progress: {tracker: epochs, epochs: 6, files: [done]}
resources: {cpus: 4}
pool: [{slurm: {time: 10m, options: [NODE]}}]
`

// cancelBoth cancels the run that runs, and the one that waits in the same array.
func (u *trial) cancelBoth() *launcher {
	u.t.Helper()
	l := u.held()
	u.c.Run("scancel", u.job("1"))
	u.c.Run("scancel", u.job("0"))
	u.until("both to be over", func() bool { return u.view("0", 1).End != nil && u.view("1", 1).End != nil })
	u.remove("wait")
	return l
}

func cancelled(u *trial) {
	u.sheet(twoRuns + "policy: {retries: 1, backoff: 1s, stop_grace: 1s}\n")
	l := u.cancelBoth()
	u.finishes(l)
	u.ended("0", "cancelled cancelled", "exit")
	u.ended("1", "void cancelled", "exit")
}

func cancelledForGood(u *trial) {
	u.sheet(twoRuns + "policy: {retries: 0, stop_grace: 1s}\n")
	l := u.cancelBoth()
	if code := u.wait(l, 4*time.Minute); code != 1 {
		u.t.Errorf("the launcher exits %d", code)
	}
	u.ended("0", "cancelled cancelled")
	u.ended("1", "void cancelled")
	u.shows("0", "failed", "cancelled with scancel")
	u.shows("1", "pending", "cancelled")
}

func timeLimit(u *trial) {
	// It is told to end when 49 seconds of its minute are over.
	u.sheet(`command: ./train.sh {work_dir} 14 4
matrix: {x: [0]}
progress: {tracker: epochs, epochs: 14, files: [done]}
policy: {retries: 0, stop_grace: 1s}
pool: [{slurm: {time: 1m, options: [NODE]}}]
`)
	l := u.launch()
	u.finishes(l)
	attempts := u.last("0").Attempt
	u.ended("0", append(slices.Repeat([]string{"time_limit time_limit"}, max(attempts-1, 1)), "exit")...)
	if p := u.view("0", 1).End.Progress; p == nil || p.Completed == 0 {
		u.t.Errorf("the end at the time limit knows of no progress: %v", p)
	}
}

// toldEarly: Slurm may send its warning up to a minute too early. This run has no more than that minute.
func toldEarly(u *trial) {
	u.sheet(`command: ./train.sh {work_dir} 3 0.1
matrix: {x: [0]}
progress: {tracker: epochs, epochs: 3, files: [done]}
policy: {retries: 0}
pool: [{slurm: {time: 1m, options: [NODE]}}]
`)
	l := u.held()
	u.c.Run("scancel", "--batch", "--signal=XCPU", u.job("0"))
	u.shows("0", "running", "it is told to end at ")
	u.remove("wait")
	u.finishes(l)
	u.ended("0", "exit")
}

func noProgress(u *trial) {
	u.sheet(`command: sleep 1000
matrix: {x: [0]}
progress: {tracker: epochs, epochs: 14, files: [done]}
policy: {retries: 0, stop_grace: 1s}
pool: [{slurm: {time: 1m, options: [NODE]}}]
`)
	l := u.launch()
	if code := u.wait(l, 4*time.Minute); code != 1 {
		u.t.Errorf("the launcher exits %d", code)
	}
	u.ended("0", "time_limit time_limit")
	u.shows("0", "failed", "time limit reached at 0 of 14")
}

// failsEverywhere: where the first all fail in the same way, the others are taken out of the queue.
func failsEverywhere(u *trial) {
	// The others wait until the last of them is out of the queue.
	u.sheet(`command: '[ {x} -lt 3 ] || until [ -e go ]; do sleep 0.1; done; ls mended && ./train.sh {work_dir} 2 0.1'
matrix: {x: [0..7]}
progress: {tracker: epochs, epochs: 2, files: [done]}
resources: {cpus: 2}
policy: {retries: 0}
pool: [{slurm: {time: 10m, options: [NODE]}}]
`)
	l := u.launch()
	u.until("the last to be taken out of the queue", func() bool { return u.view("7", 1).End != nil })
	u.write("go", "")
	if code := u.wait(l, 4*time.Minute); code != 1 {
		u.t.Errorf("the launcher exits %d", code)
	}
	if n := len(u.queued()); n > 0 {
		u.t.Errorf("%d jobs are still in the queue", n)
	}
	if s := u.status(); s.count("failed") > 5 || s.count("failed")+s.count("pending")+s.count("stopped") != 8 { // one may begin as it is taken out
		u.t.Errorf("it shows %v", s.Summary)
	}
	u.ended("7", "void withdrawn")
	u.write("mended", "")
	u.finishes(u.launch())
}

func failsByItself(u *trial) {
	u.sheet(`command: ./train.sh {work_dir} 2 0.1; echo no more >&2; exit 7
matrix: {x: [0]}
progress: {tracker: epochs, epochs: 4, files: [done]}
policy: {retries: 1, backoff: 1s}
pool: [{slurm: {time: 10m, options: [NODE]}}]
`)
	l := u.launch()
	if code := u.wait(l, 4*time.Minute); code != 1 {
		u.t.Errorf("the launcher exits %d", code)
	}
	u.ended("0", "exit exit_code", "exit exit_code")
	u.shows("0", "failed", "exited 7 at 2 of 4")
	if code := u.status().Runs[0].ExitCode; code == nil || *code != 7 {
		u.t.Errorf("the status shows exit code %v", code)
	}
}
