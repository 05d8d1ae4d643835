package slurmtest

import (
	"os"
	"strings"
	"testing"
)

// TestAccounting: sacct knows what became of a job, and nothing of the database stays. What the limit of one refuses is
// in TestTwoClusters.
func TestAccounting(t *testing.T) {
	var dir string
	t.Run("lives", func(t *testing.T) {
		c := Start(t, Config{Nodes: 1, Accounting: true})
		dir = c.dir
		job := waiting(c)
		c.Run("scancel", job)
		c.await("its end in the accounting database", func() bool {
			return strings.HasPrefix(c.Run("sacct", "--noheader", "--parsable2", "--allocations", "--jobs="+job, "--format=State"), "CANCELLED by ")
		})
	})
	if _, err := os.Stat(dir); dir != "" && err == nil {
		t.Errorf("%s is still there", dir)
	}
}
