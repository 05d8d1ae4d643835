package slurm_test

import (
	"os"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/executor/exectest"
	"runsheet/internal/executor/slurm"
	"runsheet/internal/executor/slurm/slurmtest"
	"runsheet/internal/record"
	"runsheet/internal/supervise"
)

// TestMain lets the test binary be the supervisor that the jobs become.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == supervise.Verb {
		os.Exit(supervise.Main(os.Args[2:], os.Stderr))
	}
	os.Exit(m.Run())
}

// pool is an entry that suits every cluster of slurmtest.
var pool = runsheet.PoolEntry{Kind: "slurm", Name: "slurm", Time: 10 * time.Minute}

// inQueue makes a claim one that a launcher would write for the pool.
func inQueue(c *runsheet.Claim) {
	c.Host, c.Batch, c.Sheet, c.Resumed = pool.Name, record.NewNonce(), c.Dir+"/runsheet.yaml", c.Command
}

func TestSuite(t *testing.T) {
	slurmtest.Start(t, slurmtest.Config{Nodes: 2})
	exectest.Suite(t, func(*testing.T) runsheet.Executor { return slurm.New(durable.OS(), pool) }, "sleep 1000", "exit 3", inQueue)
}
