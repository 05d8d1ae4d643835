package slurm_test

import (
	"os/exec"
	"testing"

	"runsheet/internal/executor/slurm/slurmtest"
)

// TestSite: what sites do that nobody asked them to do.
func TestSite(t *testing.T) {
	c := slurmtest.Start(t, slurmtest.Config{Nodes: 1})
	for name, run := range map[string]func(*trial){
		"exported functions": exportedFunctions,
	} {
		t.Run(name, func(t *testing.T) { run(newTrial(t, c, "node1")) })
	}
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
