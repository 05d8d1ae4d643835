package slurm_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"runsheet/internal/executor/exectest"
	"runsheet/internal/executor/slurm/slurmtest"
)

// train is training code that resumes from its epochs. It notes each execution and each end of its work, and whether
// another one of the same run was alive beside it. It stops after an epoch
// while there is a file "wait", and takes no time for one where there is a file "hurry".
const train = `#!/bin/bash
# train.sh DIR EPOCHS SECONDS_AN_EPOCH
mkdir -p "$1"
exec 9>"$1/alone"
if ! flock -n 9; then echo "$RUNSHEET_ATTEMPT beside another" >>overlaps; fi
echo "$RUNSHEET_ATTEMPT $RUNSHEET_TOKEN $(hostname) ${CUDA_VISIBLE_DEVICES:-none}" >>"$1/executions"
for i in $(seq 0 $(($2 - 1))); do
  if [ -e "$1/epoch_$i/done" ]; then continue; fi
  [ -e hurry ] || sleep "$3"
  mkdir -p "$1/epoch_$i"
  echo "{\"accuracy\": 0.$i}" >"$1/epoch_$i/new" # killed here, it must not leave an epoch that looks complete
  mv "$1/epoch_$i/new" "$1/epoch_$i/done"
  while [ -e wait ]; do sleep 0.1; done
  if [ "$i" = $(($2 - 1)) ]; then echo "$RUNSHEET_ATTEMPT" >>"$1/completions"; fi
done
`

// project is a directory with a sheet and its training code.
type project struct {
	t   *testing.T
	dir string
	env []string // of its commands; nil: this process's
	own string   // a copy of this program that its user may run, where that is another one
}

func newProject(t *testing.T, sheet string) *project {
	t.Helper()
	return newProjectIn(t, t.TempDir(), sheet)
}

func newProjectIn(t *testing.T, dir, sheet string) *project {
	t.Helper()
	p := &project{t: t, dir: dir}
	p.write("runsheet.yaml", sheet)
	p.write("train.sh", train)
	return p
}

// write writes a file of the project.
func (p *project) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o755); err != nil {
		p.t.Fatal(err)
	}
}

// remove removes a file of the project.
func (p *project) remove(name string) {
	p.t.Helper()
	if err := os.Remove(filepath.Join(p.dir, name)); err != nil {
		p.t.Fatal(err)
	}
}

// command returns runsheet with arguments, in the project.
func (p *project) command(args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Args[0] = os.Args[0]
	cmd.Dir = p.dir
	cmd.Env = append(append(os.Environ(), p.env...), beRunsheet+"=1")
	if p.own != "" {
		cmd.Path = p.own
		cmd.SysProcAttr = slurmtest.Nobody()
	}
	return cmd
}

// launcher is `runsheet run` in the background.
type launcher struct {
	cmd  *exec.Cmd
	said words
	done chan struct{}
}

// words are what a process prints, and may be read meanwhile.
type words struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (w *words) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all.Write(p)
}

func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all.String()
}

func (p *project) launch(args ...string) *launcher {
	p.t.Helper()
	l := &launcher{cmd: p.command(append([]string{"run"}, args...)...), done: make(chan struct{})}
	l.cmd.Stdout, l.cmd.Stderr = &l.said, &l.said
	if err := l.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		l.cmd.Process.Kill()
		<-l.done
		if p.t.Failed() {
			p.t.Logf("a launcher said:\n%s", l.said.String())
		}
	})
	go func() { l.cmd.Wait(); close(l.done) }()
	return l
}

// over says whether the launcher has ended.
func (l *launcher) over() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// wait waits for the launcher's end, which must come in time, and returns its exit code.
func (p *project) wait(l *launcher, patience time.Duration) int {
	p.t.Helper()
	select {
	case <-l.done:
	case <-time.After(patience):
		p.t.Fatalf("the launcher is not done after %v", patience)
	}
	return l.cmd.ProcessState.ExitCode()
}

// status is what `runsheet status --json` says, as far as it matters here.
type status struct {
	Summary map[string]any
	Runs    []struct {
		Name, Status, Reason, Host, Executor, Job string
		Attempt                                   int
		ExitCode                                  *int `json:"exit_code"`
		Progress                                  struct{ Completed, Total int64 }
		Attempts                                  []struct {
			Job       string
			Requested requested
			Used      struct {
				CPU    float64 `json:"cpu_seconds"`
				Memory int64   `json:"peak_memory_bytes"`
				Wall   float64 `json:"wall_seconds"`
			}
		}
	}
}

// requested is what an attempt asked for.
type requested struct {
	CPUs   int
	Memory int64   `json:"memory_bytes"`
	Time   float64 `json:"time_seconds"`
}

func (p *project) status() status {
	p.t.Helper()
	cmd := p.command("status", "--json")
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	var s status
	if err == nil {
		err = json.Unmarshal(out, &s)
	}
	if err != nil {
		p.t.Fatalf("status: %v: %s%s", err, out, words.String())
	}
	return s
}

// await waits until what status says is as it should be.
func (p *project) await(what string, done func(status) bool) (s status) {
	p.t.Helper()
	exectest.Await(p.t, what, func() bool {
		s = p.status()
		if done(s) {
			return true
		}
		time.Sleep(200 * time.Millisecond) // the launcher looks the more seldom, the longer squeue takes
		return false
	})
	return s
}

// count counts the runs of a status.
func (s status) count(is string) (n int) {
	for _, r := range s.Runs {
		if r.Status == is {
			n++
		}
	}
	return n
}

// lines returns the lines of a file of the project; none where it is missing.
func (p *project) lines(name string) []string {
	data, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil || len(data) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

// once checks that every run of the project was finished once, and none had two live attempts.
func (p *project) once() {
	p.t.Helper()
	for _, r := range p.status().Runs {
		if r.Status != "finished" {
			p.t.Errorf("%s is %s: %s", r.Name, r.Status, r.Reason)
		}
	}
	dirs, err := filepath.Glob(filepath.Join(p.dir, "runs", "*"))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, dir := range dirs {
		name := "runs/" + filepath.Base(dir)
		if done := p.lines(name + "/completions"); len(done) != 1 {
			p.t.Errorf("%s was completed %d times: %q", name, len(done), done)
		}
		seen := map[string]bool{}
		for _, line := range p.lines(name + "/executions") {
			attempt, _, _ := strings.Cut(line, " ")
			if seen[attempt] {
				p.t.Errorf("%s: attempt %s was executed twice", name, attempt)
			}
			seen[attempt] = true
		}
	}
	if lines := p.lines("overlaps"); len(lines) > 0 {
		p.t.Errorf("two lived at once: %q", lines)
	}
	if out, err := p.command("check").CombinedOutput(); err != nil {
		p.t.Errorf("check: %v: %s", err, out)
	}
}
