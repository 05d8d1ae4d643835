package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"runsheet"
	"runsheet/internal/diagnose"
)

// SummaryLine says how a sheet stands, as "18 runs: 4 pending, 2 running, 12 finished; 74% done, about 12s left".
func SummaryLine(s runsheet.Snapshot) string {
	text := CountLine(s)
	if len(s.Runs) > 0 {
		text += "; " + DoneLine(s) + " done"
	}
	if eta, ok := ETA(s); ok && eta > 0 {
		text += ", about " + runsheet.Span(eta.Round(time.Second)) + " left"
	}
	return text
}

// DoneLine says how much of a sheet is done, as "74%", or "at least 74%" where the evidence of a run is still being read.
func DoneLine(s runsheet.Snapshot) string {
	p, _ := Percentage(s)
	if slices.ContainsFunc(s.Runs, beingRead) {
		return "at least " + Percent(p)
	}
	return Percent(p)
}

// CountLine says how many runs there are of each status, as "18 runs: 4 pending, 2 running, 12 finished".
func CountLine(s runsheet.Snapshot) string {
	n := Count(s)
	var parts []string
	for _, status := range runsheet.Statuses {
		if n[status] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[status], status))
		}
	}
	text := plural(len(s.Runs), "run")
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	return text
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Percent renders a share in [0, 100]. It rounds down: what is not complete never reads 100%.
func Percent(p float64) string { return fmt.Sprintf("%d%%", int(math.Floor(p+1e-6))) }

func share(o runsheet.Observed) string {
	if p, ok := RunPercentage(o); ok {
		return Percent(p)
	}
	return ""
}

// amount says how much of a run is done, as "7/20 epoch" or "7 epoch"; empty where nothing is known.
func amount(o runsheet.Observed) string {
	completed, total, unit := amounts(o)
	p := o.Final()
	text := ""
	switch {
	case o.Foreign != nil || !o.Silent.IsZero() || o.Reading && p != nil && p.Error != "":
		return "" // nothing is known of it
	case p != nil && p.Error != "" && p.Completed > 0:
		return fmt.Sprintf("%d whole, broken", p.Completed)
	case p != nil && p.Error != "":
		return "broken"
	case total > 0 && !byExit(o):
		text = fmt.Sprintf("%d/%d ", completed, total)
	case completed > 0:
		text = fmt.Sprintf("%d ", completed)
	default:
		return ""
	}
	return strings.TrimRight(text+diagnose.Clean(unit), " ")
}

// timing says when a run will be done ("12s left"), how long it has gone on where nobody knows that ("for 3m"), or when
// it ended ("2h ago").
func timing(o runsheet.Observed, now time.Time) string {
	if eta, ok := RunETA(o, now); ok && eta > 0 {
		return runsheet.Span(eta.Round(time.Second)) + " left"
	}
	switch {
	case o.Live() && began(o):
		return "for " + runsheet.Span(now.Sub(o.Start.At).Truncate(time.Second))
	case o.Live():
		return "for " + runsheet.Span(now.Sub(o.Claim.At).Truncate(time.Second))
	case o.End != nil:
		return runsheet.Span(now.Sub(o.End.At).Truncate(time.Second)) + " ago"
	}
	return ""
}

// shownMetrics returns the metrics that have a column in tables of runs: those that the sheet declares, otherwise the
// first by name; never many.
func shownMetrics(s runsheet.Snapshot) []string {
	var names []string
	for _, m := range s.Sheet.Metrics {
		names = append(names, m.Name)
	}
	if len(names) == 0 {
		names = metricNames(s.Runs)
	}
	return names[:min(len(names), maxMetrics)]
}

// metricNames returns the names of all metrics that runs have, sorted.
func metricNames(runs []runsheet.Observed) []string {
	var names []string
	seen := map[string]bool{}
	for _, o := range runs {
		if p := o.Final(); p != nil && p.Error == "" {
			for name := range p.Metrics {
				if !seen[name] {
					seen[name] = true
					names = append(names, name)
				}
			}
		}
	}
	slices.Sort(names)
	return names
}

// metricValue renders a metric of a run with four significant digits; empty: the run has none.
func metricValue(o runsheet.Observed, name string) string {
	p := o.Final()
	if p == nil || p.Error != "" {
		return ""
	}
	v, ok := p.Metrics[name]
	if !ok {
		return ""
	}
	return newNumbers([]float64{v}, nil).mean(v)
}
