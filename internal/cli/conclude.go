package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"runsheet"
	"runsheet/internal/diagnose"
	"runsheet/internal/launcher"
	"runsheet/internal/report"
	"runsheet/internal/shell"
)

// conclude says what came of a launch, and turns it into an exit code.
func conclude(env Env, s *runsheet.Sheet, out launcher.Outcome, left int, o runOptions, took time.Duration) error {
	count := report.Count(out.Snapshot)
	var parts []string
	for _, status := range runsheet.Statuses {
		if n := count[status]; n > 0 && status != runsheet.Finished {
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
		}
	}
	line := fmt.Sprintf("%d of %d finished", count[runsheet.Finished], len(s.Runs))
	if len(parts) > 0 {
		line += ", " + strings.Join(parts, ", ")
	}
	env.say("%s, %s", line, runsheet.Span(took))
	if out.Left {
		if count[runsheet.Running]+count[runsheet.Queued]+count[runsheet.Stuck]+count[runsheet.Unknown] > 0 {
			env.say("the runs go on; `runsheet run` adopts them")
		}
		return exit(left)
	}
	complaints(env, out.Snapshot.Runs)
	if n := live(out.Snapshot.Runs); out.Stopped && n > 0 {
		env.say("  %d of them may live, or wait in a queue: nobody could be asked to end them. `runsheet run` adopts them, `runsheet stop status=running,queued,unknown` ends them", n)
	}
	if n := count[runsheet.Outdated]; n > 0 && !o.launcher.Outdated {
		env.say("  %d outdated: made by another command, or too old; `runsheet run --outdated` makes %s anew, and deletes nothing",
			n, map[bool]string{true: "it", false: "them"}[n == 1])
	}
	if out.Broken != "" {
		complain(env, hinted(errors.New("nothing more was launched: "+out.Broken),
			"look at one of them with `runsheet logs "+shell.Argument(firstFailed(out.Snapshot.Runs))+"`, mend the cause, and run again; or just run again: what was never tried goes first, and what failed before stops nothing"))
	}
	if count[runsheet.Finished]+count[runsheet.Outdated] > 0 {
		if err := results(env.Out, out.Snapshot, report.Options{}, "text"); err != nil {
			complain(env, err) // the runs are what they are, whatever the table says
		}
	}
	switch {
	case out.Stopped:
		return exit(exitStopped)
	case o.launcher.Once:
		if count[runsheet.Failed] > 0 && len(out.GivenUp) > 0 || out.Broken != "" {
			return exit(exitFailed)
		}
		return nil
	case count[runsheet.Finished]+count[runsheet.Outdated] == len(s.Runs):
		return nil
	}
	return exit(exitFailed)
}

// live counts the runs with an attempt of which nobody knows that it has ended.
func live(runs []runsheet.Observed) (n int) {
	for _, r := range runs {
		if r.Live() {
			n++
		}
	}
	return n
}

// firstFailed names the first run that failed.
func firstFailed(runs []runsheet.Observed) string {
	i := slices.IndexFunc(runs, func(r runsheet.Observed) bool { return r.Status == runsheet.Failed })
	return runs[max(i, 0)].Run.Name
}

// complaints says which runs were not brought to their end, and why: each reason once.
func complaints(env Env, runs []runsheet.Observed) {
	names := map[string][]string{} // by what is wrong with them
	var order []string
	for _, r := range runs {
		if r.Status != runsheet.Failed && r.Status != runsheet.Unknown {
			continue
		}
		what := fmt.Sprintf("%s: %s", r.Status, diagnose.Clean(r.Reason))
		if names[what] == nil {
			order = append(order, what)
		}
		names[what] = append(names[what], diagnose.Clean(r.Run.Name))
	}
	for _, what := range order {
		who := names[what][0]
		if n := len(names[what]) - 1; n > 0 {
			who += fmt.Sprintf(" and %d more", n)
		}
		env.say("  %s: %s", who, what)
	}
}
