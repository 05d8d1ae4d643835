package slurm_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"runsheet/internal/durable"
	"runsheet/internal/executor/exectest"
	"runsheet/internal/executor/slurm/slurmtest"
	"runsheet/internal/record"
)

// manyAtOnce is a sheet of runs of which two find room at once, and which go on once there is no file "hold".
const manyAtOnce = `version: 1
command: while [ -e hold ]; do sleep 0.1; done; ./train.sh {work_dir} 2 0.1
work_dir: runs/{x}
matrix: {x: [0..5]}
progress: {tracker: epochs, epochs: 2, files: [done]}
resources: {cpus: 4}
policy: {retries: 0}
pool: [{slurm: {time: 10m}}]
`

// replaced puts a script of ours before one of Slurm's commands, REAL in it.
func replaced(t *testing.T, name, script string) {
	t.Helper()
	real, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	text := "#!/bin/sh\n" + strings.ReplaceAll(script, "REAL", real) + "\n"
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

// arrays returns the numbers of the arrays that Slurm has been given, those that are over included.
func arrays(c *slurmtest.Cluster) map[string]bool {
	all := map[string]bool{}
	for _, id := range strings.Fields(c.Run("squeue", "--noheader", "--states=all", "--format=%F")) {
		all[id] = true
	}
	return all
}

// TestComments: the comments of jobs are not what they were submitted with, because the site's plugin writes its own, or
// somebody changes them. Living jobs are known all the same, by this launcher, by `status` and by the next launcher:
// nothing is submitted twice.
func TestComments(t *testing.T) {
	site := slurmtest.Start(t, slurmtest.Config{Nodes: 2, Comments: true})
	plain := slurmtest.Start(t, slurmtest.Config{Nodes: 2})
	known := func(t *testing.T, c *slurmtest.Cluster, meanwhile func(p *project)) {
		c = c.With(t)
		before := arrays(c)
		p := newProject(t, manyAtOnce)
		p.env = append(c.Env(), "PATH="+os.Getenv("PATH"))
		p.write("hold", "")
		waiting := func(s status) bool { return s.count("running") == 2 && s.count("queued") == 4 }
		l := p.launch()
		p.await("two to run", waiting)
		if meanwhile != nil {
			meanwhile(p)
		}
		for range 2 { // the queue is looked at twice at least
			looks := time.Now()
			exectest.Await(t, "another look", func() bool { return time.Since(looks) > 3*time.Second })
			if s := p.status(); !waiting(s) || l.over() {
				t.Fatalf("%v, %+v", s.Summary, s.Runs)
			}
		}
		l.cmd.Process.Kill()
		<-l.done
		if s := p.status(); !waiting(s) || !strings.Contains(s.Runs[5].Reason, "in Slurm's queue: ") {
			t.Errorf("without a launcher: %v, %+v", s.Summary, s.Runs)
		}
		l = p.launch()
		p.await("the next launcher to know them", waiting)
		if out, err := p.command("stop", "x=5").CombinedOutput(); err != nil {
			t.Errorf("stop: %v: %s", err, out)
		}
		if n := len(strings.Fields(c.Run("squeue", "--noheader", "--array", "--states=pending", "--format=%i"))); n != 3 {
			t.Errorf("after the stop of one that waits, %d wait", n)
		}
		p.remove("hold")
		p.wait(l, 4*time.Minute)
		if s := p.status(); s.count("finished") != 5 || s.count("stopped") != 1 {
			t.Errorf("%v, %+v", s.Summary, s.Runs)
		}
		for _, r := range p.status().Runs {
			if r.Attempt != 1 {
				t.Errorf("%s: attempt %d: %s", r.Name, r.Attempt, r.Reason)
			}
		}
		if n := len(arrays(c)) - len(before); n != 1 {
			t.Errorf("%d arrays", n)
		}
	}
	t.Run("a plugin", func(t *testing.T) { known(t, site, nil) })
	t.Run("scontrol update", func(t *testing.T) {
		known(t, plain, func(*project) {
			for _, id := range strings.Fields(plain.Run("squeue", "--noheader", "--states=pending,running", "--format=%A")) {
				plain.Run("scontrol", "update", "jobid="+id, "comment=mine now")
			}
		})
	})
	t.Run("an answer lost", func(t *testing.T) {
		replaced(t, "sbatch", `mkdir `+filepath.Join(t.TempDir(), "lost")+` 2>/dev/null || exec REAL "$@"
REAL "$@" >/dev/null
echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation" >&2
exit 1`)
		known(t, site, nil)
	})
	// Then the numbers alone tell: those that were noted, and that supervisors have written down.
	t.Run("no arguments in the queue", func(t *testing.T) {
		replaced(t, "squeue", `REAL "$@" | sed 's#\(/bin/job\.[a-z]*\) [^|]*|#\1|#'`)
		known(t, site, nil)
	})
}

// TestSecondCluster: Slurm's commands talk to another cluster than the one that has the jobs, as after a login to another
// login node: nobody takes them for gone.
func TestSecondCluster(t *testing.T) {
	c := slurmtest.Start(t, slurmtest.Config{Nodes: 2, Name: "east"})
	other := slurmtest.Start(t, slurmtest.Config{Nodes: 1, Name: "west"})
	p := newProject(t, manyAtOnce)
	p.env = c.Env()
	p.write("hold", "")
	l := p.launch()
	p.await("two to run", func(s status) bool { return s.count("running") == 2 && s.count("queued") == 4 })
	l.cmd.Process.Kill()
	<-l.done

	p.env = other.Env()
	s := p.await("those that wait to be unknown", func(s status) bool { return s.count("unknown") >= 4 })
	if words := `is one of the cluster "east", and Slurm's commands here talk to another one`; !strings.Contains(s.Runs[5].Reason, words) {
		t.Errorf("%+v", s.Runs[5])
	}
	// The job of a run whose work dir is deleted is not taken for gone, either.
	if err := os.RemoveAll(filepath.Join(p.dir, "runs", "5")); err != nil {
		t.Fatal(err)
	}
	l = p.launch()
	looks := time.Now()
	exectest.Await(t, "a launcher there to look", func() bool { return time.Since(looks) > 5*time.Second })
	if s := p.status(); s.count("unknown") < 4 || l.over() || len(arrays(other)) > 0 {
		t.Errorf("%v, %d arrays there", s.Summary, len(arrays(other)))
	}
	l.cmd.Process.Kill()
	<-l.done

	p.env = c.Env()
	p.remove("hold")
	if code := p.wait(p.launch(), 4*time.Minute); code != 0 {
		t.Errorf("it exits %d", code)
	}
	p.once()
	for _, r := range p.status().Runs {
		if r.Name != "x=5" && r.Attempt != 1 {
			t.Errorf("%s: attempt %d: %s", r.Name, r.Attempt, r.Reason)
		}
	}
	if n := len(arrays(c)); n > 2 { // the second is of the run whose work dir was deleted
		t.Errorf("%d arrays", n)
	}
}

// TestCancelledMeanwhile: an array that waits is cancelled while no launcher lives, whole or task by task, and what became
// of it is known to the controller, to the accounting database alone, or to nobody: no attempt is submitted again as if it
// never had been.
func TestCancelledMeanwhile(t *testing.T) {
	sheet := strings.Replace(quick("0..3"), "time: 10m", "time: 10m, options: [--hold]", 1)
	cancelled := func(t *testing.T, c *slurmtest.Cluster, living, forgotten bool, tasks, words string) {
		c = c.With(t)
		p := newProject(t, sheet)
		p.env = append(c.Env(), "PATH="+os.Getenv("PATH"))
		calls := counted(t, "sbatch")
		p.env = append(p.env, "PATH="+os.Getenv("PATH"))
		l := p.launch()
		p.await("all to wait", func(s status) bool {
			return s.count("queued") == 4 && strings.Contains(s.Runs[3].Reason, "JobHeldUser")
		})
		id, _, _ := strings.Cut(strings.TrimSuffix(strings.SplitAfterN(p.status().Runs[3].Reason, "(job ", 2)[1], ")"), "_")
		if !living {
			l.cmd.Process.Kill()
			<-l.done
		}
		c.Run("scancel", id+tasks)
		if forgotten {
			exectest.Await(t, "the controller to forget them", func() bool { return !arrays(c)[id] })
		}
		if !living {
			if s := p.status(); s.count("queued") > 0 {
				t.Errorf("before the next launcher: %+v", s.Runs)
			}
			l = p.launch()
		}
		want := []string{"void cancelled"}
		if living {
			if code := p.wait(l, time.Minute); code != 1 { // no retries
				t.Errorf("it exits %d", code)
			}
		} else { // as for all that failed before it, the next launcher tries anew
			p.await("the next attempts", func(s status) bool { return s.count("queued") == 4 && s.Runs[3].Attempt == 2 })
			l.cmd.Process.Signal(unix.SIGINT)
			p.wait(l, time.Minute)
			want = append(want, "void withdrawn")
		}
		for _, r := range p.status().Runs {
			p.ended(r.Name[2:], want...)
			if e := p.view(r.Name[2:], 1).End; e == nil || !strings.Contains(e.Cause.Text, words) {
				t.Errorf("%s: %+v", r.Name, e)
			}
		}
		if n := calls(); living && n != 1 {
			t.Errorf("%d calls of sbatch", n)
		}
		noted, err := record.BatchJobs(durable.OS(), filepath.Join(p.dir, ".runsheet", "runsheet.yaml"), p.view("0", 1).Claim.Batch)
		if err != nil || len(noted) != 1 || noted[0].Job != id {
			t.Errorf("of the first attempts it noted %+v, %v", noted, err)
		}
	}
	const scancel, gone = "its job was cancelled with scancel", " was cancelled in the queue"
	c := slurmtest.Start(t, slurmtest.Config{Nodes: 1})
	brief := slurmtest.Start(t, slurmtest.Config{Nodes: 1, MinJobAge: 2 * time.Second})
	accounted := slurmtest.Start(t, slurmtest.Config{Nodes: 1, MinJobAge: 2 * time.Second, Accounting: true})
	t.Run("with a launcher, task by task", func(t *testing.T) { cancelled(t, c, true, false, "_[0-3]", scancel) })
	t.Run("task by task", func(t *testing.T) { cancelled(t, c, false, false, "_[0-3]", scancel) })
	t.Run("whole", func(t *testing.T) { cancelled(t, c, false, false, "", scancel) })
	t.Run("nobody knows", func(t *testing.T) { cancelled(t, brief, false, true, "", gone) })
	t.Run("accounted, task by task", func(t *testing.T) { cancelled(t, accounted, false, true, "_[0-3]", scancel) })
	t.Run("accounted, whole", func(t *testing.T) { cancelled(t, accounted, false, true, "", scancel) })
}

// TestHiddenPartition: an administrator hides a partition, so that its jobs are shown to whoever asks for all alone. They are
// not taken for cancelled. Administrators, and root with them, see all: the runs are another user's.
func TestHiddenPartition(t *testing.T) {
	c := slurmtest.Start(t, slurmtest.Config{Nodes: 1})
	dir, err := os.MkdirTemp("", "nobody") // a test's own is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := newProjectIn(t, dir, strings.Replace(quick("0, 1"), "time: 10m", "time: 10m, options: [--hold]", 1))
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	p.write("runsheet", string(program))
	p.own, p.env = filepath.Join(dir, "runsheet"), []string{"HOME=" + dir}
	for _, path := range []string{"", "runsheet.yaml", "train.sh", "runsheet"} {
		if err := os.Chown(filepath.Join(dir, path), slurmtest.NobodyID, slurmtest.NobodyID); err != nil {
			t.Fatal(err)
		}
	}
	held := func(s status) bool {
		return s.count("queued") == 2 && strings.Contains(s.Runs[1].Reason, "JobHeldUser")
	}
	l := p.launch()
	p.await("both to be held", held)
	c.Run("scontrol", "update", "partitionname=main", "hidden=yes")
	looks := time.Now()
	exectest.Await(t, "the launcher to look", func() bool { return time.Since(looks) > 5*time.Second })
	if s := p.status(); !held(s) || l.over() {
		t.Errorf("%+v", s.Runs)
	}
	l.cmd.Process.Signal(unix.SIGINT)
	p.wait(l, time.Minute)
}
