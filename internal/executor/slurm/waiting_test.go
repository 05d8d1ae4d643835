package slurm_test

import (
	"strings"
	"time"
)

func suspended(u *trial) {
	u.sheet(`command: ./train.sh {work_dir} 1000 0.3
matrix: {x: [0]}
progress: {tracker: epochs, epochs: 1000, files: [done]}
policy: {retries: 0, stop_grace: 1s, stuck_after: 2s}
pool: [{slurm: {time: 10m, options: [NODE]}}]
`)
	l := u.launch()
	u.begins("0", 1)
	job := u.job("0")
	for range 2 {
		u.c.Run("scontrol", "suspend", job)
		u.shows("0", "queued", "suspended by Slurm on "+u.node)
		stood := time.Now()
		u.until("it to stand for longer than stuck_after", func() bool { return time.Since(stood) > 4*time.Second })
		u.c.Run("scontrol", "resume", job)
		if r := u.status().Runs[0]; r.Status != "running" {
			u.t.Errorf("once resumed, it is %s: %s", r.Status, r.Reason)
		}
	}
	u.write("hurry", "")
	u.finishes(l)
	u.ended("0", "exit")
	if strings.Contains(l.said.String(), "stuck") {
		u.t.Errorf("a run was called stuck: %s", l.said.String())
	}
}

func reasons(u *trial) {
	u.sheet(`command: until [ -e go ]; do sleep 0.1; done; ./train.sh {work_dir} 2 0.1
matrix: {x: [0, 1, 2]}
progress: {tracker: epochs, epochs: 2, files: [done]}
resources: {cpus: 4}
policy: {retries: 0}
pool: [{slurm: {time: 10m, options: [NODE]}}]
`)
	l := u.launch()
	u.shows("0", "running", "")
	array, _, _ := strings.Cut(u.job("0"), "_")
	u.tells(l, "queue: submitted 3 runs as job "+array)
	u.tells(l, "queue: 2 runs wait in Slurm's queue: Resources (job "+array+")")
	held := u.job("2")
	u.c.Run("scontrol", "uhold", held)
	u.shows("2", "queued", "JobHeldUser, held until `scontrol release "+held+"` (job "+held+")")
	u.tells(l, "queue: a run waits in Slurm's queue: JobHeldUser, held until `scontrol release "+held+"`")
	u.shows("1", "queued", "in Slurm's queue: Resources (job "+u.job("1")+")")
	// Slurm has one word for the reasons of an array's tasks then, "BeginTime,JobHeldUser", and each has its own here.
	again := u.job("0")
	u.c.Run("scontrol", "requeue", again)
	u.shows("0", "queued", "started again by Slurm, in Slurm's queue: BeginTime, the pause before a job is started again (job "+again+")")
	u.shows("2", "queued", "in Slurm's queue: JobHeldUser, held until")
	u.write("go", "")
	u.until("the first two to be over", func() bool { return u.last("0").End != nil && u.last("1").End != nil })
	u.shows("2", "queued", "JobHeldUser")
	u.c.Run("scontrol", "release", held)
	u.finishes(l)
	u.ended("2", "exit")
	if n := strings.Count(l.said.String(), "Slurm's queue: Resources"); n != 1 {
		u.t.Errorf("it says %d times that runs wait for resources", n)
	}
}

// tells waits until a launcher says something.
func (p *project) tells(l *launcher, words string) {
	p.t.Helper()
	p.until("the launcher to say "+words, func() bool { return strings.Contains(l.said.String(), words) })
}

// notBegun: a node fails before a job begins there. Slurm holds the job then, until somebody releases it.
func notBegun(u *trial) {
	l := u.sickened()
	words := "launch failed requeued held, Slurm drained " + u.node + " last (Prolog error), held until `scontrol release " + u.job("0") + "`"
	u.tells(l, "queue: a run waits in Slurm's queue: "+words)
	u.shows("0", "queued", words)
	u.healed(l)
}

// sickened starts a launcher whose one run cannot begin on the trial's node.
func (u *trial) sickened() *launcher {
	u.t.Helper()
	u.c.Sicken(u.node)
	u.sheet(`command: ./train.sh {work_dir} 2 0.1
matrix: {x: [0]}
progress: {tracker: epochs, epochs: 2, files: [done]}
policy: {retries: 0}
pool: [{slurm: {time: 10m, options: [NODE]}}]
`)
	return u.launch()
}

// healed has the run of sickened begin, and brings it to its end.
func (u *trial) healed(l *launcher) {
	u.t.Helper()
	u.c.Heal(u.node)
	u.c.Run("scontrol", "release", u.job("0"))
	u.finishes(l)
	u.ended("0", "exit")
}
