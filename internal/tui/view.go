package tui

import (
	"fmt"
	"strings"
	"time"

	"runsheet"
	"runsheet/internal/diagnose"
	"runsheet/internal/report"
)

const (
	maxEvents = 8  // that are shown
	maxBar    = 40 // columns of the terminal that the bar of the whole sheet takes
)

// Frame is what a picture is made of.
type Frame struct {
	Snapshot runsheet.Snapshot // its Sheet is nil until something is known
	Events   []Event           // oldest first
	Width    int               // of the terminal, in columns
	Height   int               // of the terminal, in lines
	Colour   bool
}

func (f Frame) style() report.Style { return report.Style{Width: f.Width, Colour: f.Colour} }

// View draws a sheet that is under way: a bar for all of it with its ETA, the runs counted by status, a line for each
// live attempt, and the last events. It has at most Height-1 lines of at most Width columns, without a line feed at the
// end: the line below it is left to the cursor.
func View(f Frame) string {
	rows := max(f.Height-1, 1)
	lines := head(f)
	lines = lines[:min(len(lines), rows)]
	rows -= len(lines)
	if f.Snapshot.Sheet != nil && rows > 0 {
		events := min(len(f.Events), maxEvents)
		live, _ := report.LiveLines(f.Snapshot, f.style(), len(f.Snapshot.Runs)+len(f.Snapshot.Strays))
		if n := len(live); n+events+1 > rows { // there is no room for all: live attempts get two thirds of it at least
			events = min(events, max(rows-n-1, rows/3))
			n = min(n, rows-events)
			if n < len(live) && n > 0 {
				n-- // for "and 12 more"
				hidden := len(live) - n
				live, _ = report.LiveLines(f.Snapshot, f.style(), n)
				live = append(live, f.style().Paint(report.Faint, report.End(fmt.Sprintf("and %d more", hidden), f.Width)))
			}
		}
		lines = append(lines, live...)
		rows -= len(live)
		if events > 0 && rows > events {
			lines = append(lines, "")
		}
		for _, e := range f.Events[len(f.Events)-events:] {
			lines = append(lines, report.End(e.String(), f.Width))
		}
	}
	return strings.Join(lines, "\n")
}

// head returns the bar of the whole sheet and the line of counts.
func head(f Frame) []string {
	s := f.Snapshot
	if s.Sheet == nil {
		return []string{report.End("looking at the runs", f.Width)}
	}
	percentage, _ := report.Percentage(s)
	tail := report.DoneLine(s)
	if eta, ok := report.ETA(s); ok && eta > 0 {
		tail += "  " + runsheet.Span(eta.Round(time.Second)) + " left"
	}
	name := report.Middle(diagnose.Clean(s.Sheet.Name), max(f.Width/3, 1))
	room := f.Width - report.Width(name) - report.Width(tail) - 4
	parts := []string{f.style().Paint(report.Bold, name), f.style().Paint(report.Green, report.Bar(percentage, min(room, maxBar))), tail}
	switch {
	case room < 4 && report.Width(name)+2+report.Width(tail) > f.Width:
		parts = []string{report.End(tail, f.Width)}
	case room < 4:
		parts = []string{parts[0], tail}
	}
	return []string{strings.Join(parts, "  "), report.End(report.CountLine(s), f.Width)}
}

// Table draws the status table for one who watches it, in at most Height-1 lines of at most Width columns: where there is
// no room for all runs, those first of which there is most to say.
func Table(f Frame) string {
	if f.Snapshot.Sheet == nil {
		return strings.Join(head(f), "\n")
	}
	style := f.style()
	style.Rows = max(f.Height-1-tableLines-len(f.Snapshot.Strays), 1)
	var b strings.Builder
	// A strings.Builder never fails.
	_ = report.StatusTable(&b, f.Snapshot, style)
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if rows := max(f.Height-1, 1); len(lines) > rows {
		lines = append(lines[:rows-1:rows-1], lines[len(lines)-1]) // what sums up stays
	}
	return strings.Join(lines, "\n")
}

// tableLines is how many lines a status table has besides its runs: titles, "and 9 more", a blank one, and what sums up.
const tableLines = 4
