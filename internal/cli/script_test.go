package cli_test

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"runsheet/internal/cli"
	"runsheet/internal/forkserver"
	"runsheet/internal/supervise"
)

// TestMain lets the test binary be the runsheet that the scripts call, supervisors included.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"runsheet": func() {
			if len(os.Args) > 1 {
				switch os.Args[1] {
				case supervise.Verb:
					os.Exit(supervise.Main(os.Args[2:], os.Stderr))
				case forkserver.Verb:
					os.Exit(forkserver.Main(os.Stderr))
				}
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
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "root": // reads everything, whatever the mode says
				return os.Geteuid() == 0, nil
			case "mounts":
				return mounts(t), nil
			}
			return false, nil
		},
	})
}

// mounts says whether small file systems can be mounted here.
func mounts(t *testing.T) bool {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=4k"); err != nil {
		return false
	}
	if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
		t.Errorf("unmount %s: %v", dir, err)
	}
	return true
}
