// Package mutants tests the proof: it plants one fault after another in the source of a test build, and each must be
// caught by a method. A harness that has never failed proves nothing.
//
// The faults are patches that are laid over the source by `go build -overlay`: the production code has no switch for
// them, and a patch that does not fit any more is an error.
package mutants

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"runsheet/internal/prove/method"
)

// Method returns the method that tests the others. One of its units is a mutant.
func Method() method.Method {
	return method.Method{Name: "mutants", Does: "plants faults in the source; each must be caught by another method", Run: run}
}

func run(ctx context.Context, c method.Config) (method.Result, error) {
	var r method.Result
	root, err := moduleRoot()
	if err != nil {
		r.LeftOut = err.Error()
		return r, nil
	}
	if _, err := exec.LookPath("go"); err != nil {
		r.LeftOut = "there is no Go toolchain here"
		return r, nil
	}
	chosen := table
	if n := int(c.N(2, 1000, 1000)); n < len(chosen) { // the quick size takes another two each time
		at := int(c.Seed % uint64(len(chosen)))
		chosen = append(append([]mutant{}, chosen[at:]...), chosen[:at]...)[:n]
	}
	caught := 0
	for _, m := range chosen {
		b, err := build(ctx, root, c.Dir, m)
		if err != nil {
			return r, fmt.Errorf("mutant %s: %w", m.name, err)
		}
		by, took, err := b.hunt(ctx, c, m)
		switch {
		case err != nil:
			return r, fmt.Errorf("mutant %s: %w", m.name, err)
		case by == "":
			r.Violate("mutant %s survived %s: %s", m.name, strings.Join(m.by, ", "), m.what)
		default:
			caught++
			r.Figure(m.name, fmt.Sprintf("caught by %s in %s", by, took.Round(100*time.Millisecond)))
		}
		c.Say("%s: caught by %q after %s", m.name, by, took)
	}
	r.Figure("caught", fmt.Sprintf("%d of %d", caught, len(chosen)))
	return r, nil
}

// built is a test build with one fault in it.
type built struct{ prove, runsheet string }

// build builds the proof and the program with a mutant laid over the source.
func build(ctx context.Context, root, dir string, m mutant) (built, error) {
	original := filepath.Join(root, m.file)
	data, err := os.ReadFile(original)
	if err != nil {
		return built{}, err
	}
	if n := strings.Count(string(data), m.old); n != 1 {
		return built{}, fmt.Errorf("%s: the text that it replaces stands there %d times, not once: mend the table", m.file, n)
	}
	patched := filepath.Join(dir, m.name+".go")
	if err := os.WriteFile(patched, []byte(strings.Replace(string(data), m.old, m.new, 1)), 0o600); err != nil {
		return built{}, err
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {original: patched}})
	if err != nil {
		return built{}, err
	}
	list := filepath.Join(dir, m.name+".json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		return built{}, err
	}
	at := filepath.Join(dir, m.name)
	// Both at once, and without what only a debugger needs: that is a third of the time.
	cmd := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-overlay", list, "-o", at+"/", "./internal/prove", "./cmd/runsheet")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return built{}, fmt.Errorf("build: %w: %s", err, text)
	}
	return built{filepath.Join(at, "prove"), filepath.Join(at, "runsheet")}, nil
}

// hunt runs the methods that may catch a mutant until one does, and returns its name; "" where none did.
func (b built) hunt(ctx context.Context, c method.Config, m mutant) (string, time.Duration, error) {
	began := time.Now()
	defer os.Remove(b.prove)
	defer os.Remove(b.runsheet)
	for _, name := range m.by {
		args := []string{"-quick", "-only", name, "-seed", fmt.Sprint(c.Seed%1_000_000 + 1), "-runsheet", b.runsheet, "-dir", c.Dir}
		if m.count > 0 {
			args = append(args, "-count", fmt.Sprint(m.count))
		}
		cmd := exec.CommandContext(ctx, b.prove, args...)
		cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) } // it ends what it started
		cmd.WaitDelay = time.Minute
		text, err := cmd.Output()
		var exit *exec.ExitError
		switch {
		case err == nil:
		case errors.As(err, &exit) && exit.ExitCode() == 1:
			return name, time.Since(began), nil
		default:
			return "", 0, fmt.Errorf("%s: %w: %s", name, err, text)
		}
	}
	return "", time.Since(began), nil
}

// moduleRoot returns the directory of go.mod, at or above the working directory.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if data, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil && strings.HasPrefix(string(data), "module runsheet\n") {
			return dir, nil
		}
		if filepath.Dir(dir) == dir {
			return "", errors.New("the source of runsheet is not at or above the working directory")
		}
		dir = filepath.Dir(dir)
	}
}
