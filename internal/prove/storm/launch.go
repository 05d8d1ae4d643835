package storm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The exit codes of the program.
const (
	exitFine  = 0
	exitSome  = 1
	exitOther = 3 // another launcher holds the sheet
)

// runsheet prepares a process of the program under test.
func (rd *round) runsheet(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, rd.c.Runsheet, args...)
	cmd.Dir = rd.dir
	cmd.Env = append(os.Environ(), markVariable+"="+rd.mark, ledgerVariable+"="+rd.ledger, "HOME="+rd.dir, "XDG_CACHE_HOME="+rd.dir)
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true}
	return cmd
}

// keepLaunching starts one launcher after another, of both sheets, until the storm is over.
func (rd *round) keepLaunching(ctx context.Context, slot int) error {
	rng := rd.rand(fmt.Sprint("launch", slot))
	for ctx.Err() == nil && !rd.broken() {
		sheet := sheetName
		if rng.IntN(3) == 0 {
			sheet = twinName
		}
		args := []string{"run", sheet}
		if rng.IntN(3) == 0 {
			args = []string{"run", "--once", sheet}
		}
		code, said, err := rd.launch(ctx, slot, args)
		if err != nil {
			return err
		}
		rd.judgeLauncher(args, code, said)
		wait(ctx, rng, pauseAfter(rng, code))
	}
	return nil
}

// pauseAfter is how long a slot is left empty at most: a launcher that found the sheet taken is not missed.
func pauseAfter(rng *rand.Rand, code int) time.Duration {
	if code == exitOther {
		return time.Second
	}
	return 100 * time.Millisecond
}

// launch runs a launcher to its end and returns its exit code, -1 where a signal ended it, and what it said. When ctx
// ends it is killed.
func (rd *round) launch(ctx context.Context, slot int, args []string) (code int, said string, err error) {
	path := filepath.Join(rd.dir, fmt.Sprintf("launcher%d.log", slot))
	log, err := os.Create(path) // not a pipe: what a launcher leaves behind must not hold us up
	if err != nil {
		return 0, "", err
	}
	defer log.Close()
	cmd := rd.runsheet(ctx, args...)
	cmd.Stdout, cmd.Stderr = log, log
	rd.total.add("launchers", 1)
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && ctx.Err() == nil {
		return 0, "", err
	}
	text, err := os.ReadFile(path)
	return cmd.ProcessState.ExitCode(), string(text), err
}

// judgeLauncher says what is wrong with how a launcher ended.
func (rd *round) judgeLauncher(args []string, code int, said string) {
	switch {
	case code == exitFine, code < 0:
	case code == exitOther && strings.Contains(said, "another launcher holds the sheet"):
	case code == exitSome && strings.Contains(said, "nothing more was launched: the first 3 runs failed in the same way"):
		// Commands that are killed may make a session look hopeless.
	default:
		rd.violate("runsheet %s exited %d and said:\n%s", strings.Join(args, " "), code, tail(said))
	}
}

// tail returns the end of a text.
func tail(text string) string {
	const most = 2000
	if len(text) > most {
		text = "..." + text[len(text)-most:]
	}
	return strings.TrimSpace(text)
}

// finish lets a last launcher bring everything to its end.
func (rd *round) finish(ctx context.Context) error {
	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	code, said, err := rd.launch(ctx, 9, []string{"run", sheetName})
	switch {
	case err != nil || outer.Err() != nil:
		return err
	case ctx.Err() != nil:
		rd.violate("the last launcher did not come to its end within %v, and said:\n%s\n%s", settle, tail(said), rd.describe())
	case code != exitFine:
		rd.violate("the last launcher, which nobody disturbed, exited %d and said:\n%s\n%s", code, tail(said), rd.describe())
	}
	return nil
}

// describe tells where the runs stand.
func (rd *round) describe() string {
	var b bytes.Buffer
	cmd := rd.runsheet(context.Background(), "status", sheetName)
	cmd.Stdout, cmd.Stderr = &b, &b
	cmd.Run()
	for _, p := range rd.processes() {
		fmt.Fprintf(&b, "still there: %v\n", p)
	}
	return tail(b.String())
}
