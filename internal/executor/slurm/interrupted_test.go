package slurm_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"runsheet"
)

// obstinate is training code that hears SIGTERM and goes on until it is alone with it.
const obstinate = `#!/bin/bash
trap 'echo TERM >>heard' TERM
mkdir -p "$1/epoch_0"; echo 1 >"$1/epoch_0/done"
until [ -e mercy ]; do sleep 0.1; done
exec ./train.sh "$@"
`

func interrupted(u *trial) {
	u.write("train.sh", strings.Replace(train, "mkdir", `trap 'echo TERM >>heard; exit 1' TERM`+"\nmkdir", 1))
	u.sheet(`command: ./train.sh {work_dir} 8 0.3
matrix: {x: [0, 1, 2]}
progress: {tracker: epochs, epochs: 8, files: [done]}
resources: {cpus: 4}
policy: {retries: 0, stop_grace: 20s}
pool: [{slurm: {time: 10m, options: [NODE]}}]
`)
	l := u.held()
	l.cmd.Process.Signal(unix.SIGINT)
	if code := u.wait(l, 4*time.Minute); code != 130 {
		u.t.Errorf("the launcher exits %d", code)
	}
	if heard := u.lines("heard"); len(heard) != 1 {
		u.t.Errorf("the command that ran heard %q", heard)
	}
	u.until("the queue to be empty", func() bool { return len(u.queued()) == 0 })
	u.ended("0", "stopped")
	u.ended("1", "void withdrawn")
	u.ended("2", "void withdrawn")
	u.shows("0", "stopped", "stopped at ")
	u.shows("1", "pending", "")
	u.remove("wait")
	u.finishes(u.launch())
	u.ended("0", "stopped", "exit")
	u.ended("2", "void withdrawn", "exit")
}

func interruptedTwice(u *trial) {
	u.write("obstinate.sh", obstinate)
	u.sheet(`command: ./obstinate.sh {work_dir} 4 0.2
matrix: {x: [0]}
progress: {tracker: epochs, epochs: 4, files: [done]}
policy: {retries: 0, stop_grace: 10m}
pool: [{slurm: {time: 1h, options: [NODE]}}]
`)
	l := u.launch()
	u.begins("0", 1)
	l.cmd.Process.Signal(unix.SIGINT)
	u.until("the command to hear of it", func() bool { return len(u.lines("heard")) > 0 })
	l.cmd.Process.Signal(unix.SIGINT)
	if code := u.wait(l, 4*time.Minute); code != 130 {
		u.t.Errorf("the launcher exits %d", code)
	}
	if e := u.view("0", 1).End; e == nil || e.Kind != runsheet.EndStopped || e.Signal != "SIGKILL" {
		u.t.Errorf("it ended as %+v", e)
	}
	u.write("mercy", "")
	u.finishes(u.launch())
}

// stoppedOne: of an array that waits, one task is to be stopped, with a launcher and without. The others keep their places.
func stoppedOne(u *trial) {
	u.sheet(`command: ./train.sh {work_dir} 2 0.1
matrix: {x: [0, 1, 2, 3, 4]}
progress: {tracker: epochs, epochs: 2, files: [done]}
policy: {retries: 0}
pool: [{slurm: {time: 10m, options: [NODE, --hold]}}]
`)
	stop := func(run string) {
		out, err := u.command("stop", "x="+run).CombinedOutput()
		if err != nil {
			u.t.Errorf("stop x=%s: %v: %s", run, err, out)
		}
		if e := u.view(run, 1).End; e == nil || e.Kind != runsheet.EndVoid {
			u.t.Errorf("%s ended as %+v: stop said %s", run, e, out)
		}
	}
	l := u.launch()
	u.until("all to be queued", func() bool { return len(u.queued()) == 5 })
	before := map[string]string{}
	for _, run := range []string{"0", "1", "4"} {
		before[run] = u.job(run)
	}
	stop("2")
	l.cmd.Process.Kill()
	<-l.done
	stop("3")
	for run, job := range before {
		u.shows(run, "queued", "held until `scontrol release "+job+"`")
		if v := u.last(run); v.Attempt != 1 {
			u.t.Errorf("%s was claimed again, as attempt %d", run, v.Attempt)
		}
	}
	if ids := u.queued(); len(ids) != 3 {
		u.t.Errorf("in the queue: %q", ids)
	}
	if out, err := u.command("stop", "x=*").CombinedOutput(); err != nil {
		u.t.Errorf("stop: %v: %s", err, out)
	}
	if ids := u.queued(); len(ids) != 0 {
		u.t.Errorf("still in the queue: %q", ids)
	}
}

// removed: the work dirs of a run whose job runs, and of one whose job waits, are deleted.
func removed(u *trial) {
	u.sheet(twoRuns + "policy: {retries: 0, stop_grace: 1s}\n")
	l := u.held()
	u.shows("1", "queued", "in Slurm's queue")
	for _, run := range []string{"0", "1"} {
		dir := filepath.Join(u.dir, "runs", run)
		u.until("nobody to write there", func() bool { return os.RemoveAll(dir) == nil })
	}
	u.remove("wait")
	u.finishes(l)
	if v := u.last("0"); v.Attempt != 2 {
		u.t.Errorf("its next attempt is %d", v.Attempt)
	}
	if said := l.said.String(); strings.Count(said, "waits x=0: its records are gone, and its last attempt may still live") != 1 {
		u.t.Errorf("the launcher said %s", said)
	}
}

// copied: the project is copied while its jobs run, and run there. What the copy does is no business of the first's jobs.
func copied(u *trial) {
	u.sheet(`command: ./train.sh {work_dir} 4 0.2
matrix: {x: [0, 1]}
progress: {tracker: epochs, epochs: 4, files: [done]}
resources: {cpus: 1}
policy: {retries: 0, stop_grace: 1s}
pool: [{slurm: {time: 10m, options: [NODE]}}]
`)
	l := u.held()
	u.begins("1", 1)
	second := &project{t: u.t, dir: u.t.TempDir(), env: u.env}
	u.until("a copy", func() bool { return exec.Command("cp", "-a", u.dir+"/.", second.dir).Run() == nil }) // temporary files go
	second.remove("wait")
	if code := second.wait(second.launch(), 4*time.Minute); code != 0 {
		u.t.Errorf("the launcher of the copy exits %d", code)
	}
	second.ended("0", "lost lost", "exit")
	if v := u.last("0"); v.Attempt != 1 || v.End != nil {
		u.t.Errorf("the first is in attempt %d, which ended: %t", v.Attempt, v.End != nil)
	}
	u.remove("wait")
	u.finishes(l)
	u.ended("0", "exit")
	u.ended("1", "exit")
}

func stopped(u *trial) {
	u.sheet(`command: ./train.sh {work_dir} 6 0.2
matrix: {x: [0, 1, 2]}
progress: {tracker: epochs, epochs: 6, files: [done]}
resources: {cpus: 4}
policy: {retries: 0, stop_grace: 2s}
pool: [{slurm: {time: 10m, options: [NODE]}}]
`)
	l := u.held()
	l.cmd.Process.Kill()
	<-l.done
	u.c.Run("scontrol", "requeue", u.job("0"))
	u.shows("0", "queued", "started again by Slurm")
	u.shows("1", "running", "")
	u.shows("2", "queued", "in Slurm's queue")
	if out, err := u.command("stop", "x=*").CombinedOutput(); err != nil {
		u.t.Errorf("stop: %v: %s", err, out)
	}
	u.until("the queue to be empty", func() bool { return len(u.queued()) == 0 })
	u.ended("0", "stopped")
	u.ended("1", "stopped")
	u.ended("2", "void withdrawn")
	if s := u.status(); s.count("stopped") != 3 {
		u.t.Errorf("after the stop: %+v", s.Runs)
	}
	u.wait(u.launch(), 4*time.Minute) // whatever it says, it launches nothing
	u.ended("0", "stopped")
	u.ended("2", "void withdrawn")
	if out, err := u.command("retry", "x=*").CombinedOutput(); err != nil {
		u.t.Errorf("retry: %v: %s", err, out)
	}
	u.remove("wait")
	u.finishes(u.launch())
	u.ended("0", "stopped", "exit")
	u.ended("1", "stopped", "exit")
	u.ended("2", "void withdrawn", "exit")
}
