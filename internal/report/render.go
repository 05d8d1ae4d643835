package report

import (
	"fmt"
	"slices"
	"strings"

	"runsheet/internal/diagnose"
	"runsheet/internal/durable"
)

// Formats lists what Table.Render takes.
func Formats() []string { return []string{"text", "md", "csv", "latex", "json"} }

// Render renders the table in one of Formats; any other is an error with a hint.
func (t Table) Render(format string) (string, error) {
	switch format {
	case "text":
		return t.Text(), nil
	case "md":
		return t.Markdown(), nil
	case "csv":
		return t.CSV()
	case "latex":
		return t.LaTeX(), nil
	case "json":
		return t.JSON()
	}
	return "", durable.WithHint(fmt.Errorf("results table: no such format: %q", format),
		"formats are "+strings.Join(Formats(), ", "))
}

// title says what the table shows: "uci: accuracy, mean ± std over seed".
func (t Table) title() string {
	what := "results"
	if len(t.Metrics) == 1 {
		what = diagnose.Clean(t.Metrics[0].Name)
	}
	text := diagnose.Clean(t.Sheet) + ": " + what
	if len(t.Over) > 0 {
		text += ", mean ± std over " + diagnose.Clean(strings.Join(t.Over, ", "))
	}
	for _, p := range t.Fixed {
		text += ", " + diagnose.Clean(p.Key+"="+p.Value)
	}
	return text
}

// headings returns the heading of each row label and of each column. The values of a column stand alone where that
// says enough, as "wine"; a number is given its name, as "lr=0.1".
func (t Table) headings() (labels, columns []string) {
	for _, a := range t.RowAxes {
		labels = append(labels, diagnose.Clean(a))
	}
	for _, c := range t.Columns {
		var parts []string
		for i, v := range c.Values {
			if speaks(v) {
				parts = append(parts, diagnose.Clean(v))
			} else {
				parts = append(parts, diagnose.Clean(t.ColumnAxes[i]+"="+v))
			}
		}
		if len(t.Metrics) > 1 || len(parts) == 0 {
			parts = append(parts, diagnose.Clean(c.Metric.Name))
		}
		columns = append(columns, strings.Join(parts, " "))
	}
	return labels, columns
}

// speaks says whether a value can be understood without the name of its parameter.
func speaks(v string) bool {
	switch v {
	case "", "on", "off", "yes", "no", "true", "false", "True", "False":
		return false
	}
	return strings.ContainsAny(v[:1], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") || v[0] >= 0x80
}

// label renders the value that a row has on an axis.
func label(v string) string {
	if v = diagnose.Clean(v); v != "" {
		return v
	}
	return missing
}

const (
	missing = "–"
	dagger  = "†"
)

// incomplete returns the marker of a cell in which not all runs have a value, as "2/3"; "" where none is due.
func (c Cell) incomplete() string {
	if c.N == c.Total || c.Total == 1 {
		return ""
	}
	return fmt.Sprintf("%d/%d", c.N, c.Total)
}

// any says whether some cell of the table is so.
func (t Table) any(is func(Cell) bool) bool {
	return slices.ContainsFunc(t.Rows, func(r ResultRow) bool { return slices.ContainsFunc(r.Cells, is) })
}

// legend explains the marks that the table uses; best is the mark of the best.
func (t Table) legend(best string) []string {
	var notes []string
	if t.any(func(c Cell) bool { return c.Best }) {
		notes = append(notes, best+" best of its column")
	}
	if t.any(func(c Cell) bool { return c.incomplete() != "" }) {
		notes = append(notes, "(n/m) n of m runs are finished and have it")
	}
	if t.any(func(c Cell) bool { return c.Outdated > 0 }) {
		notes = append(notes, dagger+" some of the runs are outdated")
	}
	if note := t.mixed(); note != "" {
		notes = append(notes, note)
	}
	return notes
}

// mixed says by which versions of the code the results were made, where there is more than one.
func (t Table) mixed() string {
	if len(t.Code) < 2 {
		return ""
	}
	var parts []string
	changed := map[string]bool{}
	for i, v := range t.Code {
		who := fmt.Sprint(v.Runs)
		if i == 0 {
			who = plural(v.Runs, "run")
		}
		text := fmt.Sprintf("%s by commit %.10s", who, v.Commit)
		switch {
		case v.Dirty && changed[v.Commit]:
			text += " with other changes"
		case v.Dirty:
			text += " with changes"
		}
		changed[v.Commit] = changed[v.Commit] || v.Dirty
		parts = append(parts, text)
	}
	return "made by different code: " + strings.Join(parts, ", ")
}

// empty says why there is no table to show; "" where there is one.
func (t Table) empty() string {
	switch {
	case len(t.Rows) == 0:
		return "no runs"
	case len(t.Metrics) == 0:
		return "no finished run has metrics"
	}
	return ""
}
