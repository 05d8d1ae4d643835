package cli

import (
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"runsheet"
	"runsheet/internal/diagnose"
	"runsheet/internal/forkserver"
	"runsheet/internal/launcher"
)

func newPlan(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan [SHEET]",
		Short: "Say what run would do now, and why",
		Long: `Prints one line a run: what ` + "`runsheet run`" + ` would do about it now, and why. Nothing is started or changed.

Exit codes: 0 the plan could be made, 1 it could not, 2 the command line or the sheet is wrong.`,
		Args: cobra.MaximumNArgs(1),
	}
	name := sheetFlag(cmd)
	outdated := cmd.Flags().Bool("outdated", false, "plan as run --outdated does")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := sheetArg(args, *name)
		if err != nil {
			return err
		}
		s, err := loadSheet(env, path)
		if err != nil {
			return err
		}
		warn(env, s)
		if err := distinct(s); err != nil {
			return err
		}
		warnOfQueue(env, s, false)
		return showPlan(cmd, env, s, launcher.Options{Outdated: *outdated})
	}
	return cmd
}

func showPlan(cmd *cobra.Command, env Env, s *runsheet.Sheet, o launcher.Options) error {
	if err := distrusted(env, s); err != nil {
		return err
	}
	l := newLauncher(env, forkserver.Here(), s, o, nil, nil)
	actions, err := l.Plan(cmd.Context())
	if err != nil {
		return placed(err)
	}
	sayGone(cmd.Context(), env, s)
	w := tabwriter.NewWriter(env.Out, 0, 8, 2, ' ', 0)
	count := map[runsheet.Verb]int{}
	for _, a := range actions {
		count[a.Verb]++
		why := a.Reason
		if !a.Until.IsZero() {
			why += fmt.Sprintf(" (until %s)", a.Until.Format(time.TimeOnly))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", a.Verb, diagnose.Clean(s.Runs[a.Run].Name), s.Spelled(diagnose.Clean(why)))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if count[runsheet.VerbLaunch] > 0 {
		sayPrepared(env, s)
	}
	env.say("%d to launch, %d to wait for, %d to recover, %d to end, %d to leave, %d given up", count[runsheet.VerbLaunch],
		count[runsheet.VerbWait], count[runsheet.VerbRecover], count[runsheet.VerbEnd], count[runsheet.VerbLeave], count[runsheet.VerbGiveUp])
	if n := l.Outdated(); n > 0 && !o.Outdated && !s.Policy.RerunOutdated {
		env.say("%d outdated: %s", n, rerunHint(n))
	}
	return nil
}

// sayPrepared says what of the sheet's would run beside the commands, and on which machine.
func sayPrepared(env Env, s *runsheet.Sheet) {
	if s.Setup != "" {
		env.say("before the first start, on this machine: %s", diagnose.Clean(s.Setup))
	}
	first := s.Runs[0]
	if first.Activate == "" {
		return
	}
	of := "each command"
	if slices.ContainsFunc(s.Runs, func(r runsheet.Run) bool { return r.Activate != first.Activate }) {
		of = "the command of " + diagnose.Clean(first.Name) + ", and likewise before the others"
	}
	env.say("before %s, on its host: %s", of, diagnose.Clean(first.Activate))
}
