package tracker

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"runsheet"
)

// jsonl reads a file of JSON lines that the sheet names, one object in each. Keys of objects inside are written with
// dots, as train.loss. Bare NaN and Infinity are numbers, and so are numbers in quotes. A line that makes no sense is
// passed over once others follow it (two processes wrote at once, or a crash cut it); at the end of the file it is an
// error.
type jsonl struct{}

func (jsonl) Name() string { return "jsonl" }

func (jsonl) Logs() string { return "" }

func (jsonl) Recognises(*Evidence, runsheet.ProgressSpec) bool { return false }

func (t jsonl) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	return readTable(ev, spec, t.Name(), func(rel string, done func(*table, time.Time)) (table, error) {
		return follow(ev, rel, format[table]{
			key: "jsonl/1 " + setUpKey(spec), split: byLine, done: done,
			take: func(t *table, line []byte) {
				if len(bytes.TrimSpace(line)) == 0 {
					return
				}
				r, err := parseRow(line)
				if err != nil {
					t.Fault = fmt.Sprintf("the line %.120q makes no sense: %v", line, err)
					return
				}
				for key, text := range r.text {
					if v, ok := parseFloat(text); ok {
						r.num[key] = v
					}
				}
				t.add(ev, spec, r.num)
			},
		})
	})
}

// setUpKey is all that the sheet says of how rows are read.
func setUpKey(spec runsheet.ProgressSpec) string {
	return strings.Join(append([]string{spec.Step, fmt.Sprint(spec.FromZero), spec.TotalFrom}, spec.Metrics...), "\x00")
}
