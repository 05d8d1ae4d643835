package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/diagnose"
	"runsheet/internal/observe"
	"runsheet/internal/plan"
	"runsheet/internal/record"
	"runsheet/internal/report"
)

// What is not heard of is looked for: often where another machine may be at work, seldom where everything is heard.
const (
	waitBlind = 2 * time.Second
	waitHeard = 10 * time.Second
)

// waitFor are the words of --for.
var waitFor = []string{string(runsheet.Finished), string(runsheet.Failed), string(runsheet.Stuck), "any"}

type waitOptions struct {
	fors    []string
	timeout time.Duration
	json    bool
}

func newWait(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "wait [RUN...]",
		Short: "Wait until runs are over, or one of them is finished, failed or stuck",
		Long: `Waits until all runs that are selected (none named: all of the sheet) are over: finished, stopped, or failed with no
retry to come. --for finished, failed, stuck or any returns as soon as one of them is that. A status in the filter
is the one of now: runsheet wait status=running --for any

Where no launcher is at work nothing is launched: that is said at once, and only what lives is waited for.

` + selectionHelp + `

Exit codes: 0 all are finished, or with --for one is; 1 all are over, and some are not finished, or with --for one has
failed; 2 the command line or the sheet is wrong; 4 one is stuck (--for stuck, any); 5 --timeout is over; 6 nothing more
comes by itself: nobody is there to launch what is left; 130 interrupted.`,
	}
	var o waitOptions
	name := sheetFlag(cmd)
	cmd.Flags().StringSliceVar(&o.fors, "for", nil, "return as soon as one run is "+strings.Join(waitFor, ", "))
	cmd.Flags().DurationVar(&o.timeout, "timeout", 0, "how long to wait at most, as 90s, 10m, 24h (default for ever)")
	cmd.Flags().BoolVar(&o.json, "json", false, "print "+report.StatusSchema+" of the runs at the end")
	cmd.RegisterFlagCompletionFunc("for", cobra.FixedCompletions(waitFor, cobra.ShellCompDirectiveNoFileComp))
	cmd.ValidArgsFunction = completeRuns(env, name)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		for _, word := range o.fors {
			if !slices.Contains(waitFor, word) {
				return usage(fmt.Errorf("--for %q: nobody can wait for that", word), "choose among "+strings.Join(waitFor, ", "))
			}
		}
		if cmd.Flags().Changed("timeout") && o.timeout <= 0 {
			return usage(fmt.Errorf("--timeout %s: it must be more than nothing", o.timeout), "leave it out to wait for ever")
		}
		s, err := sheetOfRuns(cmd, env, *name, args)
		if err != nil {
			return err
		}
		chosen, err := selectRuns(s.Runs, args)
		if err != nil {
			return err
		}
		if err := distrusted(env, s); err != nil {
			return err // whether a launcher is at work cannot be told
		}
		ctx, cancel := signal.NotifyContext(cmd.Context(), unix.SIGINT)
		defer cancel()
		return wait(ctx, env, s, chosen, o)
	}
	return cmd
}

// wait looks, and goes on waiting until there is something to return for.
func wait(ctx context.Context, env Env, s *runsheet.Sheet, chosen selection, o waitOptions) error {
	observer := newObserver(env)
	which := chosen.now(ctx, env, observer, s)
	if len(which) == 0 {
		env.say("%s: nothing to wait for", chosen.none())
	}
	chosen = selection{runs: which}
	ears := observe.Listen()
	defer ears.Close()
	state := record.StateDir(s.Dir, s.Path)
	var over <-chan time.Time
	if o.timeout > 0 {
		over = time.After(o.timeout)
	}
	said := false
	for {
		began, heard := time.Now(), ears.To(state) // before anything is looked at
		launched, err := record.LauncherHeld(env.Disk, state)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("wait: %w", err)
		}
		snap, all := waitingSnapshot(ctx, env, observer, ears, s, chosen, launched)
		heard = heard && all
		code, why := waited(snap, observe.AbandonedIn(told(env, s)), launched, o.fors)
		switch {
		case ctx.Err() != nil:
			return exit(exitStopped)
		case code != goOn:
			return concludeWait(env, snap, code, why, o.json)
		case !launched && !said:
			env.say("no launcher is at work: what lives is waited for, and nothing is launched; `runsheet run` does that")
			said = true
		case launched:
			said = false
		}
		took, patience := time.Since(began), waitBlind
		if heard {
			patience = waitHeard
		}
		timer := time.NewTimer(min(patience, untilStuck(snap)))
		select {
		case <-ears.Heard():
			time.Sleep(min(took, time.Second)) // much may happen at once, and looking at thousands of runs takes its time
		case <-timer.C:
		case <-ctx.Done():
		case <-over:
			timer.Stop()
			return concludeWait(env, snap, exitTimeout, fmt.Sprintf("not over after %s", o.timeout), o.json)
		}
		timer.Stop()
	}
}

// waitingSnapshot observes the runs that are waited for. Where no launcher writes their ends into its journal, the ends are
// listened for themselves. all: whatever happens to them is heard of.
func waitingSnapshot(ctx context.Context, env Env, o *observe.Observer, ears *observe.Listener, s *runsheet.Sheet, chosen selection, launched bool) (snap runsheet.Snapshot, all bool) {
	snap = snapshotOf(ctx, env, o, s, chosen, (*observe.Observer).Brief)
	all = true
	if launched {
		return snap, all
	}
	for _, r := range snap.Runs {
		if plan.Lives(r) {
			all = ears.To(record.AttemptDir(r.Run.WorkDir, r.Attempt)) && all
		}
	}
	return snapshotOf(ctx, env, o, s, chosen, (*observe.Observer).Brief), all
}

// goOn: there is nothing to return for yet.
const goOn = -1

// waited returns the exit code for what is there, and says what it is.
func waited(snap runsheet.Snapshot, abandoned map[string]bool, launched bool, fors []string) (code int, why string) {
	asked := func(word runsheet.Status) bool {
		return slices.Contains(fors, string(word)) || slices.Contains(fors, "any")
	}
	open, finished, lives := 0, 0, false
	for _, r := range snap.Runs {
		over := plan.Over(r, snap.Sheet.Policy, launched, abandoned[r.Run.WorkDir])
		what := diagnose.Clean(fmt.Sprintf("%s is %s", r.Run.Name, r.Status))
		if r.Reason != "" {
			what += ": " + diagnose.Clean(r.Reason)
		}
		switch {
		case r.Status == runsheet.Finished && asked(runsheet.Finished):
			return exitDone, what
		case r.Status == runsheet.Failed && over && asked(runsheet.Failed):
			return exitFailed, what
		case r.Status == runsheet.Stuck && asked(runsheet.Stuck):
			return exitStuck, what
		}
		if !over {
			open++
			lives = lives || plan.Lives(r)
		}
		if r.Status == runsheet.Finished || r.Status == runsheet.Outdated {
			finished++
		}
	}
	switch {
	case open > 0 && (launched || lives):
		return goOn, ""
	case open > 0:
		return exitNobody, "no launcher is at work, and nothing lives; `runsheet run` launches what is left"
	case finished < len(snap.Runs):
		return exitFailed, ""
	}
	return exitDone, ""
}

// concludeWait says what there is.
func concludeWait(env Env, snap runsheet.Snapshot, code int, why string, json bool) error {
	line := report.CountLine(snap)
	if why != "" {
		line = why + " (" + line + ")"
	}
	env.say("%s", line)
	if json {
		doc, err := report.Status(snap).JSON()
		if err == nil {
			_, err = env.Out.Write(doc)
		}
		if err != nil {
			return err
		}
	}
	return exit(code)
}

// untilStuck returns how long it takes until the first of the runs is stuck, if nothing moves.
func untilStuck(snap runsheet.Snapshot) time.Duration {
	first := time.Hour
	for _, r := range snap.Runs {
		if r.Status == runsheet.Running && r.Live() {
			if d := runsheet.StuckAfter(r.Progress, snap.Sheet.Policy) - r.Idle(snap.AsOf); d > 0 {
				first = min(first, d+time.Millisecond)
			}
		}
	}
	return first
}
