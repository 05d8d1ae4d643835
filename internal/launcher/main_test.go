package launcher_test

import (
	"os"
	"testing"
	"time"

	"runsheet/internal/cli"
	"runsheet/internal/durable/fusetest"
	"runsheet/internal/forkserver"
	"runsheet/internal/supervise"
)

// fence is how often the supervisors of these tests look over it.
const fence = 300 * time.Millisecond

// usualFence is the variable by which the test binary knows that it is to look as seldom as users' supervisors do.
const usualFence = "TEST_USUAL_FENCE"

// asRunsheet is the first argument by which the test binary knows that it is to be runsheet.
const asRunsheet = "as-runsheet"

// TestMain lets the test binary be the launchers that these tests kill, and their supervisors.
func TestMain(m *testing.M) {
	fusetest.Main()
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case supervise.Verb:
			every := fence
			if os.Getenv(usualFence) != "" {
				every = supervise.FenceEvery
			}
			os.Exit(supervise.MainEvery(every, os.Args[2:], os.Stderr))
		case forkserver.Verb:
			os.Exit(forkserver.Main(os.Stderr))
		case asRunsheet:
			os.Exit(cli.Main(os.Args[2:], cli.System()))
		}
	}
	os.Exit(m.Run())
}
