package slurm_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"runsheet/internal/executor/exectest"
	"runsheet/internal/executor/slurm/slurmtest"
)

// TestOrphan: the supervisor in a job is killed, and its command outlives the job, because Slurm lost track of it. It is
// not taken for lost, and nothing is started beside it; once it is gone the run goes on.
func TestOrphan(t *testing.T) {
	c := slurmtest.Start(t, slurmtest.Config{Nodes: 1})
	p := newProject(t, `version: 1
command: ./train.sh {work_dir} 25 0.3
work_dir: runs/{x}
matrix: {x: [0]}
progress: {tracker: epochs, epochs: 25, files: [done]}
policy: {stop_grace: 2s, backoff: 1s}
pool: [{slurm: {time: 10m}}]
`)
	l := p.launch()
	attempt := filepath.Join(p.dir, "runs", "0", ".runsheet", "attempts", "000001")
	p.await("an epoch", func(s status) bool { return s.Runs[0].Progress.Completed > 0 })
	supervisor := processOf(t, func(args []string) bool {
		return len(args) == 3 && args[1] == "supervise" && args[2] == attempt
	})
	if err := unix.Kill(supervisor, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	exectest.Await(t, "the job to be over", func() bool { return c.Run("squeue", "--noheader") == "" })
	s := p.await("its orphan to be told of", func(s status) bool {
		return s.Runs[0].Status == "unknown" || s.Runs[0].Attempt > 1
	})
	if s.Runs[0].Attempt != 1 || !strings.Contains(s.Runs[0].Reason, "processes of its command still live on node1") {
		t.Errorf("%+v", s.Runs[0])
	}
	// It goes with its session, as whoever looks after the node would end it.
	orphan := processOf(t, func(args []string) bool {
		return len(args) > 1 && strings.HasSuffix(args[1], "./train.sh") || len(args) > 2 && strings.Contains(args[2], "./train.sh")
	})
	if err := unix.Kill(-orphan, unix.SIGKILL); err != nil && unix.Kill(orphan, unix.SIGKILL) != nil {
		t.Fatal(err)
	}
	if code := p.wait(l, 2*time.Minute); code != 0 {
		t.Errorf("the launcher exits %d", code)
	}
	p.once()
}

// processOf returns the process of this machine, whatever namespace it lives in, whose arguments are as they should be.
func processOf(t *testing.T, match func(args []string) bool) (pid int) {
	t.Helper()
	exectest.Await(t, "a process", func() bool {
		found, err := filepath.Glob("/proc/[0-9]*/cmdline")
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			data, err := os.ReadFile(path)
			if err != nil || len(data) == 0 {
				continue
			}
			var args []string
			for _, a := range bytes.Split(bytes.TrimRight(data, "\x00"), []byte{0}) {
				args = append(args, string(a))
			}
			if match(args) {
				pid, _ = strconv.Atoi(filepath.Base(filepath.Dir(path)))
				return true
			}
		}
		return false
	})
	return pid
}
