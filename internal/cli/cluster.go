package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"runsheet"
	"runsheet/internal/executor/slurm"
)

// warnOfQueue says what of a sheet's Slurm entries may surprise: once, before anything is planned or launched. Without such
// entries there is nothing to say. submits says that jobs are about to be submitted.
func warnOfQueue(env Env, s *runsheet.Sheet, submits bool) {
	uses := false
	for _, entry := range s.Pool {
		uses = uses || entry.Kind == slurm.Name
	}
	if !uses {
		return
	}
	if short := shortLimit(s); short != "" {
		complain(env, hinted(errors.New(short), "give them more time, or a shorter policy.stop_grace"))
	}
	if names := slurm.Unused(os.Environ()); submits && len(names) > 0 {
		complain(env, hinted(fmt.Errorf("%s of your environment is not used", strings.Join(names, ", ")),
			"what all jobs are to be given stands in the pool: `slurm: {options: [--reservation=course]}`; SBATCH_ACCOUNT and SBATCH_QOS are used"))
	}
}

// shortLimit warns of runs that are told to end when half of their time is over, because it is too short for their grace;
// empty where there are none.
func shortLimit(s *runsheet.Sheet) string {
	grace := s.Policy.StopGrace
	for _, entry := range s.Pool {
		for _, r := range s.Runs {
			limit := r.Resources.Time
			if limit == 0 {
				limit = entry.Time
			}
			if entry.Kind != slurm.Name || limit == 0 || limit >= 2*(grace+runsheet.LimitMargin) {
				continue
			}
			return fmt.Sprintf("runs with a time limit of %s are told to end after %s: stop_grace is %s, and %s are for the supervisor",
				runsheet.Span(limit), runsheet.Span(limit-runsheet.LimitLead(grace, limit)), runsheet.Span(grace), runsheet.Span(runsheet.LimitMargin))
		}
	}
	return ""
}
