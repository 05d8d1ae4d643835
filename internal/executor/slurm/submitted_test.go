package slurm_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

func details(u *trial) {
	const secret = "hunter2-and-more"
	u.sheet(`name: my detailed study
command: scontrol show job $SLURM_JOB_ID >{work_dir}/job; env >{work_dir}/env; tr '\0' ' ' </proc/*/cmdline >{work_dir}/ps; ./train.sh {work_dir} 1 0.1
matrix: {x: [0]}
progress: {tracker: epochs, epochs: 1, files: [done]}
secrets: [HF_TOKEN]
resources: {cpus: 2, gpus: 1, memory: 300MiB, time: 90m}
policy: {retries: 0}
pool: [{slurm: {time: 10m, options: [NODE, --nice=7]}}]
`)
	os.Rename(filepath.Join(u.dir, "runsheet.yaml"), filepath.Join(u.dir, "detailed.yaml"))
	cmd := u.command("run", "detailed.yaml")
	cmd.Env = append(cmd.Env, "HF_TOKEN="+secret, "SBATCH_TIMELIMIT=3", "SLURM_NTASKS=5", // of a shell inside a job
		"SBATCH_ACCOUNT=lab7")
	out, err := cmd.CombinedOutput()
	if err != nil {
		u.t.Fatalf("%v: %s", err, out)
	}
	if n := strings.Count(string(out), "SBATCH_TIMELIMIT of your environment is not used"); n != 1 {
		u.t.Errorf("it says %d times what it does not use:\n%s", n, out)
	}
	shown := strings.Join(u.lines("runs/0/job"), "\n")
	for _, want := range []string{"JobName=my_detailed_study\n", "Account=lab7 ", "TimeLimit=01:30:00", "NumCPUs=2", "CPUs/Task=2", "MinMemoryNode=300M", "gpu:1", "Nice=7", "Requeue=1"} {
		if !strings.Contains(shown, want) {
			u.t.Errorf("the job does not have %s:\n%s", want, shown)
		}
	}
	env := u.lines("runs/0/env")
	for _, want := range []string{"HF_TOKEN=" + secret, "CUDA_VISIBLE_DEVICES=0"} {
		if !strings.Contains(strings.Join(env, "\n"), want) {
			u.t.Errorf("the command's environment lacks %s", want)
		}
	}
	for _, words := range []string{shown, strings.Join(u.lines("runs/0/ps"), "\n")} {
		if strings.Contains(words, secret) {
			u.t.Errorf("the secret is in %s", words)
		}
	}
	u.private(filepath.Join(u.dir, ".runsheet"), secret)
	u.private(filepath.Join(u.dir, "runs/0/.runsheet"), secret)
	for _, want := range []string{"detailed.yaml/bin/job.bash", "detailed.yaml/batches"} {
		if _, err := os.Stat(filepath.Join(u.dir, ".runsheet", want)); err != nil {
			u.t.Error(err)
		}
	}
}

// private checks that nobody else can read what is below a directory, and that the secret is not there.
func (u *trial) private(dir, secret string) {
	u.t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			u.t.Errorf("%s is %v", path, info.Mode())
		}
		if d.IsDir() || filepath.Base(filepath.Dir(path)) == "bin" { // this very program, with the secret in its code
			return nil
		}
		data, err := os.ReadFile(path)
		if strings.Contains(string(data), secret) {
			u.t.Errorf("the secret is in %s", path)
		}
		return err
	})
	if err != nil {
		u.t.Error(err)
	}
}

func awkwardPath(u *trial) {
	u.in(u.t, filepath.Join(u.dir, `it's 50%j "é" %`))
	u.sheet(`command: ./train.sh {work_dir} 3 0.2
matrix: {x: [0, "a b%"]}
progress: {tracker: epochs, epochs: 3, files: [done]}
policy: {retries: 0, stop_grace: 1s}
pool: [{slurm: {time: 10m, options: [NODE]}}]
`)
	l := u.held()
	if name := u.c.Run("squeue", "--noheader", "--job="+u.job("0"), "--format=%j"); name != `it's_50%j_"é"_%` {
		u.t.Errorf("the job is called %s", name)
	}
	u.c.Run("scontrol", "requeue", u.job("0"))
	u.released(l)
	u.ended("0", "preempted requeued", "exit")
	logs, err := filepath.Glob(filepath.Join(u.dir, ".runsheet/runsheet.yaml/batches/*.log"))
	if err != nil || len(logs) != 2 {
		u.t.Errorf("the logs of the submission's two tasks: %q, %v", logs, err)
	}
}

func refusedForGood(u *trial) {
	u.sheet(`command: ./train.sh {work_dir} 3 0.2
matrix: {x: [0, 1, 2]}
progress: {tracker: epochs, epochs: 3, files: [done]}
policy: {retries: 0, jobs: 1}
pool: [local, {slurm: {partition: nope, time: 10m}}]
`)
	l := u.launch()
	u.finishes(l)
	u.ended("0", "exit")
	u.ended("2", "void refused", "exit")
	if host := u.view("2", 2).Claim.Executor; host != "local" {
		u.t.Errorf("what Slurm does not take went to %s", host)
	}
	if said := l.said.String(); !strings.Contains(said, "refused x=2 (attempt 1): slurm:nope: ") || !strings.Contains(said, "invalid partition specified: nope") {
		u.t.Errorf("it said %s", said)
	}
}
