package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/diagnose"
	"runsheet/internal/durable"
	"runsheet/internal/executor/slurm"
	"runsheet/internal/forkserver"
	"runsheet/internal/launcher"
	"runsheet/internal/observe"
	"runsheet/internal/proc"
	"runsheet/internal/record"
	"runsheet/internal/sheet"
)

// signalLook makes a running launcher look at all of its runs: somebody asked something of one.
const signalLook = unix.SIGUSR1

type runOptions struct {
	jobs     int
	dryRun   bool
	detach   bool
	detached bool // this is the process that --detach left in the background
	launcher launcher.Options
}

func newRun(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run [SHEET | COMMAND [NAME=VALUES...]]",
		Short: "Launch until every run is finished or given up",
		Long: `Launches what is missing of a sheet (default ./runsheet.yaml), resumes what failed, and goes on until every run is
finished or given up; ends with the results table. On a terminal it shows a live view, elsewhere a line for each
event. Only one launcher can hold a sheet; if it dies, the runs go on, and the next one adopts them.

Without any file: runsheet run -j 2 'python t.py --lr {lr}' lr=0.1,0.01 seed=0..2
The sheet that this amounts to is written to .runsheet/, and named.

Ctrl-C stops the runs politely, the next run resumes them; a second Ctrl-C does not wait. SIGTERM, SIGHUP or a closed
terminal leave them running.

Exit codes: 0 all finished (or, with --once and --detach, nothing is wrong so far), 1 some run failed, was given up, is
stopped, or is outdated and was not run again, 2 the command line or the sheet is wrong, 3 another launcher holds the sheet, 130 stopped by Ctrl-C,
129 and 143 left by SIGHUP and SIGTERM while runs go on.`,
	}
	var o runOptions
	name := sheetFlag(cmd)
	flags := cmd.Flags()
	flags.IntVarP(&o.jobs, "jobs", "j", 0, "attempts at once (default the sheet's policy)")
	flags.BoolVarP(&o.dryRun, "dry-run", "n", false, "only say what would be done, as plan does")
	flags.BoolVar(&o.detach, "detach", false, "go on in the background, also after logout")
	flags.BoolVar(&o.launcher.Once, "once", false, "look and act once, and wait for nothing (for cron)")
	flags.BoolVar(&o.launcher.Outdated, "outdated", false, "re-run outdated runs; their evidence is set aside, not deleted")
	flags.BoolVar(&o.launcher.ResumeStopped, "resume-stopped", false, "go on with runs that were stopped by stop")
	flags.BoolVar(&o.detached, "detached", false, "")
	flags.MarkHidden("detached")
	flags.SetInterspersed(true)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if cmd.Flags().Changed("jobs") && o.jobs < 1 {
			return usage(fmt.Errorf("-j %d: at least one attempt must be allowed at once", o.jobs), "")
		}
		s, err := sheetOrInline(env, args, *name, o.jobs)
		if err != nil {
			return err
		}
		if o.jobs > 0 {
			s.Policy.Jobs = o.jobs
			for i := range s.Pool {
				if s.Pool[i].Kind == "local" {
					s.Pool[i].Jobs = 0
				}
			}
		}
		o.launcher.Continue = o.launcher.Once || o.detach || o.detached
		if !o.detached {
			warn(env, s)
		}
		if err := distinct(s); err != nil {
			return err
		}
		if slices.ContainsFunc(s.Pool, func(e runsheet.PoolEntry) bool { return e.Kind == slurm.Name }) {
			if err := slurm.Ready(); err != nil {
				return usage(err, "")
			}
		}
		if !o.detached { // whoever left it in the background was told
			warnOfQueue(env, s, !o.dryRun)
		}
		if o.dryRun {
			return showPlan(cmd, env, s, o.launcher)
		}
		if !o.detached { // whoever left it in the background was told
			sayGone(cmd.Context(), env, s)
		}
		if o.detach {
			return detach(env, s, o)
		}
		return run(cmd.Context(), env, s, o)
	}
	return cmd
}

// sheetOrInline loads the sheet that the arguments name, or writes the one that an inline command amounts to.
func sheetOrInline(env Env, args []string, flag string, jobs int) (*runsheet.Sheet, error) {
	inline := len(args) > 1 || len(args) == 1 && isCommand(env, args[0])
	if !inline {
		path, err := sheetArg(args, flag)
		if err != nil {
			return nil, err
		}
		if path != "" && isDir(env, path) {
			path = filepath.Join(path, defaultSheet)
		}
		return loadSheet(env, path)
	}
	if flag != "" {
		return nil, usage(errors.New("a sheet and a command are given"), "give one of them; a command is one argument, with its options in its quotes: "+sheet.OneCommand(args))
	}
	if file := args[0]; isYAML(file) && !startsProgram(file) {
		return nil, usage(fmt.Errorf("%d sheets are named, and run takes one: %s", len(args), strings.Join(args, " ")), "start a launcher for each")
	}
	if command := loneScript(env, args[0]); command != "" {
		words := append(strings.Fields(command), placeholders(args[1:])...)
		return nil, usage(fmt.Errorf("%s is a script: nothing says what starts it, and what it is given", args[0]),
			"write its whole command, in quotes: "+sheet.OneCommand(append([]string{strings.Join(words, " ")}, args[1:]...)))
	}
	text, err := sheet.Inline(args, jobs)
	if err != nil {
		return nil, usage(err, "")
	}
	path, err := writeInline(env, text)
	if err != nil {
		return nil, err
	}
	env.say("the sheet of this command is %s", shownPath(env, path))
	return loadSheet(env, path)
}

// loneScript returns the command that starts a script, where the argument is nothing but the name of one that is not started by
// its name alone; empty: it is something else.
func loneScript(env Env, arg string) string {
	path := arg
	if !filepath.IsAbs(path) {
		path = filepath.Join(env.Dir, path)
	}
	info, err := os.Stat(path)
	if err == nil && info.Mode()&0o111 != 0 && strings.Contains(arg, "/") || err != nil && strings.ContainsAny(arg, " \t") {
		return ""
	}
	return sheet.Script(arg)
}

// placeholders returns an option for each name=values.
func placeholders(args []string) (options []string) {
	for _, a := range args {
		if name, _, ok := strings.Cut(a, "="); ok {
			options = append(options, "--"+name, "{"+name+"}")
		}
	}
	return options
}

// isCommand says whether a single argument of run is a command, and not the name of a sheet.
func isCommand(env Env, arg string) bool {
	path := arg
	if !filepath.IsAbs(path) {
		path = filepath.Join(env.Dir, path)
	}
	if _, err := os.Stat(path); err == nil {
		return false
	}
	return strings.ContainsAny(arg, " \t{") && (!isYAML(arg) || startsProgram(arg))
}

func isYAML(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

// startsProgram says whether an argument of several words begins with a program, or with a variable that is set for one: then
// it is a command, whatever its last word is.
func startsProgram(arg string) bool {
	words := strings.Fields(arg)
	if len(words) < 2 {
		return false
	}
	_, err := exec.LookPath(words[0])
	return err == nil || strings.Contains(words[0], "=")
}

func isDir(env Env, path string) bool {
	if !filepath.IsAbs(path) {
		path = filepath.Join(env.Dir, path)
	}
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// writeInline writes an inline sheet; the same command line names the same file, and so the same runs.
func writeInline(env Env, text []byte) (string, error) {
	path := filepath.Join(env.Dir, record.DirName, inlineName(text))
	if err := record.NewSystem(env.Disk).FS.Private("inline", filepath.Dir(path), true); err != nil {
		return "", fmt.Errorf("write the sheet of this command: %w", err)
	}
	err := durable.WriteOnce(env.Disk, "inline", path, text)
	if err != nil && !errors.Is(err, durable.ErrExists) {
		return "", fmt.Errorf("write the sheet of this command: %w", err)
	}
	return path, nil
}

// shownPath is what a path is called in messages.
func shownPath(env Env, path string) string {
	if rel, err := filepath.Rel(env.Dir, path); err == nil && !strings.HasPrefix(rel, "..") {
		path = rel
	}
	return diagnose.Clean(path)
}

// newLauncher wires a launcher for this machine. What it starts is started by fork.
func newLauncher(env Env, fork *forkserver.Server, s *runsheet.Sheet, o launcher.Options, listener launcher.Listener, control <-chan launcher.Control) *launcher.Launcher {
	o.User, o.HostName = userName(), hostName()
	all := executors(env, fork, s.Pool)
	return launcher.New(launcher.Config{Sheet: s, Disk: env.Disk, System: record.NewSystem(env.Disk),
		Observer: observerOf(env, all), Executors: all, Fork: fork, Listener: listener, Control: control, Options: o})
}

// leavePatience is how long a launcher may take to leave.
const leavePatience = 15 * time.Second

// leaveAtLast ends the process where its launcher does not leave by itself: the file system of its journal may not answer. It
// may end at any instant, and the next one adopts what lives.
func leaveAtLast(code int, over <-chan struct{}) {
	select {
	case <-over:
	case <-time.After(leavePatience):
		os.Exit(code)
	}
}

// run launches in this process, and prints the results at the end.
func run(ctx context.Context, env Env, s *runsheet.Sheet, o runOptions) error {
	// Before anything of a run is opened: its file system may stop answering.
	fork, err := forkserver.Begin()
	if err != nil {
		return fmt.Errorf("nothing was started: %w", err)
	}
	defer fork.Close()
	// Before the lock is held: whoever finds its holder may send it a signal.
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, signalLook)
	defer signal.Stop(signals)
	control := make(chan launcher.Control, 16)
	left := exitDone
	over := make(chan struct{})
	defer close(over)
	go func() {
		interrupts := 0
		for sig := range signals {
			switch sig {
			case unix.SIGINT:
				if interrupts++; interrupts > 2 {
					os.Exit(exitStopped) // whatever it waits for; the next launcher adopts what lives
				}
				control <- launcher.Interrupt
			case signalLook:
				select {
				case control <- launcher.Look:
				default: // it is to look already
				}
			default:
				left = 128 + int(sig.(unix.Signal))
				go leaveAtLast(left, over)
				control <- launcher.Leave
			}
		}
	}()
	go spareMemory()
	proc.KnowMachine(env.Disk)
	view := newView(env, s, o.detached)
	began := time.Now()
	out, err := newLauncher(env, fork, s, o.launcher, view, control).Run(ctx)
	view.Close()
	defer sayStays(env)
	if err != nil {
		if errors.Is(err, launcher.ErrInterrupted) {
			return &codedError{err, cmp.Or(left, exitStopped)}
		}
		if errors.Is(err, record.ErrLauncher) {
			err = hinted(err, "watch it with `runsheet status --watch`; stop it with Ctrl-C where it runs, or with kill -INT and its process id")
		}
		return placed(err)
	}
	return conclude(env, s, out, left, o, time.Since(began))
}

// sayStays says what a launcher still waits for when all is said and done.
func sayStays(env Env) {
	if left := observe.LeftBehind(); len(left) > 0 {
		env.say("process %d may stay until there is an answer from %s; nothing needs it any more", os.Getpid(), strings.Join(left, ", "))
	}
}
