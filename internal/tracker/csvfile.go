package tracker

import (
	"bytes"
	"fmt"
	"time"

	"runsheet"
)

// csvFile reads a table that the sheet names: a header line, then rows that are appended, separated by commas, tabs or
// semicolons. Cells that are empty or no number are missing.
type csvFile struct{}

func (csvFile) Name() string { return "csv" }

func (csvFile) Logs() string { return "" }

func (csvFile) Recognises(*Evidence, runsheet.ProgressSpec) bool { return false }

func (t csvFile) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	return readTable(ev, spec, t.Name(), func(rel string, done func(*table, time.Time)) (table, error) {
		type state struct {
			Cells csvTable `json:"cells"`
			Rows  table    `json:"rows"`
			Lines int      `json:"lines,omitzero"` // finished lines that were no row, before the first row
		}
		s, err := follow(ev, rel, format[state]{
			key: "csv/1 " + setUpKey(spec), split: byLine,
			whole: func(s *state, rest []byte) bool { return s.Cells.whole(rest) },
			take: func(s *state, line []byte) {
				if values, ok := s.Cells.row(line); ok {
					s.Rows.add(ev, spec, values)
				} else if s.Rows.Rows == 0 && len(bytes.TrimSpace(line)) > 0 {
					s.Lines++
				}
			},
			done: func(s *state, at time.Time) { done(&s.Rows, at) },
		})
		if err == nil && s.Rows.Rows == 0 && s.Lines > mostHeads {
			err = fmt.Errorf("%s: in its first %d lines there is no row of numbers below a header: it is no table, or none of text", rel, s.Lines)
		}
		return s.Rows, err
	})
}

// mostHeads is how many lines may stand above the first row: comments and the header.
const mostHeads = 20
