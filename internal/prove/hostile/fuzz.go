package hostile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// built is the test binary of a package, instrumented for fuzzing, in a directory of ours with a copy of its testdata:
// what the engine finds is written there, and not into the source tree.
type built struct{ binary, dir, cache string }

// instrumented are the packages that get the coverage counters that guide the engine: our own and the parsers below them.
// With all of the standard library, as `go test -fuzz` has it, a first build takes several times as long.
var instrumented = []string{"{{module}}/...", "encoding/json", "encoding/csv", "go.yaml.in/..."}

// build builds the test binaries of packages, by their directories, with one command: what they share is compiled once.
func build(ctx context.Context, root, module, at string, dirs []string) (map[string]*built, error) {
	out := map[string]*built{}
	args := []string{"test", "-c", "-vet=off", "-ldflags=-s -w", "-o", at + "/"}
	for _, name := range instrumented {
		args = append(args, "-gcflags="+strings.Replace(name, "{{module}}", module, 1)+"=-d=libfuzzer")
	}
	for _, dir := range dirs {
		name := path.Base(dir)
		if dir == "." {
			name = module
		}
		b := &built{binary: filepath.Join(at, name+".test"), dir: filepath.Join(at, name, "work"), cache: filepath.Join(at, name, "cache")}
		if err := os.MkdirAll(b.dir, 0o700); err != nil {
			return nil, err
		}
		data := filepath.Join(root, filepath.FromSlash(dir), "testdata")
		if _, err := os.Stat(data); err == nil {
			if err := os.CopyFS(filepath.Join(b.dir, "testdata"), os.DirFS(data)); err != nil {
				return nil, err
			}
		}
		args = append(args, "./"+dir)
		out[dir] = b
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the fuzz targets: %w: %.2000s", err, text)
	}
	return out, nil
}

// outcome is what came of fuzzing a target.
type outcome struct {
	execs, interesting int64
	fault              string // with the input
	hiccup             bool   // the engine lost its worker over an input that does no harm
}

// grace is how long the engine gets beyond its time: to start, and to try the corpus.
const grace = 3 * time.Minute

// fuzz runs a target for that long.
func (b *built) fuzz(ctx context.Context, t target, long time.Duration) (outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, long+grace)
	defer cancel()
	cmd := exec.CommandContext(ctx, b.binary, "-test.run=^$", "-test.fuzz=^"+t.name+"$", "-test.fuzztime="+long.String(),
		"-test.fuzzcachedir="+b.cache, "-test.fuzzminimizetime=0", "-test.parallel=1")
	cmd.Dir = b.dir
	// Its workers end with it: they are killed as a group should it have to be, also where this process is killed. The
	// kernel means the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGKILL}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	o := parse(out.String())
	var exit *exec.ExitError
	switch {
	case err == nil:
		if strings.Contains(out.String(), "not built with coverage instrumentation") {
			return o, fmt.Errorf("%s: it was built without instrumentation", t)
		}
		return o, nil
	case ctx.Err() != nil && context.Cause(ctx) != context.DeadlineExceeded:
		return o, context.Cause(ctx)
	case ctx.Err() == nil && !errors.As(err, &exit):
		return o, fmt.Errorf("%s: %w", t, err)
	}
	if ctx.Err() == nil && strings.Contains(out.String(), "context deadline exceeded") && !strings.Contains(out.String(), "Failing input written to") {
		return o, nil // the engine trips over the end of its own time now and then: no input is to blame (golang/go#56238)
	}
	id, input, rerr := b.crasher(t)
	if rerr != nil {
		return o, rerr
	}
	if ctx.Err() == nil && id != "" && strings.Contains(out.String(), "hung or terminated unexpectedly") && b.harmless(ctx, t, id) {
		// golang/go#52569, golang/go#56238
		o.hiccup = true
		return o, os.RemoveAll(filepath.Join(b.dir, "testdata", "fuzz", t.name, id))
	}
	what := fmt.Sprintf("it did not end within %v after its time", grace)
	if ctx.Err() == nil {
		what = tail(out.String())
	}
	o.fault = fmt.Sprintf("%s: %s\ninput, for %s/testdata/fuzz/%s: %s", t, what, t.dir, t.name, input)
	return o, nil
}

// harmless says whether an input that the engine blames passes by itself, within the bounds.
func (b *built) harmless(ctx context.Context, t target, id string) bool {
	cmd := exec.CommandContext(ctx, b.binary, "-test.run=^"+t.name+"$/^"+id+"$", "-test.timeout=1m")
	cmd.Dir = b.dir
	return cmd.Run() == nil
}

// crasher returns the name of the input that the engine kept last, and what it is, as text.
func (b *built) crasher(t target) (id, text string, err error) {
	text = "none was kept; a corpus entry or the target itself is at fault"
	dir := filepath.Join(b.dir, "testdata", "fuzz", t.name)
	var newest time.Time
	err = filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil || info.ModTime().Before(newest) {
			return err
		}
		data, err := os.ReadFile(file)
		newest, id, text = info.ModTime(), d.Name(), fmt.Sprintf("%s: %.4000s", d.Name(), data)
		return err
	})
	return id, text, err
}

var (
	execsLine       = regexp.MustCompile(`execs: (\d+)`)
	interestingLine = regexp.MustCompile(`new interesting: (\d+)`)
)

// parse reads what the engine said last of its work.
func parse(out string) (o outcome) {
	last := func(re *regexp.Regexp) int64 {
		all := re.FindAllStringSubmatch(out, -1)
		if len(all) == 0 {
			return 0
		}
		n, _ := strconv.ParseInt(all[len(all)-1][1], 10, 64) // digits; too many of them are as many as fit
		return n
	}
	o.execs, o.interesting = last(execsLine), last(interestingLine)
	return o
}

// tail returns what the engine said of the fault: what follows its last line of progress.
func tail(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if strings.HasPrefix(lines[i], "fuzz: elapsed:") {
			lines = lines[i+1:]
			break
		}
	}
	text := strings.Join(lines, "\n")
	return text[:min(len(text), 3000)]
}
