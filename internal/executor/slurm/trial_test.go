package slurm_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"runsheet/internal/durable"
	"runsheet/internal/executor/slurm/slurmtest"
	"runsheet/internal/record"
)

// trial is a project whose jobs run on one node of a cluster.
type trial struct {
	*project
	c    *slurmtest.Cluster
	node string
}

func newTrial(t *testing.T, c *slurmtest.Cluster, node string) *trial {
	u := &trial{c: c.With(t), node: node}
	u.in(t, t.TempDir())
	return u
}

// in has the trial's project in another directory.
func (u *trial) in(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	u.project = newProjectIn(t, dir, "")
	u.env = u.c.Env()
}

// sheet writes the trial's sheet. NODE in it is what keeps its jobs on the trial's node.
func (u *trial) sheet(text string) {
	u.write("runsheet.yaml", "version: 1\nwork_dir: runs/{x}\n"+strings.ReplaceAll(text, "NODE", "--nodelist="+u.node))
}

// until waits for a condition, which Slurm may take its time for.
func (p *project) until(what string, done func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(4 * time.Minute); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("waited four minutes for %s", what)
		}
	}
}

// shows waits until status shows a run so, with these words in its reason.
func (p *project) shows(run, is, words string) {
	p.t.Helper()
	var last string
	defer func() {
		if p.t.Failed() {
			p.t.Logf("%s is %s", run, last)
		}
	}()
	p.until(run+" to be "+is+": "+words, func() bool {
		for _, r := range p.status().Runs {
			if r.Name == "x="+run {
				last = r.Status + ": " + r.Reason
				return r.Status == is && strings.Contains(r.Reason, words)
			}
		}
		return false
	})
}

// view is what the records say of an attempt.
func (p *project) view(run string, attempt int) record.View {
	p.t.Helper()
	v, err := record.LookAt(record.NewSystem(durable.OS()), filepath.Join(p.dir, "runs", run), attempt)
	if err != nil {
		p.t.Fatal(err)
	}
	return v
}

// last is what the records say of the last attempt.
func (p *project) last(run string) record.View {
	p.t.Helper()
	v, err := record.Look(record.NewSystem(durable.OS()), filepath.Join(p.dir, "runs", run))
	if err != nil {
		p.t.Fatal(err)
	}
	return v
}

// ended checks how each attempt of a run ended: the kind of the end, and that of its cause where it has one.
func (p *project) ended(run string, want ...string) {
	p.t.Helper()
	var got []string
	for n := 1; ; n++ {
		v := p.view(run, n)
		if v.Claim == nil {
			break
		}
		words := "not at all"
		if v.End != nil {
			words = strings.TrimSuffix(string(v.End.Kind)+" "+string(v.End.Cause.Kind), " ")
		}
		got = append(got, words)
	}
	if !slices.Equal(got, want) {
		p.t.Errorf("the attempts of %s ended as %q, not %q", run, got, want)
	}
}

// begins waits until an attempt of a run has made progress.
func (u *trial) begins(run string, attempt int) {
	u.t.Helper()
	u.until("attempt to make progress", func() bool {
		done, _ := filepath.Glob(filepath.Join(u.dir, "runs", run, "epoch_*/done"))
		return u.view(run, attempt).Start != nil && len(done) > 0
	})
}

// held starts a launcher, and returns it when the first attempt of the run 0 is in the middle of its work, where it stays.
func (u *trial) held() *launcher {
	u.t.Helper()
	u.write("wait", "")
	l := u.launch()
	u.begins("0", 1)
	return l
}

// released lets the runs of held go on once that first attempt is over, and checks that they get to their ends.
func (u *trial) released(l *launcher) {
	u.t.Helper()
	u.until("the first attempt to be over", func() bool { return u.view("0", 1).End != nil })
	u.remove("wait")
	u.finishes(l)
}

// job returns what Slurm calls the job of a run's last attempt, once it has it.
func (u *trial) job(run string) (id string) {
	u.t.Helper()
	u.until("the job of "+run, func() bool { id = u.find(run); return id != "" })
	return id
}

func (u *trial) find(run string) string {
	c := u.last(run).Claim
	if c == nil {
		return ""
	}
	return u.all("all")[place{c.Batch, c.Task}]
}

// place is an attempt's place in a submission.
type place struct {
	batch string
	task  int
}

// all returns what Slurm calls the jobs in some states, of all trials.
func (u *trial) all(states string) map[place]string {
	u.t.Helper()
	out := map[place]string{}
	for line := range strings.Lines(u.c.Run("squeue", "--noheader", "--array", "--states="+states, "--format=%i %k")) {
		id, batch, _ := strings.Cut(strings.TrimSpace(line), " ")
		_, index, _ := strings.Cut(id, "_")
		task, _ := strconv.Atoi(index) // 0 where it is no array
		out[place{batch, task}] = id
	}
	return out
}

// queued returns the jobs of this trial that Slurm has, and whose attempts have no end.
func (u *trial) queued() (ids []string) {
	u.t.Helper()
	jobs := u.all("pending,running,suspended")
	runs, _ := filepath.Glob(filepath.Join(u.dir, "runs/*"))
	for _, run := range runs {
		v := u.last(filepath.Base(run))
		if v.Claim == nil || v.End != nil {
			continue
		}
		if id := jobs[place{v.Claim.Batch, v.Claim.Task}]; id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// urgent gives the node to another job for a while.
func (u *trial) urgent() {
	u.t.Helper()
	u.c.Run("sbatch", "--partition=urgent", "--nodelist="+u.node, "--exclusive", "--output=/dev/null", "--wrap=sleep 1")
}

// finishes waits for the launcher, which must bring everything to its end, each run once.
func (u *trial) finishes(l *launcher) {
	u.t.Helper()
	if code := u.wait(l, 4*time.Minute); code != 0 {
		u.t.Errorf("the launcher exits %d", code)
	}
	u.once()
}
