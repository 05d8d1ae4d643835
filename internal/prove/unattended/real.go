package unattended

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/prove/method"
	"runsheet/internal/record"
	"runsheet/internal/shell"
)

const (
	sheetName = "runsheet.yaml"
	settle    = 4 * time.Minute // in which a sheet comes to its end
	plain     = 4               // runs that nothing happens to: a launch that begins with nothing but failures is broken off
)

// entry is one run of a sheet.
type entry struct {
	Command  string         `yaml:"command"`
	WorkDir  string         `yaml:"work_dir"`
	Progress map[string]any `yaml:"progress,omitempty"`
}

// sheetProgress is what a sheet says of how progress is read.
func sheetProgress(spec runsheet.ProgressSpec) map[string]any {
	out := map[string]any{}
	say := func(key string, value any, said bool) {
		if said {
			out[key] = value
		}
	}
	say("tracker", spec.Tracker, spec.Tracker != "")
	say("epochs", spec.Total, spec.Total > 0 && spec.Epochs)
	say("total", spec.Total, spec.Total > 0 && !spec.Epochs)
	say("total", spec.TotalFrom, spec.TotalFrom != "")
	say("file", spec.File, spec.File != "")
	say("files", spec.Files, len(spec.Files) > 0)
	say("step", spec.Step, spec.Step != "")
	say("pattern", spec.Patterns, len(spec.Patterns) > 0)
	say("command", "cat "+measuredFile, spec.Command != "")
	return out
}

// ran is one run of the sheet and the trial that it is.
type ran struct {
	trial
	name string
}

// launch lets a real sheet of real programs come to its end, one run for each trial, and returns what is wrong.
func launch(ctx context.Context, c method.Config, trials []trial) (wrongs []string, err error) {
	dir, err := os.MkdirTemp(c.Dir, "sheet-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	number := map[string]int{}
	for i, k := range cases() {
		number[k.name] = i
	}
	var runs []ran
	var entries []map[string]any
	for i, t := range trials {
		r := ran{t, fmt.Sprintf("run%d", i)}
		again := 0
		if t.again {
			again = 1
		}
		command := fmt.Sprintf("%s %s %s write %d %d %d %d %d %d", shell.Quote(self), method.WorkerVerb, name,
			number[t.t.k.name], t.at.step, t.at.n, t.at.leaves, t.way, again)
		e := map[string]any{"n": i, "command": command, "work_dir": "runs/" + r.name}
		p := sheetProgress(t.t.k.spec)
		if spec := t.t.k.spec; spec.Command != "" {
			p["command"] = "cat " + shell.Quote(filepath.Join(dir, "runs", r.name, measuredFile))
		}
		if len(p) > 0 {
			e["progress"] = p
		}
		runs, entries = append(runs, r), append(entries, e)
	}
	text, err := yaml.Marshal(map[string]any{"version": 1, "runs": entries,
		"policy": map[string]any{"jobs": 8, "retries": 2, "backoff": "100ms", "stop_grace": "1s"}})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, sheetName), text, 0o600); err != nil {
		return nil, err
	}
	limit, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	said, err := runsheetDoes(limit, c, dir, "run", sheetName)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var exit *exec.ExitError
	switch {
	case limit.Err() != nil:
		wrongs = append(wrongs, fmt.Sprintf("the sheet did not come to its end within %v, and said:\n%s", settle, tail(said)))
	case errors.As(err, &exit):
		wrongs = append(wrongs, fmt.Sprintf("runsheet run exited %d and said:\n%s", exit.ExitCode(), tail(said)))
	case err != nil:
		return nil, err
	}
	status, err := runsheetDoes(ctx, c, dir, "status", "--json", sheetName)
	if err != nil {
		return nil, fmt.Errorf("status: %w: %s", err, tail(status))
	}
	var doc struct {
		Runs []struct {
			WorkDir  string `json:"work_dir"`
			Status   string `json:"status"`
			Reason   string `json:"reason"`
			Attempt  int    `json:"attempt"`
			Progress struct {
				Completed int64 `json:"completed"`
			} `json:"progress"`
		} `json:"runs"`
	}
	if err := json.Unmarshal([]byte(status), &doc); err != nil || len(doc.Runs) != len(runs) {
		return nil, fmt.Errorf("status --json tells of %d runs, not %d: %w", len(doc.Runs), len(runs), err)
	}
	for i, r := range runs {
		d := doc.Runs[i]
		if d.Status != string(runsheet.Finished) {
			wrongs = append(wrongs, fmt.Sprintf("%s: at the end it is %s after %d attempts: %s", r.trial, d.Status, d.Attempt, d.Reason))
			continue
		}
		if err := r.judge(filepath.Join(dir, "runs", r.name), d.Attempt, d.Progress.Completed); err != nil {
			wrongs = append(wrongs, fmt.Sprintf("%s: %v", r.trial, err))
		}
	}
	return wrongs, nil
}

// judge holds the records of a run against what happened to it.
func (r ran) judge(workDir string, attempts int, completed int64) error {
	v, err := record.LookAt(record.NewSystem(durable.OS()), workDir, 1)
	if err != nil {
		return err
	}
	e := v.End
	if e == nil {
		return errors.New("attempt 1 has no end")
	}
	if attempts == 1 {
		if e.Progress.Complete() || r.way == quits {
			return nil // it was done, or its exit code was the only witness
		}
		return fmt.Errorf("it is finished after attempt 1, which ended as %s at %s", e.Kind, e.Progress)
	}
	if attempts != 2 {
		return fmt.Errorf("it took %d attempts", attempts)
	}
	want := map[way]runsheet.EndKind{killed: runsheet.EndSignal, raises: runsheet.EndExit, quits: runsheet.EndExit}[r.way]
	if e.Kind != want {
		return fmt.Errorf("attempt 1 ended as %q, and died by %s", e.Kind, r.way)
	}
	if completed != r.t.total {
		return fmt.Errorf("it is finished at %d of %d", completed, r.t.total)
	}
	return nil
}

// runsheetDoes runs the program under test and returns what it said.
func runsheetDoes(ctx context.Context, c method.Config, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, c.Runsheet, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CACHE_HOME="+dir)
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if args[0] == "status" {
		cmd.Stderr = nil
	}
	err := cmd.Run()
	return out.String(), err
}

// draw draws the trials of a sheet: the first ones finish at once, and none loses its supervisor.
func draw(rng *rand.Rand, truths []truth, n int) (out []trial) {
	for len(out) < n {
		t := truths[rng.IntN(len(truths))]
		ps := points(t.steps)
		at, w := ps[rng.IntN(len(ps))], []way{killed, raises, quits}[rng.IntN(3)]
		if len(out) < plain {
			at, w = point{step: len(t.steps) - 1, n: lengthOf(t.steps, len(t.steps)-1)}, quits
		}
		out = append(out, trial{t: t, at: at, way: w, again: rng.IntN(2) == 0, warm: -1})
	}
	return out
}

// tail returns the end of a text.
func tail(text string) string {
	const most = 4000
	if len(text) > most {
		text = "..." + text[len(text)-most:]
	}
	return strings.TrimSpace(text)
}
