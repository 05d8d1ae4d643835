package tracker

import (
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
		}
		s, err := follow(ev, rel, format[state]{
			key: "csv/1 " + setUpKey(spec), split: byLine,
			take: func(s *state, line []byte) {
				if values, ok := s.Cells.row(line); ok {
					s.Rows.add(ev, spec, values)
				}
			},
			done: func(s *state, at time.Time) { done(&s.Rows, at) },
		})
		return s.Rows, err
	})
}
