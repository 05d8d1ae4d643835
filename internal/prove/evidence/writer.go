package evidence

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"runsheet"
	"runsheet/internal/record"
)

// way is how a real program writes its evidence.
type way struct {
	name  string
	spec  runsheet.ProgressSpec
	file  string
	lines bool // a row for each unit; else one document
	text  func(n int64) string
	write func(*writer) error // goes on for ever
	grows bool                // by appending: what an attempt left stays
}

const csvHead = "step,loss\n"

func csvRow(n int64) string { return fmt.Sprintf("%d,0.5\n", n) }

func jsonRow(n int64) string { return fmt.Sprintf("{\"step\": %d, \"loss\": 0.5}\n", n) }

func reportedText(n int64) string {
	return fmt.Sprintf("{\"completed\": %08d}\n", 10_000_000+n%80_000_000)
}

// ways are those that there are.
func ways() []way {
	csv := runsheet.ProgressSpec{Tracker: "csv", File: "log.csv", Step: "step"}
	jsonl := runsheet.ProgressSpec{Tracker: "jsonl", File: "log.jsonl", Step: "step"}
	doc := runsheet.ProgressSpec{Tracker: "json", File: "state.json", Step: "completed"}
	reported := filepath.ToSlash(record.ReportedPath(record.AttemptDir(".", 1)))
	return []way{
		{"csv, appended", csv, "log.csv", true, csvRow, (*writer).appends, true},
		{"jsonl, appended", jsonl, "log.jsonl", true, jsonRow, (*writer).appends, true},
		{"csv, open('w')", csv, "log.csv", true, csvRow, (*writer).opens, false},
		{"csv, rewritten in place", csv, "log.csv", true, csvRow, (*writer).rewrites, false},
		{"csv, renamed over", csv, "log.csv", true, csvRow, (*writer).replaces, false},
		{"json, open('w')", doc, "state.json", false, reportedText, (*writer).opens, false},
		{"json, rewritten in place", doc, "state.json", false, reportedText, (*writer).rewrites, false},
		{"RUNSHEET_PROGRESS, open('w')", runsheet.ProgressSpec{}, reported, false, reportedText, (*writer).opens, false},
		{"RUNSHEET_PROGRESS, renamed over", runsheet.ProgressSpec{}, reported, false, reportedText, (*writer).replaces, false},
	}
}

// writer is training code: an attempt, which will be killed.
type writer struct {
	way
	b    *board
	path string
	rng  *rand.Rand
}

// state is what a file says with these contents: the count of its last row that ended, or of the document.
func (w way) state(data []byte) int64 {
	if !w.lines {
		text, ok := strings.CutPrefix(string(data), "{\"completed\": ")
		text, whole := strings.CutSuffix(strings.TrimSpace(text), "}")
		if n, err := strconv.ParseInt(text, 10, 64); ok && whole && err == nil {
			return n
		}
		return broken
	}
	i := bytes.LastIndexByte(data, '\n')
	data = data[:i+1]
	last := data[bytes.LastIndexByte(bytes.TrimSuffix(data, []byte("\n")), '\n')+1:]
	digits := strings.FieldsFunc(strings.TrimPrefix(string(last), "{\"step\": "), func(r rune) bool { return r < '0' || r > '9' })
	if len(digits) == 0 || string(last) == csvHead {
		return 0
	}
	n, _ := strconv.ParseInt(digits[0], 10, 64)
	return n
}

// head is what a table begins with.
func (w way) head() string {
	if w.spec.Tracker == "csv" {
		return csvHead
	}
	return ""
}

// maxAppended is how large a file of lines grows, in bytes, before a training begins anew.
const maxAppended = 5 << 18

// burst is how many rows are appended without a pause.
const burst = 256

// appends appends row after row, some in two pieces. An attempt goes back to a checkpoint.
func (w *writer) appends() error {
	f, err := os.OpenFile(w.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	// The state is of the last row that ended, whoever wrote it.
	state, size := w.b.ledger[w.b.begun.Load()%ledgerSize].Load(), info.Size()
	at := max(state-w.rng.Int64N(20), 0)
	put := func(after int64, text string) error {
		state = after
		size += int64(len(text))
		w.b.size.Store(size)
		return w.b.change(after, func() error { _, err := f.WriteString(text); return err })
	}
	begin := func() error {
		if h := w.head(); h != "" {
			return put(0, h)
		}
		return nil
	}
	if size == 0 {
		if err := begin(); err != nil {
			return err
		}
	}
	for n := 1; ; n++ {
		if size > maxAppended {
			w.b.size.Store(0)
			if err := w.b.change(0, func() error { return f.Truncate(0) }); err != nil {
				return err
			}
			at, size = 0, 0
			if err := begin(); err != nil {
				return err
			}
		}
		at++
		row := w.text(at)
		if n%burst == 0 || w.rng.IntN(3) == 0 {
			cut := 1 + w.rng.IntN(len(row)-1)
			if err := put(state, row[:cut]); err != nil {
				return err
			}
			row = row[cut:]
			if n%burst == 0 {
				time.Sleep(time.Millisecond) // so that the ledger holds what was written during a call
			}
		}
		if err := put(at, row); err != nil {
			return err
		}
	}
}

// next returns contents, other ones each time.
func (w *writer) next() []byte {
	if !w.lines {
		return []byte(w.text(w.rng.Int64N(80_000_000)))
	}
	from, n := 1000+w.rng.Int64N(8000), 1+w.rng.Int64N(400)
	var out bytes.Buffer
	out.WriteString(w.head())
	for k := range n {
		out.WriteString(w.text(from + k))
	}
	return out.Bytes()
}

// opens truncates and writes, without any delay: at once, or in pieces that end anywhere.
func (w *writer) opens() error {
	for {
		data := w.next()
		var f *os.File
		err := w.b.change(w.state(nil), func() (err error) {
			f, err = os.OpenFile(w.path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
			return err
		})
		if err != nil {
			return err
		}
		for at := 0; at < len(data); {
			to := len(data)
			if w.rng.IntN(2) == 0 {
				to = at + 1 + w.rng.IntN(len(data)-at)
			}
			if err := w.b.change(w.state(data[:to]), func() error { _, err := f.Write(data[at:to]); return err }); err != nil {
				return err
			}
			at = to
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
}

// rewrites writes over what stands there, which is as long: from its beginning to its end, in one call.
func (w *writer) rewrites() error {
	f, err := os.OpenFile(w.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		data := w.next()
		if w.lines { // always 200 rows of four digits
			data = []byte(w.head())
			from := 1000 + w.rng.Int64N(8000)
			for k := range int64(200) {
				data = append(data, w.text(from+k)...)
			}
		}
		if err := w.b.change(w.state(data), func() error { _, err := f.WriteAt(data, 0); return err }); err != nil {
			return err
		}
	}
}

// replaces renames a new file over the old one.
func (w *writer) replaces() error {
	tmp := w.path + ".new"
	for {
		data := w.next()
		if err := os.WriteFile(tmp, data, 0o600); err != nil {
			return err
		}
		if err := w.b.change(w.state(data), func() error { return os.Rename(tmp, w.path) }); err != nil {
			return err
		}
	}
}
