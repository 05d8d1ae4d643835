package slurm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"runsheet/internal/diagnose"
	"runsheet/internal/durable"
	"runsheet/internal/forkserver"
)

// patience is how long one of Slurm's commands may take: they retry by themselves while the controller is busy or away.
const patience = 60 * time.Second

// refusal is what one of Slurm's commands said when it failed.
type refusal struct {
	command string
	text    string // its words, on one line
	unsure  bool   // it was cut off: what it was asked for may have been done
}

func (r *refusal) Error() string { return fmt.Sprintf("%s: %s", r.command, r.text) }

// command runs one of Slurm's commands and returns what it printed. A failure is a *refusal, unless the command is not
// there.
func (e *Executor) command(ctx context.Context, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var out, words bytes.Buffer
	impatient := &listener{words: &words, enough: cancel}
	c := forkserver.Command{Name: name, Args: append([]string{name}, args...), Env: environment(os.Environ(), name), Dir: "/"}
	err := e.fork.Run(ctx, c, &out, impatient, time.Second)
	switch {
	case err == nil:
		return out.String(), nil
	case impatient.heard:
		return out.String(), &refusal{command: name, text: plain(name, words.String())}
	case errors.Is(err, exec.ErrNotFound):
		return "", missing(name, err)
	}
	r := &refusal{command: name, text: plain(name, words.String()), unsure: ctx.Err() != nil || errors.Is(err, forkserver.ErrLost)}
	if r.text == "" {
		r.text = err.Error()
	}
	if ctx.Err() != nil {
		r.text = fmt.Sprintf("no answer within %v: %s", patience, r.text)
	}
	return out.String(), r
}

func missing(name string, err error) error {
	return durable.WithHint(fmt.Errorf("slurm is in the pool, and %s is not on this machine: %w", name, err),
		"run this where Slurm's commands are, on a login node of the cluster, or take slurm out of the pool")
}

// sleeping is what sbatch says when the controller takes no job now: it would try again by itself, for minutes.
const sleeping = "sleeping and retrying"

// listener keeps the words of a command, and ends it where it says that it goes to sleep.
type listener struct {
	words  *bytes.Buffer
	enough func()
	heard  bool
}

func (l *listener) Write(p []byte) (int, error) {
	l.words.Write(p)
	if !l.heard && bytes.Contains(l.words.Bytes(), []byte(sleeping)) {
		l.heard = true
		l.enough()
	}
	return len(p), nil
}

// plain joins the lines that a command printed, without its own name before each.
func plain(name, words string) string {
	var lines []string
	for line := range strings.Lines(words) {
		line = strings.TrimSpace(diagnose.Clean(line))
		line = strings.TrimPrefix(line, name+": ")
		line = strings.TrimPrefix(line, "error: ")
		if line != "" && (len(lines) == 0 || lines[len(lines)-1] != line) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}

// kept are the variables by which Slurm's commands find the cluster.
var kept = map[string]bool{"SLURM_CONF": true, "SLURM_CONF_SERVER": true, "SLURM_JWT": true}

// charged are the variables by which people say, in their shells' start-up files, who pays for all of their jobs. An option of
// the pool comes before them.
var charged = map[string]bool{"SBATCH_ACCOUNT": true, "SBATCH_QOS": true}

// Unused returns the variables of an environment that sbatch would obey and is not given. The sheet says how jobs are submitted.
func Unused(environ []string) (names []string) {
	for _, kv := range environ {
		key, value, _ := strings.Cut(kv, "=")
		if value != "" && !charged[key] && (strings.HasPrefix(key, "SBATCH_") || key == "SLURM_CLUSTERS") {
			names = append(names, key)
		}
	}
	slices.Sort(names)
	return names
}

// environment is what a command is given: ours, without what would change its options or its output. Inside another
// job that is what the job was asked with. BASH_ENV would have the shell of a job read a file before it becomes the
// supervisor, which keeps it from the command anyway.
func environment(ours []string, name string) []string {
	var out []string
	for _, kv := range ours {
		key, _, _ := strings.Cut(kv, "=")
		foreign := key == "BASH_ENV"
		for _, prefix := range []string{"SLURM_", "SLURMD_", "SBATCH_", "SQUEUE_", "SCANCEL_", "SACCT_", "SCONTROL_", "SRUN_", "SALLOC_"} {
			foreign = foreign || strings.HasPrefix(key, prefix)
		}
		if !foreign || kept[key] || name == "sbatch" && charged[key] {
			out = append(out, kv)
		}
	}
	if name == "squeue" || name == "sacct" {
		out = append(out, "SLURM_BITSTR_LEN=0") // the whole of an array's tasks, however long
	}
	return out
}
