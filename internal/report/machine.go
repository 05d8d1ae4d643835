package report

import (
	"encoding/csv"
	"strconv"
	"strings"

	"runsheet"
	"runsheet/internal/diagnose"
)

// CSV renders the table for machines: a line for each cell, numbers in full, a standard deviation only where there are
// two values or more. The columns are the axes of rows and columns, and then metric, mean, std, n, total, outdated and
// best.
func (t Table) CSV() (string, error) {
	var b strings.Builder
	w := csv.NewWriter(&b)
	var header []string
	for _, a := range append(append([]string{}, t.RowAxes...), t.ColumnAxes...) {
		header = append(header, diagnose.Clean(a))
	}
	if err := w.Write(append(header, "metric", "mean", "std", "n", "total", "outdated", "best")); err != nil {
		return "", err
	}
	number := func(v float64, known bool) string {
		if !known {
			return ""
		}
		return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(v, 'g', -1, 64), "+"))
	}
	for _, r := range t.Rows {
		for i, c := range r.Cells {
			var line []string
			for _, v := range append(append([]string{}, r.Labels...), t.Columns[i].Values...) {
				line = append(line, diagnose.Clean(v))
			}
			line = append(line, diagnose.Clean(t.Columns[i].Metric.Name), number(c.Mean, c.N > 0), number(c.Std, c.N > 1),
				strconv.Itoa(c.N), strconv.Itoa(c.Total), strconv.Itoa(c.Outdated), strconv.FormatBool(c.Best))
			if err := w.Write(line); err != nil {
				return "", err
			}
		}
	}
	w.Flush()
	return b.String(), w.Error()
}

// ReportSchema names the format of Table.JSON. It is a contract with scripts: fields may be added, never renamed.
const ReportSchema = "runsheet.report/1"

type reportDoc struct {
	Schema  string            `json:"schema"`
	Sheet   string            `json:"sheet"`
	AsOf    string            `json:"as_of"`
	Rows    []string          `json:"rows"`
	Columns []string          `json:"columns"`
	Over    []string          `json:"averaged_over"`
	Fixed   map[string]string `json:"fixed"`
	Metrics []metricDoc       `json:"metrics"`
	Cells   []cellDoc         `json:"cells"`
	Code    []codeDoc         `json:"code,omitempty"` // what made the results, as far as that is known
}

type codeDoc struct {
	Commit string `json:"commit"`
	Dirty  bool   `json:"dirty"`
	Runs   int    `json:"runs"`
}

type metricDoc struct {
	Name string         `json:"name"`
	Mode *runsheet.Mode `json:"mode"` // null: the sheet does not say
}

type cellDoc struct {
	Row      map[string]string `json:"row"`
	Column   map[string]string `json:"column"`
	Metric   string            `json:"metric"`
	Mean     *float64          `json:"mean"` // null: no value, or one that is not a number
	Std      *float64          `json:"std"`  // null: fewer than two values, or one that is not a number
	N        int               `json:"n"`
	Total    int               `json:"total"`
	Outdated int               `json:"outdated"`
	Best     bool              `json:"best"`
}

// JSON renders the table as a document of ReportSchema, with the cells row by row and a line feed at its end.
func (t Table) JSON() (string, error) {
	d := reportDoc{
		Schema: ReportSchema, Sheet: t.Sheet, AsOf: utc(t.AsOf), Rows: list(t.RowAxes), Columns: list(t.ColumnAxes),
		Over: list(t.Over), Fixed: map[string]string{}, Metrics: []metricDoc{}, Cells: []cellDoc{},
	}
	for _, v := range t.Code {
		d.Code = append(d.Code, codeDoc{v.Commit, v.Dirty, v.Runs})
	}
	for _, p := range t.Fixed {
		d.Fixed[p.Key] = p.Value
	}
	for _, m := range t.Metrics {
		doc := metricDoc{Name: m.Name}
		if m.Mode != "" {
			doc.Mode = &m.Mode
		}
		d.Metrics = append(d.Metrics, doc)
	}
	for _, r := range t.Rows {
		for i, c := range r.Cells {
			col := t.Columns[i]
			d.Cells = append(d.Cells, cellDoc{
				Row: named(t.RowAxes, r.Labels), Column: named(t.ColumnAxes, col.Values), Metric: col.Metric.Name,
				Mean: finite(c.Mean), Std: finite(c.Std), N: c.N, Total: c.Total, Outdated: c.Outdated, Best: c.Best,
			})
		}
	}
	data, err := indented(d)
	return string(data), err
}

// list returns s, never nil: null is no list.
func list(s []string) []string { return append([]string{}, s...) }

func named(names, values []string) map[string]string {
	m := map[string]string{}
	for i, name := range names {
		m[name] = values[i]
	}
	return m
}
