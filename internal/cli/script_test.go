package cli_test

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"runsheet/internal/cli"
	"runsheet/internal/supervise"
)

// TestMain lets the test binary be the runsheet that the scripts call, supervisors included.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"runsheet": func() {
			if len(os.Args) > 1 && os.Args[1] == supervise.Verb {
				os.Exit(supervise.Main(os.Args[2:], os.Stderr))
			}
			os.Exit(cli.Main(os.Args[1:], cli.System()))
		},
	})
}

// TestScripts runs every script in testdata/script: what a user types, and what comes of it.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("XDG_CACHE_HOME", env.WorkDir+"/cache")
			env.Setenv("USER", "alice")
			// What the race detector finds in a launcher or a supervisor is seen by nobody else; and it need not wait
			// a second at each exit for goroutines that race with it.
			env.Setenv("GORACE", "atexit_sleep_ms=0 log_path="+env.WorkDir+"/race")
			nothingLeft(env)
			return nil
		},
		Cmds: scriptCommands,
		Condition: func(cond string) (bool, error) { // root reads everything, whatever the mode says
			return cond == "root" && os.Geteuid() == 0, nil
		},
	})
}
