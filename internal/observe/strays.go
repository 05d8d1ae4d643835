package observe

import (
	"context"
	"maps"
	"slices"

	"runsheet"
	"runsheet/internal/journal"
	"runsheet/internal/record"
)

// Strays returns the live attempts that a journal tells of and the sheet no longer has: they keep their slots, and are
// touched only by a person's stop.
func (o *Observer) Strays(ctx context.Context, sheet *runsheet.Sheet, events []journal.Event) []runsheet.Observed {
	known := make(map[string]bool, len(sheet.Runs))
	for _, r := range sheet.Runs {
		known[r.WorkDir] = true
	}
	var out []runsheet.Observed
	open := unended(events)
	for _, dir := range slices.Sorted(maps.Keys(open)) {
		if known[dir] {
			continue
		}
		name := open[dir].Run
		f := o.records(ctx, dir)
		if !f.Live() || record.Another(o.sys, sheet.Path, f.Claim.Sheet) { // our journal is a copy of its journal then
			continue
		}
		run := runsheet.Run{Name: name, WorkDir: dir, Shown: dir, Command: f.Claim.Identity, Progress: f.Claim.Progress}
		p := o.evidence(ctx, run, false)
		f.Progress, f.LastActivity = &p, p.LastActivity
		out = append(out, runsheet.Observed{Run: &run, Facts: f, Judgement: runsheet.Judge(run, f, sheet.Policy, p.AsOf)})
	}
	return out
}

// Vanished marks the runs of which a journal tells of an attempt without an end that the records do not show: a deleted
// work dir does not make a living attempt one that never was. facts[i] belongs to sheet.Runs[i].
func Vanished(sheet *runsheet.Sheet, events []journal.Event, facts []runsheet.Facts) {
	open := unended(events)
	for i, r := range sheet.Runs {
		if c, ok := open[r.WorkDir]; ok && facts[i].Hides(c) {
			facts[i] = facts[i].Vanished(c)
		}
	}
}

// GivenUp lets runs that are pending say why a launcher gave them up, if that is the last thing that its journal tells of
// them, and holds still. A launcher that began since has not given them up, or says so anew. Whether no host has room for
// a run is not for a journal to say: noHost says it of each of some runs, as the hosts are now; empty: one has.
func GivenUp(events []journal.Event, runs []runsheet.Observed, noHost func(which []int) []string) {
	last := map[string]journal.Event{}
	var began, ended int // the last start and the last end of a launcher
	at := map[string]int{}
	for n, e := range events {
		switch {
		case e.WorkDir != "":
			last[e.WorkDir], at[e.WorkDir] = e, n
		case e.Kind == journal.LauncherStarted:
			began = n
		case e.Kind == journal.LauncherEnded:
			ended = n
		}
	}
	var hosts []int
	for i, o := range runs {
		e, n := last[o.Run.WorkDir], at[o.Run.WorkDir]
		switch {
		case e.Kind != journal.GaveUp || o.Status != runsheet.Pending || o.Reason != "":
		case e.Cause.Kind == runsheet.CauseNoHost:
			hosts = append(hosts, i)
		case n < began:
		case n < ended:
			runs[i].Reason = "the last launcher gave it up: " + e.Text
		default:
			runs[i].Reason = "given up: " + e.Text
		}
	}
	if len(hosts) == 0 {
		return
	}
	for k, why := range noHost(hosts) {
		if why != "" {
			runs[hosts[k]].Reason = "given up: " + why
		}
	}
}

// unended returns, by work dir, the last claims of a journal that it has no end for.
func unended(events []journal.Event) map[string]runsheet.Claim {
	open := map[string]runsheet.Claim{}
	for _, e := range events {
		switch e.Kind {
		case journal.Claimed:
			open[e.WorkDir] = runsheet.Claim{Run: e.Run, Attempt: e.Attempt, Nonce: e.Nonce, WorkDir: e.WorkDir, Host: e.Host, Devices: e.Devices, At: e.At}
		case journal.Ended:
			delete(open, e.WorkDir)
		}
	}
	return open
}
