package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/diagnose"
	"runsheet/internal/durable"
	"runsheet/internal/journal"
	"runsheet/internal/observe"
	"runsheet/internal/record"
)

func newLogs(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "logs RUN...",
		Short: "Print what a run wrote to its standard output and error",
		Long: `Prints the log of a run's last attempt; -f follows it, through later attempts as well, until the run has ended.

With --grep it prints the lines that a pattern matches, of all attempts of all runs that are selected (none named: of
every run), each with its run, attempt and number, and counts them:
  runsheet logs --grep 'CUDA out of memory' status=failed

A terminal gets its text and its colours, and nothing else that could command it; a file or a pipe gets every byte.

` + selectionHelp + `

Exit codes: 0 done, 1 there is no log or no line that matches, 2 the command line or the sheet is wrong,
130 --grep was interrupted.`,
	}
	name := sheetFlag(cmd)
	follow := cmd.Flags().BoolP("follow", "f", false, "print what is added as well")
	attempt := cmd.Flags().Int("attempt", 0, "the log of this attempt (default the last)")
	pattern := cmd.Flags().String("grep", "", "print the lines that match this regular expression")
	cmd.ValidArgsFunction = completeRuns(env, name)
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if cmd.Flags().Changed("grep") {
			return nil
		}
		return someRuns(cmd, args)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *pattern != "" && *follow {
			return usage(errors.New("--grep and -f do not go together"), "leave one of them out")
		}
		s, err := sheetOfRuns(cmd, env, *name, args)
		if err != nil {
			return err
		}
		selected, err := selectRuns(s.Runs, args)
		if err != nil {
			return err
		}
		chosen := selected.now(cmd.Context(), env, newObserver(env), s)
		if len(chosen) == 0 {
			return errors.New(selected.none())
		}
		ctx, cancel := signal.NotifyContext(cmd.Context(), unix.SIGINT)
		defer cancel()
		if cmd.Flags().Changed("grep") {
			return grep(ctx, env, s, chosen, *pattern, *attempt)
		}
		if len(chosen) > 1 {
			return usage(fmt.Errorf("%d runs are selected, and logs shows one: the first are %s and %s", len(chosen), s.Runs[chosen[0]].Name, s.Runs[chosen[1]].Name),
				"name one of them, or look for lines in all of them with --grep")
		}
		return logs(ctx, env, s, s.Runs[chosen[0]], *attempt, *follow)
	}
	return cmd
}

func logs(ctx context.Context, env Env, s *runsheet.Sheet, run runsheet.Run, attempt int, follow bool) error {
	o := newObserver(env)
	f := briefly(ctx, o, run)
	if err := unreadable(run, f, s.Policy); err != nil {
		return err
	}
	fixed := attempt > 0
	if !fixed {
		attempt = f.Attempt
	}
	if f.Attempt == 0 {
		return hinted(fmt.Errorf("%s was not attempted yet", run.Name), "`runsheet run` launches what is missing")
	}
	if begun := f.Start != nil && !f.Start.Void; attempt == f.Attempt && !begun && !follow {
		return fmt.Errorf("attempt %d of %s has not begun, so there is no log: %s", attempt, run.Name, runsheet.Judge(run, f, s.Policy, time.Now()).Reason)
	}
	if attempt > f.Attempt {
		return hinted(fmt.Errorf("%s has no attempt %d: its attempts until now: %d", run.Name, attempt, f.Attempt),
			"leave --attempt out to see the last one")
	}
	for {
		if err := oneLog(ctx, env, run, attempt, follow); err != nil {
			return err
		}
		if !follow || fixed || ctx.Err() != nil {
			return nil
		}
		if attempt = nextAttempt(ctx, env, o, s, run, attempt); attempt == 0 {
			return nil
		}
		env.say("--- attempt %d", attempt)
	}
}

// nextAttempt waits for the attempt after one that has ended, for as long as a launcher is at work that has not given the
// run up, and the run is not done; it returns 0 where there will be none.
func nextAttempt(ctx context.Context, env Env, o *observe.Observer, s *runsheet.Sheet, run runsheet.Run, attempt int) int {
	state := record.StateDir(s.Dir, s.Path)
	for {
		held, err := record.LauncherHeld(env.Disk, state) // before the records: what it does before it leaves is seen
		events, _ := journal.Read(env.Disk, record.JournalPath(state))
		f := briefly(ctx, o, run)
		if f.Attempt > attempt {
			return f.Attempt
		}
		switch runsheet.Judge(run, f, s.Policy, time.Now()).Status {
		case runsheet.Finished, runsheet.Outdated, runsheet.Stopped:
			return 0
		}
		if err != nil || !held || observe.AbandonedIn(events)[run.WorkDir] {
			return 0
		}
		select {
		case <-ctx.Done():
			return 0
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// oneLog prints the log of one attempt; when following, until the attempt has ended and all of it is printed. What is no
// terminal gets it byte by byte.
func oneLog(ctx context.Context, env Env, run runsheet.Run, attempt int, follow bool) (err error) {
	out := env.Out
	if isTerminal(out) {
		c := diagnose.NewCleaner(out)
		defer func() { err = errors.Join(err, c.Close()) }()
		out = c
	}
	path := record.LogPath(record.AttemptDir(run.WorkDir, attempt))
	sys := record.NewSystem(env.Disk)
	var log durable.File
	for {
		ended := true
		if v, err := record.LookAt(sys, run.WorkDir, attempt); err == nil && v.Claim != nil && v.End == nil {
			ended = false // looked at before the log is read to its end, so that nothing is missed
		}
		if log == nil {
			if log, err = durable.OpenRegular(env.Disk, "logs", path); err != nil && (!follow || ended) {
				return fmt.Errorf("attempt %d of %s has no log: %w", attempt, run.Name, err)
			}
			if log != nil {
				defer log.Close()
			}
		}
		if log != nil {
			if _, err := io.Copy(out, log); err != nil {
				return err
			}
		}
		if !follow || ended {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(100 * time.Millisecond):
		}
	}
}
