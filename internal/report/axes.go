package report

import (
	"fmt"
	"slices"
	"strings"

	"runsheet"
	"runsheet/internal/diagnose"
	"runsheet/internal/durable"
)

const (
	maxColumnValues = 8  // of an axis that becomes columns without being asked to
	maxColumns      = 12 // of a table that nobody laid out
	runAxis         = "run"
)

// measuredOn are names of axes that say what is measured on rather than what is measured.
var measuredOn = []string{
	"dataset", "datasets", "data", "data_set", "benchmark", "task", "env", "environment", "game", "domain", "corpus",
	"lang", "language", "target", "subject", "split", "fold",
}

// axes are the parameters of a sheet.
type axes struct {
	names  []string            // in the order of the sheet
	values map[string][]string // of each, in the order of the sheet; runs without the parameter count with an empty value
}

func newAxes(s runsheet.Snapshot) axes {
	a := axes{names: slices.Clone(s.Sheet.Axes), values: map[string][]string{}}
	for _, o := range s.Runs {
		for _, p := range o.Run.Params {
			if !slices.Contains(a.names, p.Key) {
				a.names = append(a.names, p.Key)
			}
		}
	}
	for _, name := range a.names {
		seen := map[string]bool{}
		for _, o := range s.Runs {
			if v, _ := o.Run.Value(name); !seen[v] {
				seen[v] = true
				a.values[name] = append(a.values[name], v)
			}
		}
	}
	return a
}

// choose decides which axes are rows, columns, averaged over, or left out.
func (a axes) choose(t *Table, s runsheet.Snapshot, opt Options) error {
	for i, name := range slices.Concat(opt.Rows, opt.Columns) {
		switch {
		case !slices.Contains(a.names, name):
			return unknown("axis", name, "the sheet has", a.names)
		case slices.Contains(slices.Concat(opt.Rows, opt.Columns)[:i], name):
			return durable.WithHint(fmt.Errorf("results table: axis %q is named twice", name),
				"an axis is either rows or columns")
		}
	}
	t.RowAxes, t.ColumnAxes = opt.Rows, opt.Columns
	var free []string // axes that nobody has placed
	for _, name := range a.names {
		switch {
		case slices.Contains(opt.Rows, name) || slices.Contains(opt.Columns, name):
		case name == s.Sheet.Repeat:
			t.Over = append(t.Over, name)
		case len(a.values[name]) < 2:
			if len(a.values[name]) == 1 {
				t.Fixed = append(t.Fixed, runsheet.Param{Key: name, Value: a.values[name][0]})
			}
		default:
			free = append(free, name)
		}
	}
	switch {
	case len(opt.Rows) > 0 && len(opt.Columns) > 0:
		t.Over = append(t.Over, free...)
	case len(opt.Rows) > 0:
		t.ColumnAxes = free
	case len(opt.Columns) > 0:
		t.RowAxes = free
	case len(a.names) == 0:
		t.RowAxes = []string{runAxis}
	default:
		t.RowAxes = free
		if column := a.columnAxis(free, len(t.Metrics)); column != "" {
			t.RowAxes, t.ColumnAxes = without(free, column), []string{column}
		}
	}
	return nil
}

// columnAxis returns the axis that becomes columns, or "".
func (a axes) columnAxis(free []string, metrics int) string {
	if len(free) < 2 {
		return ""
	}
	suits := func(name string, most int) bool {
		n := len(a.values[name])
		return n <= most && n*max(metrics, 1) <= maxColumns
	}
	for _, name := range free {
		if slices.Contains(measuredOn, strings.ToLower(name)) && suits(name, maxColumns) {
			return name
		}
	}
	for _, name := range free {
		if suits(name, maxColumnValues) {
			return name
		}
	}
	return ""
}

func without(names []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == name })
}

// combinations returns the combinations of values of some axes that there are runs for, in the order of the values; for
// no axes a single empty one.
func (a axes) combinations(s runsheet.Snapshot, names []string) [][]string {
	if len(names) == 0 {
		return [][]string{nil}
	}
	var all [][]string
	seen := map[string]bool{}
	for _, o := range s.Runs {
		values := valuesOf(*o.Run, names)
		if k := strings.Join(values, "\x00"); !seen[k] {
			seen[k] = true
			all = append(all, values)
		}
	}
	slices.SortStableFunc(all, func(x, y []string) int {
		for i, name := range names {
			if d := slices.Index(a.values[name], x[i]) - slices.Index(a.values[name], y[i]); d != 0 {
				return d
			}
		}
		return 0
	})
	return all
}

// valuesOf returns the values that a run has on some axes; "" where it has none.
func valuesOf(run runsheet.Run, names []string) []string {
	var values []string
	for _, name := range names {
		v, ok := run.Value(name)
		if !ok && name == runAxis {
			v = run.Name
		}
		values = append(values, v)
	}
	return values
}

// unknown is the error for a name that there is not.
func unknown(what, name, who string, there []string) error {
	hint := who + " none"
	if len(there) > 0 {
		hint = who + " " + diagnose.Clean(strings.Join(there, ", "))
	}
	return durable.WithHint(fmt.Errorf("results table: no such %s: %q", what, name), hint)
}
