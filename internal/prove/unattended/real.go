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
	"runsheet/internal/journal"
	"runsheet/internal/prove/method"
	"runsheet/internal/record"
	"runsheet/internal/shell"
)

const (
	sheetName = "runsheet.yaml"
	settle    = 5 * time.Minute // in which a sheet comes to its end
	unharmed  = 4               // runs that nothing happens to: a launch that begins with nothing but failures is broken off
)

// draw draws the runs of a real sheet.
func draw(rng *rand.Rand, truths []truth, n int) (out []trial) {
	for len(out) < n {
		t := truths[rng.IntN(len(truths))]
		ps := points(t.steps)
		one := trial{t: t, at: ps[rng.IntN(len(ps))], way: []way{killed, raises, quits}[rng.IntN(3)], again: rng.IntN(2) == 0, warm: -1}
		if len(out) < unharmed {
			one.at, one.way = end(t.steps), quits
		}
		out = append(out, one)
	}
	return out
}

// sheet is a real sheet with a run for each trial.
type sheet struct {
	c    method.Config
	dir  string
	runs []trial
}

// launch lets a real sheet of real programs come to its end, and returns what is wrong.
func launch(ctx context.Context, c method.Config, trials []trial) ([]string, error) {
	dir, err := os.MkdirTemp(c.Dir, "sheet-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	s := sheet{c, dir, trials}
	text, err := s.text()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, sheetName), text, 0o600)
	}
	if err != nil {
		return nil, err
	}
	limit, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	said, err := s.runsheet(limit, "run", sheetName)
	var faults []string
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case limit.Err() != nil:
		faults = append(faults, fmt.Sprintf("the sheet did not come to its end within %v, and said:\n%s", settle, tail(said)))
	case errors.As(err, &exit):
		faults = append(faults, fmt.Sprintf("runsheet run exited %d and said:\n%s", exit.ExitCode(), tail(said)))
	case err != nil:
		return nil, err
	}
	each, err := s.judge(ctx)
	return append(each, faults...), err
}

func (s sheet) workDir(i int) string { return filepath.Join(s.dir, "runs", fmt.Sprint(i)) }

// text renders the sheet.
func (s sheet) text() ([]byte, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	number := map[string]int{}
	for i, k := range cases() {
		number[k.name] = i
	}
	var runs []map[string]any
	for i, t := range s.runs {
		command := []string{shell.Quote(self), method.WorkerVerb, name}
		for _, n := range t.arguments(number[t.t.k.name]) {
			command = append(command, fmt.Sprint(n))
		}
		runs = append(runs, map[string]any{"n": i, "work_dir": s.workDir(i), "command": strings.Join(command, " "),
			"progress": progressOf(t.t.k.spec, s.workDir(i))})
	}
	return yaml.Marshal(map[string]any{"version": 1, "runs": runs,
		"policy": map[string]any{"jobs": 8, "retries": 2, "backoff": "100ms", "stop_grace": "1s"}})
}

// progressOf is how a sheet says how progress is read.
func progressOf(spec runsheet.ProgressSpec, workDir string) map[string]any {
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
	say("command", "cat "+shell.Quote(filepath.Join(workDir, measuredFile)), spec.Command != "")
	return out
}

// judge holds what status says, the journal and the records against what happened to each run.
func (s sheet) judge(ctx context.Context) (faults []string, err error) {
	said, err := s.runsheet(ctx, "status", "--json", sheetName)
	if err != nil {
		return nil, fmt.Errorf("status: %w: %s", err, tail(said))
	}
	var doc struct {
		Runs []runDoc `json:"runs"`
	}
	if err := json.Unmarshal([]byte(said), &doc); err != nil || len(doc.Runs) != len(s.runs) {
		return nil, fmt.Errorf("status --json tells of %d runs, not of %d (%w): %s", len(doc.Runs), len(s.runs), err, tail(said))
	}
	events, err := journal.Read(durable.OS(), record.JournalPath(record.StateDir(s.dir, filepath.Join(s.dir, sheetName))))
	if err != nil {
		return nil, err
	}
	reasons := map[string]string{} // of the ends of first attempts, by work dir
	for _, e := range events {
		if e.Kind == journal.Ended && e.Attempt == 1 {
			reasons[e.WorkDir] = e.Text
		}
	}
	for i, t := range s.runs {
		if err := t.judgeRun(s.workDir(i), doc.Runs[i], reasons[s.workDir(i)]); err != nil {
			faults = append(faults, fmt.Sprintf("%s: %v", t, err))
		}
	}
	return faults, nil
}

// runDoc is what is read of a run in `status --json`.
type runDoc struct {
	Status   string `json:"status"`
	Reason   string `json:"reason"`
	Attempt  int    `json:"attempt"`
	Progress struct {
		Completed int64 `json:"completed"`
	} `json:"progress"`
}

// judgeRun judges one run.
func (t trial) judgeRun(workDir string, d runDoc, reason string) error {
	if d.Status != string(runsheet.Finished) {
		return fmt.Errorf("at the end it is %s after %d attempts: %s", d.Status, d.Attempt, d.Reason)
	}
	v, err := record.LookAt(record.NewSystem(durable.OS()), workDir, 1)
	if err != nil {
		return err
	}
	switch e := v.End; {
	case e == nil:
		return errors.New("attempt 1 has no end")
	case d.Attempt == 1 && (e.Progress.Complete() || t.way == quits && t.breaks() == ""):
		return nil // it was done, or its exit code is the only witness
	case d.Attempt != 2:
		return fmt.Errorf("it took %d attempts; the first ended as %s at %s", d.Attempt, e.Kind, e.Progress)
	case (e.Kind == runsheet.EndSignal) != (t.way == killed):
		return fmt.Errorf("attempt 1 ended as %q", e.Kind)
	case d.Progress.Completed != t.t.total && !t.t.k.free:
		return fmt.Errorf("it is finished at %d of %d", d.Progress.Completed, t.t.total)
	}
	return t.judgeReason(reason)
}

// runsheet runs the program under test, and returns what it said.
func (s sheet) runsheet(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, s.c.Runsheet, args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "HOME="+s.dir, "XDG_CACHE_HOME="+s.dir)
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGINT) } // it ends what it started
	cmd.WaitDelay = time.Minute
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if args[0] == "run" {
		return errs.String(), err // the other is the table of results
	}
	if err != nil {
		return out.String() + errs.String(), err
	}
	return out.String(), nil
}

// tail returns the end of a text.
func tail(text string) string {
	const most = 2000
	if len(text) > most {
		text = "..." + text[len(text)-most:]
	}
	return strings.TrimSpace(text)
}
