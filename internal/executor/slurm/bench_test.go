package slurm_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/executor/exectest"
	"runsheet/internal/executor/slurm"
	"runsheet/internal/executor/slurm/slurmtest"
	"runsheet/internal/forkserver"
	"runsheet/internal/record"
)

// BenchmarkSubmit measures how long 2,000 attempts take into the queue, besides the writing of their claims, with
// Slurm's default limits. The target is 5 s, and fewer than 20 calls of sbatch.
//
//	go test -run '^$' -bench Submit -benchtime 1x ./internal/executor/slurm
func BenchmarkSubmit(b *testing.B) {
	c := slurmtest.Start(b, slurmtest.Config{})
	for range b.N {
		b.StopTimer()
		c.Run("scontrol", "update", "partitionname=main", "state=down") // nothing is to run
		dir := b.TempDir()
		e := slurm.New(durable.OS(), forkserver.Here(), pool)
		sys := record.NewSystem(durable.OS())
		most, err := e.Batch(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		var launches []runsheet.Launch
		batch := ""
		for i := range 2000 {
			if i%most == 0 {
				batch = record.NewNonce()
			}
			claim, err := record.Claim(sys, runsheet.Facts{}, 0, runsheet.Claim{Run: fmt.Sprint(i), Nonce: record.NewNonce(), Executor: "slurm", Host: pool.Name,
				Batch: batch, Task: i % most, Dir: dir, Sheet: filepath.Join(dir, "runsheet.yaml"), WorkDir: filepath.Join(dir, "runs", fmt.Sprint(i)),
				Identity: "true", Command: "true"})
			if err != nil {
				b.Fatal(err)
			}
			launches = append(launches, runsheet.Launch{Dir: record.AttemptDir(claim.WorkDir, claim.Attempt), Claim: claim})
		}
		b.ReportMetric(time.Since(began).Seconds(), "claims-s")
		b.StartTimer()
		for _, err := range e.Start(b.Context(), launches) {
			if err != nil {
				b.Fatal(err)
			}
		}
		b.StopTimer()
		calls := map[string]bool{}
		for _, id := range strings.Fields(c.Run("squeue", "--noheader", "--format=%F")) {
			calls[id] = true
		}
		b.ReportMetric(float64(len(calls)), "sbatch-calls")
		c.Run("scancel", "--user=root")
		exectest.Await(b, "an empty queue", func() bool { return c.Run("squeue", "--noheader") == "" })
		b.StartTimer()
	}
}

// BenchmarkLoginNode measures what a launcher with 10,000 runs in the queue takes of a login node once all are
// submitted: its memory, and its share of a core and that of the squeue calls over a minute. The targets are 50 MB and
// 1 % of a core.
//
//	go test -run '^$' -bench LoginNode -benchtime 1x ./internal/executor/slurm
func BenchmarkLoginNode(b *testing.B) {
	c := slurmtest.Start(b, slurmtest.Config{MaxJobCount: 20000})
	c.Run("scontrol", "update", "partitionname=main", "state=down")
	dir := b.TempDir()
	sheet := `version: 1
command: "true"
work_dir: runs/{x}
matrix: {x: [0..9999]}
pool: [{slurm: {max_queued: 10000, time: 10m}}]
`
	if err := os.WriteFile(filepath.Join(dir, "runsheet.yaml"), []byte(sheet), 0o600); err != nil {
		b.Fatal(err)
	}
	program := filepath.Join(b.TempDir(), "runsheet")
	build := exec.Command("go", "build", "-o", program, "runsheet/cmd/runsheet")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	for range b.N {
		cmd := exec.Command(program, "run")
		cmd.Dir = dir
		began := time.Now()
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		for deadline := time.Now().Add(10 * time.Minute); strings.Count(c.Run("squeue", "--noheader", "--array"), "\n") < 9999; time.Sleep(time.Second) {
			if time.Now().After(deadline) {
				b.Fatal("they are not submitted")
			}
		}
		b.ReportMetric(time.Since(began).Seconds(), "submitted-after-s")
		time.Sleep(30 * time.Second) // it calms down
		own, children := cpu(b, cmd.Process.Pid)
		time.Sleep(time.Minute)
		own2, children2 := cpu(b, cmd.Process.Pid)
		b.ReportMetric((own2-own)/60*100, "%-of-a-core")
		b.ReportMetric((children2-children)/60*100, "%-of-a-core-in-squeue")
		b.ReportMetric(float64(memory(b, cmd.Process.Pid))/1e6, "MB-resident")
		cmd.Process.Kill()
		cmd.Wait()
	}
}

// cpu returns the seconds of CPU that a process took, and those of the children that it waited for: proc(5), stat.
func cpu(b *testing.B, pid int) (own, children float64) {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	f := strings.Fields(rest)
	ticks := func(i int) float64 {
		n, err := strconv.ParseFloat(f[i-3], 64) // the third field is the first after the name
		if err != nil {
			b.Fatal(err)
		}
		return n / 100
	}
	return ticks(14) + ticks(15), ticks(16) + ticks(17)
}

// memory returns the resident memory of a process, in bytes.
func memory(b *testing.B, pid int) int64 {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			return kb << 10
		}
	}
	b.Fatal("no VmRSS")
	return 0
}
