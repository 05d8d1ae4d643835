package slurm_test

import (
	"os"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/cli"
	"runsheet/internal/durable"
	"runsheet/internal/executor/exectest"
	"runsheet/internal/executor/slurm"
	"runsheet/internal/executor/slurm/slurmtest"
	"runsheet/internal/forkserver"
	"runsheet/internal/record"
	"runsheet/internal/supervise"
)

// beRunsheet, in the environment, makes the test binary runsheet.
const beRunsheet = "SLURM_TEST_RUNSHEET"

// TestMain lets the test binary be the supervisor that the jobs become, and runsheet itself.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == supervise.Verb:
		os.Exit(supervise.Main(os.Args[2:], os.Stderr))
	case len(os.Args) > 1 && os.Args[1] == forkserver.Verb:
		os.Exit(forkserver.Main(os.Stderr))
	case os.Getenv(beRunsheet) != "":
		os.Exit(cli.Main(os.Args[1:], cli.System()))
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
	exectest.Suite(t, func(*testing.T) runsheet.Executor { return slurm.New(durable.OS(), forkserver.Here(), pool) }, "sleep 1000", "exit 3", inQueue)
}
