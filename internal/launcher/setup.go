package launcher

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/diagnose"
	"runsheet/internal/durable"
	"runsheet/internal/forkserver"
	"runsheet/internal/journal"
	"runsheet/internal/proc"
	"runsheet/internal/record"
)

// ready makes sure, before the first start, that the secrets are there, and runs the sheet's setup.
func (l *Launcher) ready(ctx context.Context) error {
	if l.isReady {
		return nil
	}
	for _, name := range l.sheet.Secrets {
		if os.Getenv(name) == "" {
			return durable.WithHint(fmt.Errorf("nothing was started: %s: the secret %s is not set in the environment", l.sheet.Path, name),
				"export "+name+"=... in this shell and run again, or take it out of `secrets`")
		}
	}
	if err := proc.Ready(); err != nil {
		return fmt.Errorf("nothing was started: %w", err)
	}
	if l.sheet.Setup != "" {
		if err := l.setup(ctx); err != nil {
			return err
		}
	}
	l.isReady = true
	return nil
}

// ErrInterrupted tells that the launcher was told to stop or to leave before anything was started.
var ErrInterrupted = errors.New("the setup was interrupted")

// setup runs the sheet's setup to its end; its output goes to a log beside the journal.
func (l *Launcher) setup(ctx context.Context) error {
	if err := l.note(journal.Event{Kind: journal.SetupRan, Text: "running the setup: " + l.sheet.Setup}); err != nil {
		return err
	}
	// A setup that a killed launcher left behind must not go on beside ours. Its token is the sheet's, so that it is
	// found without a record.
	sum := sha256.Sum256([]byte("setup of " + l.state))
	token := hex.EncodeToString(sum[:16])
	find := func() ([]runsheet.Process, error) { return l.sys.Procs.Find(token, 0, runsheet.Process{}) }
	if err := proc.EndAll(ctx, l.sys.Procs, find, l.sheet.Policy.StopGrace, l.sys.Clock); err != nil {
		return fmt.Errorf("nothing was started: an earlier setup still runs: %w", err)
	}
	path := record.SetupLogPath(l.state)
	log, err := durable.OpenOwn(l.disk, "setup", path, os.O_WRONLY)
	if err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	defer log.Close()
	if err := log.Truncate(0); err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	shell := "bash"
	if _, err := exec.LookPath(shell); err != nil {
		shell = "sh"
	}
	env := append(os.Environ(), proc.TokenVariable+"="+token)
	for k, v := range l.sheet.Env {
		env = append(env, k+"="+v)
	}
	p, err := l.fork.Start(ctx, forkserver.Command{Name: shell, Args: []string{shell, "-c", l.sheet.Setup}, Env: env, Dir: l.sheet.Dir,
		Stdout: log.OS(), Stderr: log.OS()})
	if err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- p.Wait() }()
	for {
		select {
		case err = <-done:
		case <-ctx.Done():
			p.Signal(unix.SIGTERM)
			if err = <-done; err == nil {
				err = ctx.Err()
			}
		case c := <-l.control:
			if c == Interrupt || c == Leave {
				p.Signal(unix.SIGTERM)
				<-done
				return fmt.Errorf("nothing was started: %w", ErrInterrupted)
			}
			continue
		}
		break
	}
	if err == nil {
		return nil
	}
	return durable.WithHint(fmt.Errorf("nothing was started: the setup failed: %s: %w%s", l.sheet.Setup, err, lastLine(path)),
		"its output is in "+path)
}

// lastLine returns the last line of a log as the end of a sentence.
func lastLine(path string) string {
	data, _, err := durable.ReadOwn(durable.OS(), "setup", path, 16<<20)
	if err != nil {
		return ""
	}
	data = bytes.TrimSpace(data)
	line := diagnose.Clean(string(data[bytes.LastIndexByte(data, '\n')+1:]))
	if line = strings.TrimSpace(line); line == "" {
		return ""
	}
	return ": " + line
}
