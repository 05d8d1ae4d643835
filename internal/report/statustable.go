package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"runsheet"
	"runsheet/internal/diagnose"
)

const (
	barWidth   = 10 // of a bar in a table, in columns of the terminal
	maxMetrics = 3  // columns of metrics in a table
)

// StatusTable writes the status table of a snapshot: a line for each run, one that sums up, and below it what went
// wrong, with hints. Where style.Rows is set, the table is one that is drawn again and again: it stays within
// style.Rows+4 lines and live attempts that the sheet no longer has, each of style.Width, and says nothing of what went
// wrong. It returns the error of w.
func StatusTable(w io.Writer, s runsheet.Snapshot, style Style) error {
	out := bufio.NewWriter(w)
	shown, hidden := choose(s.Runs, style.Rows)
	if len(shown) > 0 || len(s.Strays) > 0 {
		for _, line := range Lay(runColumns(s, append(slices.Clip(shown), strays(s)...), style, false), style, true) {
			fmt.Fprintln(out, line)
		}
		if hidden > 0 {
			fmt.Fprintln(out, style.Paint(Faint, cut(fmt.Sprintf("and %d more", hidden), style.Width)))
		}
		fmt.Fprintln(out)
	}
	summary := fmt.Sprintf("%s: %s, as of %s", diagnose.Clean(s.Sheet.Name), SummaryLine(s), s.AsOf.Format(time.DateTime))
	if style.Rows > 0 {
		summary = cut(summary, style.Width)
	}
	fmt.Fprintln(out, style.Paint(Bold, summary))
	if style.Rows == 0 {
		lines := complaints(s, style)
		if text, hint := Gone(s.Sheet, s.Gone); text != "" {
			lines = append(lines, "", text, "  hint: "+hint)
		}
		for _, line := range lines {
			fmt.Fprintln(out, line)
		}
	}
	return out.Flush()
}

func cut(s string, width int) string {
	if width <= 0 {
		return s
	}
	return End(s, width)
}

// choose returns at most rows runs (0: all), in the order of the sheet: those first of which there is most to say. It
// also returns how many were left out.
func choose(runs []runsheet.Observed, rows int) ([]runsheet.Observed, int) {
	if rows <= 0 || len(runs) <= rows {
		return runs, 0
	}
	interest := func(o runsheet.Observed) int {
		if o.Live() {
			return 0
		}
		return 1 + slices.Index([]runsheet.Status{runsheet.Failed, runsheet.Stuck, runsheet.Unknown, runsheet.Running,
			runsheet.Queued, runsheet.Stopped, runsheet.Outdated, runsheet.Pending, runsheet.Finished}, o.Status)
	}
	order := make([]int, len(runs))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(interest(runs[a]), interest(runs[b])) })
	order = order[:rows]
	slices.Sort(order)
	var chosen []runsheet.Observed
	for _, i := range order {
		chosen = append(chosen, runs[i])
	}
	return chosen, len(runs) - rows
}

// runColumns returns the columns that say how runs are getting on. For the lines of live attempts, which have no titles,
// a metric is given its name, and what is usual is not said: that it is running, at the first try.
func runColumns(s runsheet.Snapshot, runs []runsheet.Observed, style Style, live bool) []Column {
	column := func(c Column, cell func(o runsheet.Observed) string) Column {
		for _, o := range runs {
			c.Cells = append(c.Cells, cell(o))
		}
		return c
	}
	name, barKeep := nameWidth(style), 3
	if live {
		name, barKeep = max(12, name*5/6), 5
	}
	colour := func(i int) Paint { return Of(runs[i].Status) }
	columns := []Column{
		column(Column{Title: "RUN", Min: name, Keep: 9, Cut: 2}, func(o runsheet.Observed) string { return diagnose.Clean(o.Run.Name) }),
		column(Column{Title: "STATUS", Keep: 8, Paint: colour}, func(o runsheet.Observed) string {
			if live && o.Status == runsheet.Running {
				return ""
			}
			return string(o.Status)
		}),
	}
	if style.Width > 0 {
		columns = append(columns, column(Column{Keep: barKeep, Paint: colour}, func(o runsheet.Observed) string {
			if p, ok := RunPercentage(o); ok {
				return Bar(p, barWidth)
			}
			return ""
		}))
	}
	done := Column{Title: "DONE", Keep: 7, Right: true}
	if live && style.Width >= 60 {
		done.Keep = -1 // the bar and the amount say as much
	}
	columns = append(columns,
		column(done, share),
		column(Column{Title: "PROGRESS", Keep: 6}, amount))
	if s.Sheet.Path == "" { // whatever was recognised: by which tracker
		columns = append(columns, column(Column{Title: "TRACKER", Keep: 1}, func(o runsheet.Observed) string {
			if o.Progress == nil {
				return ""
			}
			return diagnose.Clean(o.Progress.Source)
		}))
	}
	for _, name := range shownMetrics(s) {
		columns = append(columns, column(Column{Title: Middle(diagnose.Clean(name), 16), Keep: 5, Right: true},
			func(o runsheet.Observed) string {
				v := metricValue(o, name)
				if live && v != "" {
					v = Middle(diagnose.Clean(name), 16) + " " + v
				}
				return v
			}))
	}
	return append(columns,
		column(Column{Title: "TRY", Keep: 0, Right: true}, func(o runsheet.Observed) string {
			switch {
			case o.Attempt == 0 || live && o.Attempt == 1:
				return ""
			case live:
				return "try " + strconv.Itoa(o.Attempt)
			}
			return strconv.Itoa(o.Attempt)
		}),
		column(Column{Title: "HOST", Min: 8, Keep: 1, Cut: 1}, func(o runsheet.Observed) string {
			if o.Claim == nil {
				return ""
			}
			if began(o) && o.Start.Job != "" {
				return diagnose.Clean(o.Where() + " " + o.Start.Job)
			}
			return diagnose.Clean(o.Where())
		}),
		column(Column{Title: "TIME", Keep: 4}, func(o runsheet.Observed) string { return timing(o, s.AsOf) }),
		column(Column{Title: "REASON", Min: 16, Keep: 2, Cut: 0}, func(o runsheet.Observed) string { return s.Sheet.Spelled(diagnose.Clean(o.Reason)) }))
}

// strays returns the live attempts that the sheet no longer has, with a reason that says so.
func strays(s runsheet.Snapshot) []runsheet.Observed {
	var said []runsheet.Observed
	for _, o := range s.Strays {
		o.Reason = strings.TrimSuffix("not in the sheet any more: "+o.Reason, ": ")
		said = append(said, o)
	}
	return said
}

// nameWidth returns to how many columns of the terminal the names of runs may be cut before anything else is left out:
// three eighths of them, as the name tells more than the rest.
func nameWidth(style Style) int { return max(12, min(style.Width*3/8, 40)) }

// LiveLines returns a line for each live attempt, at most most of them, and how many are not shown: those of the sheet in
// its order, and after them those that the sheet no longer has.
func LiveLines(s runsheet.Snapshot, style Style, most int) (shown []string, hidden int) {
	var runs []runsheet.Observed
	for i := range s.Runs { // there may be thousands, and few of them live
		if o := &s.Runs[i]; o.Live() || o.Status == runsheet.Running {
			runs = append(runs, *o)
		}
	}
	runs = append(runs, strays(s)...)
	if n := len(runs) - max(most, 0); n > 0 {
		runs, hidden = runs[:len(runs)-n], n
	}
	return Lay(runColumns(s, runs, style, true), style, false), hidden
}
