package cli

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/diagnose"
	"runsheet/internal/forkserver"
	"runsheet/internal/journal"
	"runsheet/internal/observe"
	"runsheet/internal/record"
	"runsheet/internal/shell"
	"runsheet/internal/supervise"
)

func newStop(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "stop RUN...",
		Short: "Stop runs, and keep them stopped until they are retried",
		Long: `Stops runs: those that live are ended politely (SIGTERM, the sheet's stop_grace, then SIGKILL, the whole
process tree), and nobody launches them again until ` + "`runsheet retry`" + ` or ` + "`runsheet run --resume-stopped`" + ` says so.
It waits until they have ended; interrupting it does not take the stop back.

` + selectionHelp + `

Exit codes: 0 all of them are stopped, 1 some could not be, 2 the command line or the sheet is wrong.`,
		Args: someRuns,
	}
	name := sheetFlag(cmd)
	cmd.ValidArgsFunction = completeRuns(env, name)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := sheetOfRuns(cmd, env, *name, args)
		if err != nil {
			return err
		}
		return stop(cmd.Context(), env, s, args)
	}
	return cmd
}

// stop writes the requests, wakes who must see them, and waits for the ends.
func stop(ctx context.Context, env Env, s *runsheet.Sheet, words []string) error {
	all := executors(env, forkserver.Here(), nil)
	o, sys := observerOf(env, all), record.NewSystem(env.Disk)
	if err := distrusted(env, s); err != nil {
		complain(env, err) // the runs have records of their own, and can be stopped
	}
	targets := s.Runs
	for _, stray := range strays(ctx, env, o, s) {
		targets = append(targets[:len(targets):len(targets)], *stray.Run) // a run that the sheet no longer has can only be stopped
	}
	chosen, err := selectRuns(targets, words)
	if err != nil {
		return err
	}
	with := *s
	with.Runs = targets
	which := chosen.now(ctx, env, o, &with)
	if len(which) == 0 {
		env.say("%s: nothing to stop", chosen.none())
	}
	var waiting []runsheet.Run
	var stopped []int // of the sheet's own
	failed := 0
	for _, i := range which {
		run := targets[i]
		f := briefly(ctx, o, run)
		judged := runsheet.Judge(run, f, s.Policy, time.Now())
		if f.Foreign != nil {
			complain(env, hinted(fmt.Errorf("stop %s: %s", run.Name, f.Problem), runsheet.ForeignHint(run, *f.Foreign)))
			failed++
			continue
		}
		if !f.Silent.IsZero() {
			complain(env, fmt.Errorf("stop %s: nothing could be asked of it: %s", run.Name, judged.Reason))
			failed++
			continue
		}
		if !f.Live() && (judged.Status == runsheet.Finished || judged.Status == runsheet.Outdated) {
			env.say("%s: %s already, nothing to stop", run.Name, judged.Status)
			continue
		}
		if _, err := record.Request(sys, run.WorkDir, runsheet.RequestStop, userName()); err != nil {
			complain(env, fmt.Errorf("stop %s: %w", run.Name, err))
			failed++
			continue
		}
		if i < len(s.Runs) {
			stopped = append(stopped, i)
		}
		if f = briefly(ctx, o, run); f.Live() { // or was launched just now, by somebody who had not seen the request yet
			waiting = append(waiting, run)
			switch {
			case f.Liveness == runsheet.LivenessGone: // nothing of it can hear
			case f.Claim.Batch != "": // it is where Slurm put it, or waits in the queue
				stopJob(ctx, all, run, f)
			case f.Start != nil:
				sys.Procs.Signal(f.Start.Process, supervise.SignalLook) // it looks by itself every 10 s
			}
		} else if f.Claim == nil && judged.Status == runsheet.Running {
			complain(env, hinted(fmt.Errorf("stop %s: it will not be launched, but what is at work on it was not started by runsheet", run.Name),
				"end it where it was started"))
			failed++
		} else {
			env.say("%s: will not be launched", run.Name)
		}
	}
	poke(env, sys, s)
	ctx, cancel := signal.NotifyContext(ctx, unix.SIGINT)
	defer cancel()
	failed += awaitEnds(ctx, env, o, all, s, waiting)
	if hint := skipHint(s, stopped, words); hint != "" {
		env.say("  hint: %s", hint)
	}
	if failed > 0 {
		return exit(exitFailed)
	}
	return nil
}

// stopJob has the job of an attempt cancelled, or its supervisor told to end it. Where the scheduler cannot be asked, the
// supervisor sees the request by itself before long, and the launcher cancels what waits.
func stopJob(ctx context.Context, all []runsheet.Executor, run runsheet.Run, f runsheet.Facts) {
	for _, e := range all {
		if e.Name() == f.Claim.Executor {
			e.Stop(ctx, record.AttemptDir(run.WorkDir, f.Attempt), *f.Claim, f.Start, runsheet.EndStopped, false)
		}
	}
}

// awaitEnds waits until each run's attempt has ended, and returns how many have not in the time that they have: the
// supervisor's next look, the grace, and the moment that the kernel takes.
func awaitEnds(ctx context.Context, env Env, o *observe.Observer, all []runsheet.Executor, s *runsheet.Sheet, runs []runsheet.Run) (failed int) {
	sys := record.NewSystem(env.Disk)
	deadline := time.Now().Add(s.Policy.StopGrace + 30*time.Second)
	for _, run := range runs {
		for {
			f := briefly(ctx, o, run)
			if !f.Silent.IsZero() {
				complain(env, fmt.Errorf("stop %s: it is asked for, and whether it has ended cannot be told: %s", run.Name,
					runsheet.Judge(run, f, s.Policy, time.Now()).Reason))
				failed++
				break
			}
			if f.Ended() {
				env.say("%s: stopped", run.Name)
				break
			}
			if (f.Start != nil || f.Over != nil) && (f.Liveness == runsheet.LivenessGone || f.Liveness == runsheet.LivenessOrphan) {
				// Nobody else may be there to end what its dead supervisor left behind.
				_, err := record.TakeOver(ctx, sys, record.AttemptDir(run.WorkDir, f.Attempt), record.Heir{Grace: s.Policy.StopGrace, Over: f.Over,
					Final: func() *runsheet.Progress { return o.One(ctx, run).Progress }})
				if err != nil && !errors.Is(err, record.ErrLive) && ctx.Err() == nil {
					complain(env, fmt.Errorf("stop %s: %w", run.Name, err))
					failed++
					break
				}
			} else if f.Liveness == runsheet.LivenessUnknown {
				complain(env, fmt.Errorf("stop %s: it will not be launched again, but whether it has ended cannot be told: %s", run.Name,
					runsheet.Judge(run, f, s.Policy, time.Now()).Reason))
				failed++
				break
			} else if f.Liveness == runsheet.LivenessGone {
				env.say("%s: will not be launched; %s", run.Name, diagnose.Clean(runsheet.Judge(run, f, s.Policy, time.Now()).Reason))
				break
			}
			if ctx.Err() != nil {
				env.say("%s: the stop is asked for, and it still lives", run.Name)
				failed++
				break
			}
			if time.Now().After(deadline) {
				complain(env, hinted(fmt.Errorf("%s still lives, %s after its stop was asked for", run.Name, s.Policy.StopGrace+30*time.Second),
					"a process in uninterruptible sleep (state D in ps) goes only when its disk or server answers; the stop stands"))
				failed++
				break
			}
			if f.Claim.Batch != "" && f.Liveness == runsheet.LivenessAlive {
				stopJob(ctx, all, run, f) // it may have been between the queue and a node
			}
			select {
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	return failed
}

func newRetry(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "retry RUN...",
		Short: "Let stopped, failed or given up runs be launched again",
		Long: `Asks for runs to be launched again, with new retries: those that were stopped, failed or were given up. A
launcher that is running does so at once, otherwise the next ` + "`runsheet run`" + ` does.

With --force an attempt of which nobody can tell whether it still lives is let go of: only say so when you know that
its machine is off, or that nothing of it runs.

` + selectionHelp + `

Exit codes: 0 done, 1 some could not be retried, 2 the command line or the sheet is wrong.`,
		Args: someRuns,
	}
	name := sheetFlag(cmd)
	force := cmd.Flags().Bool("force", false, "let go of an attempt whose fate is unknown")
	cmd.ValidArgsFunction = completeRuns(env, name)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := sheetOfRuns(cmd, env, *name, args)
		if err != nil {
			return err
		}
		return retry(cmd.Context(), env, s, args, *force)
	}
	return cmd
}

func retry(ctx context.Context, env Env, s *runsheet.Sheet, words []string, force bool) error {
	if err := distrusted(env, s); err != nil {
		return err // nothing is launched there, and what its journal says of an attempt is not to be acted upon
	}
	chosen, err := selectRuns(s.Runs, words)
	if err != nil {
		return err
	}
	o, sys := newObserver(env), record.NewSystem(env.Disk)
	which := chosen.now(ctx, env, o, s)
	if len(which) == 0 {
		env.say("%s: nothing to retry", chosen.none())
	}
	// What it does not tell the records may; a journal that cannot be read is check's business.
	events, _ := journal.Read(env.Disk, record.JournalPath(record.StateDir(s.Dir, s.Path)))
	asked, failed := 0, 0
	for _, i := range which {
		run := s.Runs[i]
		if err := retryOne(ctx, o, sys, s, events, run, force); err != nil {
			complain(env, err)
			failed++
			continue
		}
		asked++
	}
	if asked > 0 {
		if launcher, held := poke(env, sys, s); held {
			env.say("%d to be launched by the launcher that is running (process %d)", asked, launcher.PID)
		} else {
			env.say("%d to be launched by the next `runsheet run`", asked)
		}
	}
	if failed > 0 {
		return exit(exitFailed)
	}
	return nil
}

func retryOne(ctx context.Context, o *observe.Observer, sys record.System, s *runsheet.Sheet, events []journal.Event, run runsheet.Run, force bool) error {
	f := o.One(ctx, run)
	recorded, name := f.Claim, shell.Argument(run.Name)
	if facts := []runsheet.Facts{f}; len(events) > 0 {
		observe.Vanished(&runsheet.Sheet{Runs: []runsheet.Run{run}}, events, facts)
		f = facts[0]
	}
	judged := runsheet.Judge(run, f, s.Policy, time.Now())
	switch {
	case f.Claim != recorded && force: // the journal tells of an attempt that the records do not show
		if _, err := record.Release(sys, run.WorkDir, f.Claim.Nonce, userName()); err != nil {
			return fmt.Errorf("retry %s: %w", run.Name, err)
		}
		return nil
	case f.Foreign != nil:
		return hinted(fmt.Errorf("retry %s: %s", run.Name, f.Problem), runsheet.ForeignHint(run, *f.Foreign))
	case !f.Silent.IsZero():
		return fmt.Errorf("retry %s: nothing could be asked of it: %s", run.Name, judged.Reason)
	case f.Problem != "":
		return fmt.Errorf("retry %s: %s", run.Name, f.Problem)
	case f.Live() && f.Liveness == runsheet.LivenessUnknown && force:
		heir := record.Heir{Force: true, Grace: s.Policy.StopGrace, Final: func() *runsheet.Progress { return o.One(ctx, run).Progress }}
		if _, err := record.TakeOver(ctx, sys, record.AttemptDir(run.WorkDir, f.Attempt), heir); err != nil {
			return fmt.Errorf("retry %s: %w", run.Name, err)
		}
	case f.Live() && f.Liveness == runsheet.LivenessUnknown:
		return hinted(fmt.Errorf("retry %s: its last attempt may still live: %s", run.Name, f.Why),
			"if you know that it does not: `runsheet retry --force "+name+"`")
	case f.Claim == nil && judged.Status == runsheet.Running && !force:
		return hinted(fmt.Errorf("retry %s: somebody seems to be at work on it: %s", run.Name, judged.Reason),
			"wait until it is done, or, if you know that nobody is: `runsheet retry --force "+name+"`")
	case f.Live() && f.Liveness == runsheet.LivenessAlive:
		return hinted(fmt.Errorf("retry %s: it is %s", run.Name, judged.Status), "stop it first: `runsheet stop "+name+"`")
	case judged.Status == runsheet.Finished:
		return hinted(fmt.Errorf("retry %s: it is finished", run.Name),
			"to make its result anew, move its work dir away: "+run.Shown)
	case judged.Status == runsheet.Outdated:
		return hinted(fmt.Errorf("retry %s: it is outdated: %s", run.Name, judged.Reason), "re-run outdated runs with: `runsheet run --outdated`")
	}
	_, err := record.Request(sys, run.WorkDir, runsheet.RequestRetry, userName())
	if err != nil {
		return fmt.Errorf("retry %s: %w", run.Name, err)
	}
	return nil
}

// someRuns demands at least one run.
func someRuns(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usage(fmt.Errorf("%s: which runs?", cmd.CommandPath()),
			"name some, or select by parameters: `runsheet "+cmd.Name()+" model=mlp`; `runsheet status` lists the names")
	}
	return nil
}
