package slurm_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"runsheet/internal/executor/slurm/slurmtest"
	"runsheet/internal/record"
)

// TestMemoryKill: a site looks at the memory of jobs, and kills those that take more than they asked for. Slurm calls such a
// job FAILED, and its node says why. The run has failed, uses up its retries, and is not submitted without end.
func TestMemoryKill(t *testing.T) {
	c := slurmtest.Start(t, slurmtest.Config{Nodes: 1, CPUs: 3, OverMemoryKill: true})
	u := newTrial(t, c, "node1")
	u.sheet(`command: >-
  ./train.sh {work_dir} 1 0.1;
  [ {x} != 0 ] || x=$(head -c 800M /dev/zero | tr '\0' x);
  while [ ! -e go ]; do sleep 0.1; done; ./train.sh {work_dir} 2 0.1
matrix: {x: [0, 1, 2]}
progress: {tracker: epochs, epochs: 2, files: [done]}
resources: {memory: 300MiB}
policy: {retries: 1, backoff: 1s, stop_grace: 1s}
pool: [{slurm: {time: 10m, options: [NODE]}}]
`)
	l := u.launch()
	u.until("both attempts of the greedy one to be over", func() bool { return u.view("0", 2).End != nil })
	u.until("the others to be at work", func() bool { return u.begun("1") && u.begun("2") })
	u.c.Run("scancel", u.job("2")) // nobody is to read the words of the first one as its own
	u.until("it to be over", func() bool { return u.view("2", 1).End != nil })
	u.write("go", "")
	if code := u.wait(l, 4*time.Minute); code != 1 {
		t.Errorf("the launcher exits %d", code)
	}
	u.ended("0", "cancelled oom_killed", "cancelled oom_killed")
	u.ended("1", "exit")
	u.ended("2", "cancelled cancelled", "exit")
	u.shows("0", "failed", "killed at 1 of 2 epochs: Slurm killed the job on node1: it took more memory than it had asked for: StepId=")
}

// begun says whether a run has made progress.
func (p *project) begun(run string) bool {
	done, _ := filepath.Glob(filepath.Join(p.dir, "runs", run, "epoch_*/done"))
	return len(done) > 0
}

// ownWords: of jobs that failed before they began each says why by itself.
func ownWords(u *trial) {
	u.sheet(`command: ./train.sh {work_dir} 1 0.1
matrix: {x: [0, 1, 2]}
progress: {tracker: epochs, epochs: 1, files: [done]}
policy: {retries: 0}
pool: [{slurm: {time: 10m, options: [NODE, --hold]}}]
`)
	l := u.launch()
	for _, run := range []string{"0", "1", "2"} {
		u.job(run)
		u.until("its claim", func() bool { return u.view(run, 1).Claim != nil })
		// Where the supervisor would keep its words it finds a directory, and says so.
		if err := os.Mkdir(record.SuperviseLogPath(record.AttemptDir(filepath.Join(u.dir, "runs", run), 1)), 0o700); err != nil {
			u.t.Fatal(err)
		}
	}
	for _, run := range []string{"0", "1", "2"} {
		u.c.Run("scontrol", "release", u.job(run))
	}
	if code := u.wait(l, 4*time.Minute); code != 1 {
		u.t.Errorf("the launcher exits %d", code)
	}
	for _, run := range []string{"0", "1", "2"} {
		u.shows(run, "failed", "ended as FAILED before it began: ")
		u.shows(run, "failed", "runs/"+run+"/.runsheet/")
	}
}
