package observe

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"runsheet"
	"runsheet/internal/journal"
	"runsheet/internal/record"
)

// Strays returns the live attempts that a journal tells of and the sheet no longer has: they keep their slots, and are
// touched only by a person's stop. Each is looked at as Brief does.
func (o *Observer) Strays(ctx context.Context, sheet *runsheet.Sheet, events []journal.Event) []runsheet.Observed {
	return o.strays(ctx, sheet, events, func(ctx context.Context, run runsheet.Run) runsheet.Facts { return o.look(ctx, run, brief) })
}

// GlanceStrays is Strays with a glance at each.
func (o *Observer) GlanceStrays(ctx context.Context, sheet *runsheet.Sheet, events []journal.Event) []runsheet.Observed {
	return o.strays(ctx, sheet, events, o.glance)
}

func (o *Observer) strays(ctx context.Context, sheet *runsheet.Sheet, events []journal.Event, look func(context.Context, runsheet.Run) runsheet.Facts) []runsheet.Observed {
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
		c := open[dir]
		run := runsheet.Run{Name: c.Run, Params: named(c.Run), WorkDir: dir, Shown: dir}
		f, _ := o.recorded(ctx, run)
		switch {
		case !f.Silent.IsZero(): // it may live, and keeps its place until somebody knows better
			silent := runsheet.Facts{Attempt: c.Attempt, Claim: &c}
			f = unheard(silent, f.Silent)
		case !f.Live() || o.another(ctx, sheet.Path, f.Claim.Sheet):
			continue
		default:
			run.Command, run.Progress = f.Claim.Identity, f.Claim.Progress
			if f = look(ctx, run); !f.Live() {
				continue
			}
		}
		out = append(out, runsheet.Observed{Run: &run, Facts: f, Judgement: runsheet.Judge(run, f, sheet.Policy, time.Now())})
	}
	return out
}

// named returns the parameters that a run's name is made of, by the same escapes.
func named(name string) (params []runsheet.Param) {
	for part := range strings.SplitSeq(name, ",") {
		key, value, ok := strings.Cut(part, "=")
		plain, err := url.PathUnescape(value)
		if ok && err == nil {
			params = append(params, runsheet.Param{Key: key, Value: plain})
		}
	}
	return params
}

// another says whether a sheet is not the same file as another one, which is there: our journal is a copy of its journal
// then. One that was moved is not there any more.
func (o *Observer) another(ctx context.Context, ours, theirs string) bool {
	if ours == theirs {
		return false
	}
	another, _, _ := Try(ctx, theirs, Patience, func() bool { return record.Another(o.sys, ours, theirs) })
	return another
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

// GivenUp gives pending runs the reason for which the last launcher gave them up. It must be the journal's last word on the
// run, and no launcher may have begun since. Where no host had room, noHost is asked again, since hosts change: it returns
// the reason for each of some runs, empty where a host has room now.
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
		case e.Kind != journal.GaveUp || o.Status != runsheet.Pending || o.Reason != "" && !refused(o):
		case e.Cause.Kind == runsheet.CauseNoHost && !refused(o):
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

// Deleted gives pending runs whose records were deleted a reason that says so.
func Deleted(events []journal.Event, runs []runsheet.Observed) {
	known := map[string]int{}
	for _, e := range events {
		if e.Kind == journal.Claimed {
			known[e.WorkDir] = e.Attempt
		}
	}
	for i, o := range runs {
		if n := known[o.Run.WorkDir]; n > 0 && o.Attempt == 0 && o.Status == runsheet.Pending && o.Reason == "" {
			runs[i].Reason = runsheet.DeletedReason(n)
		}
	}
}

// AbandonedIn returns the work dirs of the runs that the launcher of a journal's last session has given up, and nobody has
// asked for since.
func AbandonedIn(events []journal.Event) map[string]bool {
	given := map[string]bool{}
	for _, e := range events {
		switch e.Kind {
		case journal.LauncherStarted:
			clear(given)
		case journal.GaveUp:
			given[e.WorkDir] = true
		case journal.Claimed, journal.Requested:
			delete(given, e.WorkDir)
		}
	}
	return given
}

// refused says whether the last attempt was for a place that will never take it.
func refused(o runsheet.Observed) bool {
	return o.End != nil && o.End.Cause.Kind == runsheet.CauseRefused
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
