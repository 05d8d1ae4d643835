package local_test

import (
	"os"
	"testing"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/executor/exectest"
	"runsheet/internal/executor/local"
	"runsheet/internal/forkserver"
	"runsheet/internal/supervise"
)

// TestMain lets the test binary be the supervisor that the executor starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == supervise.Verb {
		os.Exit(supervise.Main(os.Args[2:], os.Stderr))
	}
	os.Exit(m.Run())
}

func TestSuite(t *testing.T) {
	exectest.Suite(t, func(*testing.T) runsheet.Executor { return local.New(durable.OS(), forkserver.Here()) }, "sleep 1000", "exit 3")
}
