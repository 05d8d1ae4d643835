package tracker

import (
	"fmt"
	"slices"
	"time"

	"runsheet"
)

// table is what the trackers csv and jsonl make of the rows of a file: rows of named numbers, of which one tells the
// count. The sheet says which (`step`), whether it numbers the units from 0 (`first: 0`), where the total stands, and
// which of the others are metrics.
type table struct {
	Rows      int64            `json:"rows,omitzero"`
	Completed int64            `json:"completed,omitzero"`
	Counted   bool             `json:"counted,omitzero"` // some row told a count
	Total     int64            `json:"total,omitzero"`
	Metrics   runsheet.Metrics `json:"metrics,omitempty"`
	Fault     string           `json:"fault,omitempty"` // of the last row, if it makes no sense
	Names     []string         `json:"names,omitempty"` // of the last row, a few of them, to say what there is
	Pace      pace             `json:"pace,omitempty"`
}

// add takes a row in.
func (t *table) add(ev *Evidence, spec runsheet.ProgressSpec, values map[string]float64) {
	t.Rows++
	t.Fault = ""
	if v, ok := values[spec.Step]; ok {
		if n, ok := asCount(v); ok {
			if spec.FromZero {
				n++
			}
			t.Completed, t.Counted = n, true
		}
	}
	if n, ok := asCount(values[spec.TotalFrom]); ok && n > 0 {
		t.Total = n
	}
	if !t.Counted {
		t.Names = t.Names[:0]
		for name := range values {
			t.Names = append(t.Names, name)
		}
		slices.Sort(t.Names)
		t.Names = t.Names[:min(len(t.Names), 20)]
	}
	row := runsheet.Metrics{}
	for name, v := range values {
		if name == spec.Step || name == spec.TotalFrom || len(spec.Metrics) > 0 && !slices.Contains(spec.Metrics, name) {
			continue
		}
		row[name] = v
		if t.Metrics == nil {
			t.Metrics = runsheet.Metrics{}
		}
		if _, known := t.Metrics[name]; known || len(t.Metrics) < maxMetrics {
			t.Metrics[name] = v
		}
	}
	ev.Point(t.Completed, row)
}

// readTable reads the file that the sheet names, row by row, and returns what it tells.
func readTable(ev *Evidence, spec runsheet.ProgressSpec, name string, read func(rel string, done func(*table, time.Time)) (table, error)) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: name, Unit: unit(spec, "step")}
	rels, err := ev.Glob(spec.File)
	if err != nil || len(rels) == 0 {
		p.Lacks = spec.File
		return p, err // not written yet
	}
	rel := ev.byChange(rels)[0]
	t, err := read(rel, func(t *table, at time.Time) { t.Pace.see(at, t.Completed) })
	if err != nil {
		return p, err
	}
	switch {
	case t.Fault != "":
		p.Completed, p.Total = t.Completed, t.Total
		return p, ev.broken(rel, &syntaxError{what: t.Fault})
	case t.Rows > 0 && !t.Counted:
		return p, fmt.Errorf("%s: no row has a count in %q, the step of the sheet; there are %q", rel, spec.Step, t.Names)
	}
	p.Completed, p.Total, p.Metrics = t.Completed, t.Total, t.Metrics
	t.Pace.tell(&p)
	return p, nil
}
