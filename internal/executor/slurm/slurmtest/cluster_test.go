package slurmtest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestCluster: a cluster runs a job on a node, outlives the loss of one and a restart of its controller, and leaves
// nothing.
func TestCluster(t *testing.T) {
	var dir string
	t.Run("lives", func(t *testing.T) {
		c := Start(t, Config{Nodes: 2, GPUs: 1})
		dir = c.dir
		out := filepath.Join(t.TempDir(), "out")
		job := filepath.Join(t.TempDir(), "job")
		if err := os.WriteFile(job, []byte("#!/bin/sh\necho $(hostname) $CUDA_VISIBLE_DEVICES $(readlink /proc/self/ns/pid) >\"$1\"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		runs := func(node string) {
			t.Helper()
			os.Remove(out)
			c.Run("sbatch", "--output=/dev/null", "--gres=gpu:1", "--nodelist="+node, job, out)
			var said string
			c.await("a job", func() bool {
				data, _ := os.ReadFile(out)
				said = string(data)
				return strings.HasSuffix(said, "\n")
			})
			here, err := os.Readlink("/proc/self/ns/pid")
			if err != nil {
				t.Fatal(err)
			}
			if f := strings.Fields(said); len(f) != 3 || f[0] != node || f[1] != "0" || f[2] == here {
				t.Errorf("the job said %q, here it is %s", said, here)
			}
		}
		runs("node1")
		c.KillNode("node1")
		c.StopController()
		c.StartController()
		runs("node2")
		c.MarkDown("node1")
		c.StartNode("node1")
		runs("node1")
		if len(processesOf(t, dir)) == 0 {
			t.Error("a living cluster has no processes: whoever looks for them does not see them")
		}
	})
	if dir != "" {
		nothingLeft(t, dir)
	}
}

// nothingLeft complains about files, processes and mounts of a cluster that is over.
func nothingLeft(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("%s is still there", dir)
	}
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err != nil || strings.Contains(string(mounts), dir) {
		t.Errorf("mounts (%v):\n%s", err, mounts)
	}
	// slurmctld has a process of its own for scripts, which leaves by itself once its pipe is closed.
	var left []string
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if left = processesOf(t, dir); len(left) == 0 || time.Now().After(deadline) {
			break
		}
	}
	if len(left) > 0 {
		t.Errorf("processes are left: %q", left)
	}
}

// processesOf returns the processes that have been told of the cluster in dir.
func processesOf(t *testing.T, dir string) (found []string) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		environ, _ := os.ReadFile(p + "/environ") // nothing where it is gone, or another user's
		cmdline, _ := os.ReadFile(p + "/cmdline")
		if p != "/proc/"+strconv.Itoa(os.Getpid()) && strings.Contains(string(environ)+string(cmdline), dir+"/") {
			found = append(found, p+" "+strings.ReplaceAll(string(cmdline), "\x00", " "))
		}
	}
	return found
}
