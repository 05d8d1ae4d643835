package slurm_test

import (
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"runsheet/internal/executor/exectest"
	"runsheet/internal/executor/slurm/slurmtest"
)

// TestSite: what sites do that nobody asked them to do.
func TestSite(t *testing.T) {
	trials := []struct {
		name string
		run  func(*trial)
	}{
		{"exported functions", exportedFunctions},
		{"an entry refuses at once", refusesAtOnce},
		{"an entry never starts it", neverStarts},
		{"an entry never starts it, run --once", neverStartsOnce},
		{"no other entry", noOtherEntry},
		{"every entry refuses", allRefuse},
		{"entries by name", entriesByName},
	}
	c := slurmtest.Start(t, slurmtest.Config{Nodes: len(trials)})
	var all sync.WaitGroup
	for i, one := range trials {
		all.Go(func() { t.Run(one.name, func(t *testing.T) { one.run(newTrial(t, c, c.Nodes()[i])) }) })
	}
	all.Wait()
}

// exportedFunctions: `module` of a login shell is a function there, and reaches the command and what is activated before
// it, although /bin/sh drops what bash exports.
func exportedFunctions(u *trial) {
	if exec.Command("/bin/sh", "-c", `test -n "$BASH_VERSION"`).Run() == nil {
		u.t.Log("/bin/sh is bash here: that a plain sh loses no function is not shown")
	}
	u.env = append(u.env, "BASH_FUNC_module%%=() { loaded=\"$loaded $*\"; echo \"$(hostname): $*\" >>modules\n}", "BASH_ENV="+u.dir+"/rc")
	u.write("rc", "echo read >>"+u.dir+"/rc.read\n")
	u.sheet(`activate: module load cuda
command: module list; echo $loaded >>modules; ./train.sh {work_dir} 1 0
matrix: {x: [0, 1]}
progress: {tracker: epochs, epochs: 1, files: [done]}
policy: {retries: 0}
pool: [{slurm: {time: 10m, max_queued: 1, options: [NODE]}}]
`)
	u.finishes(u.launch())
	want := []string{u.node + ": load cuda", u.node + ": list", "load cuda list"}
	if got := u.lines("modules"); len(got) != 6 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		u.t.Errorf("%q", got)
	}
	if len(u.lines("rc.read")) > 0 {
		u.t.Error("the shell of a job read an rc file")
	}
}

// grid is a sheet of four short runs.
const grid = `command: ./train.sh {work_dir} 1 0
matrix: {x: [0, 1, 2, 3]}
progress: {tracker: epochs, epochs: 1, files: [done]}
`

// refusesAtOnce: what sbatch does not take for one entry of the pool goes to the next, at once and with the reason.
func refusesAtOnce(u *trial) {
	u.sheet(grid + `policy: {retries: 0}
pool: [{slurm: {name: large, time: 10m, options: [--mincpus=64]}}, {slurm: {time: 10m, options: [NODE]}}]
`)
	l := u.launch()
	u.finishes(l)
	for _, x := range []string{"0", "3"} {
		u.ended(x, "void refused", "exit")
	}
	if said := l.said.String(); !strings.Contains(said, "refused x=0 (attempt 1): ") || !strings.Contains(said, "Requested node configuration is not available") {
		u.t.Errorf("it said %s", said)
	}
}

// neverStarts: what Slurm takes for one entry of the pool and will never start there goes to the next.
func neverStarts(u *trial) {
	u.sheet(grid + `policy: {retries: 0}
pool: [{slurm: {partition: brief, time: 10m, options: [NODE]}}, {slurm: {time: 10m, options: [NODE]}}]
`)
	l := u.launch()
	u.finishes(l)
	u.ended("0", "void refused", "exit")
	if said := l.said.String(); !strings.Contains(said, "PartitionTimeLimit") {
		u.t.Errorf("it said %s", said)
	}
	if ids := u.queued(); len(ids) > 0 {
		u.t.Errorf("%q are still in the queue", ids)
	}
}

// neverStartsOnce: the same, where nobody waits.
func neverStartsOnce(u *trial) {
	u.sheet(grid + `pool: [{slurm: {partition: brief, time: 10m, options: [NODE]}}, {slurm: {time: 10m, options: [NODE]}}]
`)
	u.until("all to be finished", func() bool {
		if out, err := u.command("run", "--once").CombinedOutput(); err != nil {
			u.t.Fatalf("%v: %s", err, out)
		}
		return u.status().count("finished") == 4
	})
	u.once()
	u.ended("3", "void refused", "exit")
}

// noOtherEntry: where no other entry is left, it waits, and says for what; who lifts the limit has it started.
func noOtherEntry(u *trial) {
	u.sheet(grid + `policy: {retries: 0}
pool: [{slurm: {partition: brief, time: 10m, options: [NODE]}}]
`)
	l := u.launch()
	u.shows("0", "queued", "in Slurm's queue: PartitionTimeLimit, for which Slurm will never start it as it is (job "+u.job("0")+")")
	array, _, _ := strings.Cut(u.job("0"), "_")
	u.c.Run("scontrol", "update", "jobid="+array, "timelimit=1")
	u.finishes(l)
	u.ended("0", "exit")
}

// allRefuse: what every entry of the pool refuses is given up at once, with the reason of each, and tried no more before a
// person asks for it.
func allRefuse(u *trial) {
	u.sheet(grid + `policy: {retries: 5}
pool: [{slurm: {name: large, options: [--mincpus=64]}}, {slurm: {name: strange, options: [--constraint=nowhere]}}]
`)
	l := u.launch()
	if code := u.wait(l, 4*time.Minute); code != 1 {
		u.t.Errorf("the launcher exits %d", code)
	}
	u.ended("0", "void refused", "void refused")
	u.shows("0", "pending", "the last launcher gave it up: needs a slot; slurm:large does not take it (")
	said := l.said.String()
	for _, want := range []string{"given up x=0", "slurm:large does not take it", "Requested node configuration is not available", "slurm:strange does not take it", "Invalid feature specification"} {
		if !strings.Contains(said, want) {
			u.t.Errorf("it does not say %q: %s", want, said)
		}
	}
}

// entriesByName: a run uses the entries that it names, and no other.
func entriesByName(u *trial) {
	u.sheet(`command: ./train.sh {work_dir} 1 0
runs: [{x: 0, pool: [second]}, {x: 1, pool: [first, second]}, {x: 2}, {x: 3, pool: [here]}]
progress: {tracker: epochs, epochs: 1, files: [done]}
pool: [{slurm: {name: first, time: 9m, options: [NODE]}}, {slurm: {name: second, time: 10m, options: [NODE]}}, {local: {name: here}}]
`)
	u.finishes(u.launch())
	for x, want := range map[string]string{"0": "slurm:second", "1": "slurm:first", "2": "slurm:first"} {
		if got := u.view(x, 1).Claim.Host; got != want {
			u.t.Errorf("x=%s went to %s, not to %s", x, got, want)
		}
	}
	if got := u.view("3", 1).Claim.Executor; got != "local" {
		u.t.Errorf("x=3 went to %s", got)
	}
}

// TestQOS: the limits of a QOS for one job, whether Slurm refuses what exceeds them or has it wait for ever.
func TestQOS(t *testing.T) {
	c := slurmtest.Start(t, slurmtest.Config{Nodes: 1, SubmitLimit: 1000})
	for name, flags := range map[string]string{"waits": "", "strict": "flags=DenyOnLimit"} {
		add := []string{"--immediate", "add", "qos", name, "maxwall=1"}
		if flags != "" {
			add = append(add, flags)
		}
		c.Run("sacctmgr", add...)
		c.Run("sacctmgr", "--immediate", "modify", "user", "root", "set", "qos+="+name)
		exectest.Await(t, "the QOS to be known", func() bool {
			return c.Try("sbatch", "--parsable", "--output=/dev/null", "--qos="+name, "--time=1", "--wrap=exit") == nil
		})
		t.Run(name, func(t *testing.T) {
			u := newTrial(t, c, "node1")
			u.sheet(grid + `policy: {retries: 0}
pool: [{slurm: {name: tight, time: 10m, options: [--qos=` + name + `]}}, {slurm: {time: 10m}}]
`)
			l := u.launch()
			u.finishes(l)
			u.ended("0", "void refused", "exit")
			if said := l.said.String(); !strings.Contains(said, "refused x=0 (attempt 1): slurm:tight: ") || !strings.Contains(said, "QOSMaxWallDurationPerJobLimit") {
				t.Errorf("it said %s", said)
			}
		})
	}
}
