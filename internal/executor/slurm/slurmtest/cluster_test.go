package slurmtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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
		c.StartNode("node1")
		runs("node1")
	})
	if _, err := os.Stat(dir); dir != "" && err == nil {
		t.Errorf("%s is still there", dir)
	}
}
