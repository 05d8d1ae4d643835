package report

import (
	"math"
	"slices"
	"strings"
	"time"

	"runsheet"
)

// Options say how a results table is laid out. The zero value leaves it to Results.
type Options struct {
	Rows    []string // axes whose values name the rows
	Columns []string // axes whose values name the columns
	Metrics []string // in this order
}

// Table is a results table: a cell for each row, column and metric, each the mean over the runs that belong there.
type Table struct {
	Sheet      string
	AsOf       time.Time
	RowAxes    []string         // what the labels of a row stand for; {"run"} where runs have no parameters
	ColumnAxes []string         // what the values of a column stand for
	Over       []string         // the axes that are averaged over
	Fixed      []runsheet.Param // parameters that are the same in all runs and are not in the table
	Metrics    []runsheet.MetricSpec
	Columns    []ResultColumn
	Rows       []ResultRow
	Code       []CodeVersion // what made the results, in the order of the sheet, as far as that is known
}

// CodeVersion is the code that some of the runs of a table were made by.
type CodeVersion struct {
	Commit string
	Diff   string // names the changes since; empty: there were none, or they were not kept
	Dirty  bool   // there were changes
	Runs   int
}

// ResultColumn is a column of cells.
type ResultColumn struct {
	Values []string            // of the ColumnAxes
	Metric runsheet.MetricSpec // Mode is empty where the sheet does not say which direction is better
	number numbers
}

// ResultRow is a row of a results table.
type ResultRow struct {
	Labels []string // values of the RowAxes
	Cells  []Cell   // one for each column
}

// Cell is the results of the runs of one row and column.
type Cell struct {
	Mean     float64 // NaN if N is 0 or a value is not a number
	Std      float64 // sample standard deviation (n-1); NaN for fewer than two values
	N        int     // finished runs that have the metric
	Total    int     // runs that belong here; 0: the sheet has none
	Outdated int     // how many of the N are outdated
	Best     bool    // no other cell of the column is better; never where only one has a value
}

// Results makes the results table of a snapshot. Only finished and outdated runs count, with their final metrics.
//
// The layout, where opt does not say it: the repeat axis is averaged over, and axes with a single value are left out.
// Columns are one axis, rows all others, as papers have their methods in rows and their data sets in columns: the first
// axis whose name says that it is what is measured on (dataset, task, env, ...), otherwise the first axis of the sheet
// with at most 8 values; never one that would make more than 12 columns. With a single axis, or where none suits, all
// axes are rows and the columns are the metrics. If opt gives only rows or only columns, the axes left go to the other; if it gives both, the
// axes left are averaged over, and the table says so. Runs without parameters, or with the same ones where nothing is averaged over,
// have a row each.
//
// The metrics, where opt does not say them, are those that the sheet declares, and if it declares none all that the
// finished runs have, by name.
//
// An axis or a metric that there is not is an error with a hint.
func Results(s runsheet.Snapshot, opt Options) (Table, error) {
	t := Table{Sheet: s.Sheet.Name, AsOf: s.AsOf, Code: codeOf(s)}
	axes := newAxes(s)
	var err error
	if t.Metrics, err = chooseMetrics(s, opt.Metrics); err != nil {
		return t, err
	}
	if err := axes.choose(&t, s, opt); err != nil {
		return t, err
	}
	if t.fill(s, axes); len(t.Over) == 0 && t.any(func(c Cell) bool { return c.Total > 1 }) {
		t.RowAxes = append(slices.Clip(t.RowAxes), runAxis) // runs with the same parameters are not the same
		t.fill(s, axes)
	}
	for i := range t.Columns {
		t.finish(i)
	}
	return t, nil
}

// codeOf returns the versions of the code that the results of a snapshot were made by.
func codeOf(s runsheet.Snapshot) (all []CodeVersion) {
	for _, o := range s.Runs {
		if !done(o) || o.Claim == nil || o.Claim.Commit == "" {
			continue
		}
		v := CodeVersion{Commit: o.Claim.Commit, Diff: o.Claim.Diff, Dirty: o.Claim.Dirty}
		i := slices.IndexFunc(all, func(have CodeVersion) bool {
			return have.Commit == v.Commit && have.Diff == v.Diff && have.Dirty == v.Dirty
		})
		if i < 0 {
			i, all = len(all), append(all, v)
		}
		all[i].Runs++
	}
	return all
}

// fill makes the rows, the columns and the cells of a table whose axes and metrics are chosen.
func (t *Table) fill(s runsheet.Snapshot, axes axes) {
	t.Columns, t.Rows = nil, nil
	for _, values := range axes.combinations(s, t.ColumnAxes) {
		for _, m := range t.Metrics {
			t.Columns = append(t.Columns, ResultColumn{Values: values, Metric: m})
		}
	}
	key := func(values []string) string { return strings.Join(values, "\x00") }
	known := map[string]bool{}
	runs := map[string][]runsheet.Observed{} // by the keys of row and column
	for _, o := range s.Runs {
		labels := valuesOf(*o.Run, t.RowAxes)
		row := key(labels)
		if !known[row] {
			known[row] = true
			t.Rows = append(t.Rows, ResultRow{Labels: labels})
		}
		at := row + "\x01" + key(valuesOf(*o.Run, t.ColumnAxes))
		runs[at] = append(runs[at], o)
	}
	for i, r := range t.Rows {
		for _, c := range t.Columns {
			t.Rows[i].Cells = append(t.Rows[i].Cells, newCell(runs[key(r.Labels)+"\x01"+key(c.Values)], c.Metric.Name))
		}
	}
}

func newCell(runs []runsheet.Observed, metric string) Cell {
	c := Cell{Total: len(runs)}
	var values []float64
	for _, o := range runs {
		p := o.Final()
		if !done(o) || p == nil || p.Error != "" {
			continue
		}
		if v, ok := p.Metrics[metric]; ok {
			values = append(values, v)
			if o.Status == runsheet.Outdated {
				c.Outdated++
			}
		}
	}
	c.N = len(values)
	c.Mean, c.Std = meanStd(values)
	return c
}

// finish decides how the numbers of a column are printed and which of them is the best: by what is printed, so that two
// cells that look alike are marked alike.
func (t *Table) finish(column int) {
	var means, stds []float64
	for _, r := range t.Rows {
		if c := r.Cells[column]; c.N > 0 {
			means = append(means, c.Mean)
			if c.N > 1 {
				stds = append(stds, c.Std)
			}
		}
	}
	col := &t.Columns[column]
	col.number = newNumbers(means, stds)
	if len(means) < 2 || col.Metric.Mode == "" {
		return
	}
	best := math.NaN()
	for _, m := range means {
		if math.IsNaN(m) || math.IsInf(m, 0) {
			continue
		}
		if math.IsNaN(best) || col.Metric.Mode == runsheet.Max && m > best || col.Metric.Mode == runsheet.Min && m < best {
			best = m
		}
	}
	for i := range t.Rows {
		c := &t.Rows[i].Cells[column]
		c.Best = c.N > 0 && !math.IsNaN(best) && col.number.mean(c.Mean) == col.number.mean(best)
	}
}

// Absent returns those of the sheet's metrics that no finished run has, and what these have instead; nothing where they have none.
func Absent(s runsheet.Snapshot) (absent, there []string) {
	var ended []runsheet.Observed
	for _, o := range s.Runs {
		if done(o) {
			ended = append(ended, o)
		}
	}
	if there = metricNames(ended); len(there) == 0 {
		return nil, nil
	}
	for _, m := range s.Sheet.Metrics {
		if !slices.Contains(there, m.Name) {
			absent = append(absent, m.Name)
		}
	}
	return absent, there
}

// chooseMetrics returns the metrics of the table.
func chooseMetrics(s runsheet.Snapshot, wanted []string) ([]runsheet.MetricSpec, error) {
	var ended []runsheet.Observed
	for _, o := range s.Runs {
		if done(o) {
			ended = append(ended, o)
		}
	}
	there := metricNames(ended)
	if len(wanted) == 0 {
		if len(s.Sheet.Metrics) > 0 {
			return s.Sheet.Metrics, nil
		}
		wanted = there
	}
	var specs []runsheet.MetricSpec
	for _, name := range wanted {
		i := slices.IndexFunc(s.Sheet.Metrics, func(m runsheet.MetricSpec) bool { return m.Name == name })
		switch {
		case i >= 0:
			specs = append(specs, s.Sheet.Metrics[i])
		case slices.Contains(there, name) || len(ended) == 0:
			specs = append(specs, runsheet.MetricSpec{Name: name})
		default:
			return nil, unknown("metric", name, "the finished runs have", there)
		}
	}
	return specs, nil
}
