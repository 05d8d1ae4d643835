package cli

import (
	"context"
	"maps"
	"slices"
	"time"

	"runsheet"
	"runsheet/internal/executor/slurm"
	"runsheet/internal/forkserver"
	"runsheet/internal/observe"
	"runsheet/internal/record"
	"runsheet/internal/report"
)

// addAttempts adds all attempts of the runs of a snapshot to their documents. What the records do not say of those that ran
// in jobs of Slurm its accounting does, where there is one: it is asked once.
func addAttempts(ctx context.Context, env Env, snap runsheet.Snapshot, docs []report.RunDoc) {
	sys := record.NewSystem(env.Disk)
	jobs := map[string]bool{}
	for i := range docs {
		o := snap.Runs[i]
		if o.Claim == nil {
			continue
		}
		var earlier []report.AttemptDoc
		if o.Attempt > 1 && o.Silent.IsZero() {
			earlier, _, _ = observe.Try(ctx, o.Run.WorkDir, observe.Patience, func() (all []report.AttemptDoc) {
				for n := 1; n < o.Attempt; n++ {
					if v, err := record.LookAt(sys, o.Run.WorkDir, n); err == nil && v.Claim != nil { // a damaged one is check's business
						all = append(all, report.Attempt(v.Claim, v.Start, v.End))
					}
				}
				return all
			})
		}
		docs[i].Attempts = append(earlier, report.Attempt(o.Claim, o.Start, o.End))
		for _, a := range docs[i].Attempts {
			if a.Lacks() {
				jobs[*a.Job] = true
			}
		}
	}
	if len(jobs) == 0 {
		return
	}
	told := slurm.New(env.Disk, forkserver.Here()).Consumption(ctx, slices.Collect(maps.Keys(jobs)))
	for i := range docs {
		for k := range docs[i].Attempts {
			a := &docs[i].Attempts[k]
			if !a.Lacks() {
				continue
			}
			if c := execution(told[*a.Job], a.StartedAt); c != nil {
				a.Fill(*c)
			}
		}
	}
}

// execution returns which of the executions of a job an attempt was, by when it began: the supervisor comes up after its job.
func execution(all []runsheet.Consumption, started *string) (which *runsheet.Consumption) {
	if started == nil {
		return nil
	}
	at, err := time.Parse(time.RFC3339, *started)
	if err != nil {
		return nil
	}
	for i, c := range all {
		if !c.Began.After(at.Add(time.Second)) && (which == nil || c.Began.After(which.Began)) {
			which = &all[i]
		}
	}
	return which
}
