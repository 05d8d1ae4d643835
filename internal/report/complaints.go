package report

import (
	"fmt"
	"strings"
	"time"

	"runsheet"
	"runsheet/internal/diagnose"
	"runsheet/internal/shell"
)

// complaints says what is wrong with runs, below the table: each reason once, with the runs that have it and what a
// person may do about it.
func complaints(s runsheet.Snapshot, style Style) []string {
	type complaint struct {
		status runsheet.Status
		text   string
		hint   string
	}
	var order []complaint
	runs, first := map[complaint][]string{}, map[complaint]runsheet.Observed{}
	more := map[complaint]string{} // what is said of the first run that has it
	for _, o := range s.Runs {
		text, hint := complain(o)
		if text == "" {
			continue
		}
		c := complaint{o.Status, text, hint}
		if runs[c] == nil {
			order, first[c] = append(order, c), o
			more[c] = particulars(o, s.AsOf)
		}
		runs[c] = append(runs[c], diagnose.Clean(o.Run.Name))
	}
	var lines []string
	for _, c := range order {
		names := runs[c]
		who := names[0]
		if n := len(names) - 1; n > 0 {
			who += fmt.Sprintf(" and %d more", n)
		}
		lines = append(lines, "", fmt.Sprintf("%s %s: %s", who, style.Paint(Of(c.status), string(c.status)), s.Sheet.Spelled(c.text+more[c])))
		if c.hint != "" {
			lines = append(lines, "  hint: "+spelledFor(s.Sheet, first[c], c.hint))
		}
	}
	return lines
}

// particulars returns the words about one run alone: how its command differs from the one that made its result, or when it is
// tried again.
func particulars(o runsheet.Observed, now time.Time) string {
	switch {
	case o.Status == runsheet.Outdated && o.MadeByAnother(*o.Run):
		return ": " + diagnose.Clean(runsheet.CommandDiff(o.Claim.Identity, o.Run.Command))
	case o.Status == runsheet.Outdated:
		return ": " + diagnose.Clean(o.Reason)
	case o.Next != nil:
		return "; " + o.Next.Words(now)
	}
	return ""
}

// spelledFor completes the commands in a hint about a run, for which RUN stands. Where no sheet is looked at, the run's own
// claim tells which sheet knows it, and by which name.
func spelledFor(sheet *runsheet.Sheet, o runsheet.Observed, hint string) string {
	name := o.Run.Name
	// A copy's claim names the sheet of the original, to which a command must not go.
	if sheet.Path == "" && o.Claim != nil && o.Claim.Sheet != "" && o.Claim.WorkDir == o.Run.WorkDir && strings.Contains(hint, "RUN") {
		name = o.Claim.Run
		sheet = &runsheet.Sheet{Path: o.Claim.Sheet, Typed: shell.Argument(o.Claim.Sheet)}
	}
	return sheet.Spelled(strings.ReplaceAll(hint, "RUN", shell.Argument(diagnose.Clean(name))))
}

// complain returns what is wrong with a run, and a hint in which RUN stands for its name; empty: nothing.
func complain(o runsheet.Observed) (text, hint string) {
	p := o.Final()
	// What an attempt of ours left broken is in the reason for its failure, and the next one puts it right.
	broken := p != nil && p.Error != "" && !o.Reading && !done(o) && (p.Broken == "" || o.Status != runsheet.Failed)
	switch {
	case o.Foreign != nil:
		return diagnose.Clean(o.Problem), runsheet.ForeignHint(*o.Run, *o.Foreign)
	case !o.Silent.IsZero():
		return o.Reason, "nothing is launched there meanwhile, and nothing else waits for it; it is known again once that answers"
	case o.Reading && p != nil && p.Error != "":
		return diagnose.Clean(p.Error), "there is much of it; `runsheet status` goes on from where this one stopped"
	case o.Problem != "":
		return diagnose.Clean(o.Problem), "`runsheet check` says what to do about it"
	case broken:
		text = diagnose.Clean(p.Error)
		if o.Reason != "" && o.Reason != p.Error {
			text = diagnose.Clean(o.Reason) + "; " + text
		}
		return text, "look at the file; once it is mended or moved away, `runsheet status --recompute` reads the evidence anew"
	case o.Next != nil:
		return diagnose.Clean(o.Reason), "`runsheet logs RUN` shows what it printed; the launcher that is running tries it again by itself"
	case o.Status == runsheet.Outdated && o.Run.Sheet == "": // nobody has said how it is run
	case o.Status == runsheet.Outdated && o.MadeByAnother(*o.Run):
		return "made by another command", rerunHint
	case o.Status == runsheet.Outdated:
		return "older than the sheet wants it", rerunHint
	case o.Status == runsheet.Failed && o.End == nil && o.Claim == nil:
		return diagnose.Clean(o.Reason), "`runsheet run` goes on with it"
	case o.Status == runsheet.Failed && o.End != nil && o.End.Kind == runsheet.EndVoid:
		return diagnose.Clean(o.Reason), "once that is mended, `runsheet run` tries again"
	case o.Status == runsheet.Failed && goesOn(o.Facts):
		return diagnose.Clean(o.Reason), "the next `runsheet run`, or the one that is running, goes on with it"
	case o.Status == runsheet.Failed:
		return diagnose.Clean(o.Reason), "`runsheet logs RUN` shows what it printed, `runsheet retry RUN` lets it be tried again"
	case o.Status == runsheet.Stopped && o.StopRequested():
		return diagnose.Clean(o.Reason), "`runsheet retry RUN` lets it be launched again, `runsheet run --resume-stopped` goes on with all that were stopped"
	case o.Status == runsheet.Stuck:
		return diagnose.Clean(o.Reason), "`runsheet logs RUN` shows what it printed last, `runsheet stop RUN` ends it"
	case o.Status == runsheet.Unknown && o.Live():
		if o.Claim.Batch != "" {
			return diagnose.Clean(o.Reason), "nothing is launched twice meanwhile; `runsheet status` tells when it is known"
		}
		return diagnose.Clean(o.Reason), "once you know that nothing of it runs any more: `runsheet retry --force RUN`"
	case o.Status == runsheet.Unknown:
		return diagnose.Clean(o.Reason), "a total in the sheet (`progress: {epochs: 20}`) would tell whether it is done"
	}
	return "", ""
}

// rerunHint is for runs that are outdated.
const rerunHint = "`runsheet run --outdated` makes outdated runs anew, and deletes nothing"

// goesOn says whether the last attempt ended in a way that uses up no retry: its run was not to blame.
func goesOn(f runsheet.Facts) bool {
	kind := runsheet.EndKind("")
	switch {
	case f.End != nil:
		kind = f.End.Kind
	case f.Over != nil:
		kind = f.Over.Kind
	}
	return kind == runsheet.EndPreempted || kind == runsheet.EndTimeLimit
}
