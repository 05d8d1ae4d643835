package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// nothingLeft makes a script fail that leaves a process behind: launchers, supervisors and commands alike have the
// script's own HOME. What is left is killed all the same. It fails as well where the race detector found something in
// one of them.
func nothingLeft(env *testscript.Env) {
	home := []byte("HOME=" + env.WorkDir + "\x00")
	env.Defer(func() {
		defer raceFound(env)
		var left []string
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			if left = processesWith(home); len(left) == 0 {
				return
			}
			if time.Now().After(deadline) {
				break
			}
			if env.T().(interface{ Failed() bool }).Failed() {
				killAll(left) // a script that stopped half way could not clean up
			}
		}
		for _, pid := range left {
			line, _ := os.ReadFile("/proc/" + pid + "/cmdline")
			env.T().Log("left behind: process", pid, strings.ReplaceAll(string(line), "\x00", " "))
		}
		killAll(left)
		env.T().FailNow()
	})
}

func raceFound(env *testscript.Env) {
	found, _ := filepath.Glob(filepath.Join(env.WorkDir, "race.*"))
	for _, path := range found {
		text, _ := os.ReadFile(path)
		env.T().Log(string(text))
	}
	if len(found) > 0 {
		env.T().FailNow()
	}
}

// processesWith returns the processes, zombies excepted, whose environment holds a variable.
func processesWith(variable []byte) (pids []string) {
	found, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range found {
		env, err := os.ReadFile(path)
		if err == nil && (bytes.HasPrefix(env, variable) || bytes.Contains(env, append([]byte{0}, variable...))) {
			pids = append(pids, filepath.Base(filepath.Dir(path)))
		}
	}
	return pids
}

func killAll(pids []string) {
	for _, text := range pids {
		if pid, err := strconv.Atoi(text); err == nil && pid > 1 {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}
