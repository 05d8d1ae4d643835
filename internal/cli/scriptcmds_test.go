package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// patience is how long a condition is waited for before a script fails.
const patience = 60 * time.Second

// scriptCommands are what the scripts have beyond testscript's own commands.
var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	// exits CODE COMMAND...: the command must exit with exactly that code.
	"exits": func(ts *testscript.TestScript, neg bool, args []string) {
		want, err := strconv.Atoi(args[0])
		ts.Check(err)
		err = ts.Exec(args[1], args[2:]...)
		got := 0
		if err != nil {
			exit, ok := err.(interface{ ExitCode() int })
			if !ok {
				ts.Fatalf("%v", err)
			}
			got = exit.ExitCode()
		}
		if got != want {
			ts.Fatalf("%v: exit code %d, want %d", args[1:], got, want)
		}
	},
	// waitfor FILE...: waits until files exist; globs may match anything.
	"waitfor": func(ts *testscript.TestScript, neg bool, args []string) {
		for _, pattern := range args {
			await(ts, pattern, func() bool {
				found, err := filepath.Glob(ts.MkAbs(pattern))
				ts.Check(err)
				return len(found) > 0 != neg
			})
		}
	},
	// waitline FILE TEXT: waits until a file has a line that holds the text.
	"waitline": func(ts *testscript.TestScript, neg bool, args []string) {
		await(ts, strings.Join(args, " "), func() bool {
			data, _ := os.ReadFile(ts.MkAbs(args[0]))
			return strings.Contains(string(data), args[1])
		})
	},
	// signal NAME FILE: sends a signal to the process whose pid is in a record (start.json, launcher.lock). KILL
	// waits until it is gone.
	"signal": func(ts *testscript.TestScript, neg bool, args []string) {
		sig := map[string]syscall.Signal{"KILL": syscall.SIGKILL, "TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP}[args[0]]
		var who struct {
			PID int `json:"pid"`
		}
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &who))
		if sig == 0 || who.PID <= 1 {
			ts.Fatalf("signal %s to process %d of %s", args[0], who.PID, args[1])
		}
		fd, err := unix.PidfdOpen(who.PID, 0)
		ts.Check(err)
		defer unix.Close(fd)
		ts.Check(unix.PidfdSendSignal(fd, sig, nil, 0))
		if sig == syscall.SIGKILL { // it goes when the kernel gets to it
			await(ts, fmt.Sprintf("process %d to go", who.PID), func() bool {
				n, _ := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
				return n == 1
			})
		}
	},
	// count N FILE TEXT: the text stands in exactly so many lines of the file.
	"count": func(ts *testscript.TestScript, neg bool, args []string) {
		n := 0
		for line := range strings.Lines(ts.ReadFile(args[1])) {
			if strings.Contains(line, args[2]) {
				n++
			}
		}
		if fmt.Sprint(n) != args[0] {
			ts.Fatalf("%s: %d lines with %q, want %s", args[1], n, args[2], args[0])
		}
	},
	// contract FILE [NAME STATUS COMPLETED/TOTAL]...: the file is a whole status document, with such runs in it.
	"contract": cmdContract,
	// aged AGE FILE...: sets the time stamps of files so far back.
	"aged": func(ts *testscript.TestScript, neg bool, args []string) {
		age, err := time.ParseDuration(args[0])
		ts.Check(err)
		at := time.Now().Add(-age)
		for _, name := range args[1:] {
			ts.Check(filepath.Walk(ts.MkAbs(name), func(path string, _ os.FileInfo, err error) error {
				if err != nil {
					return err
				}
				return os.Chtimes(path, at, at)
			}))
		}
	},
}

func await(ts *testscript.TestScript, what string, done func() bool) {
	for deadline := time.Now().Add(patience); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			ts.Fatalf("waited %v for %s", patience, what)
		}
	}
}
