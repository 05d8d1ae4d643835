package tracker

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
)

// csvTable is a table that training code appends to, line by line, as far as it was read: part of the state of a format
// that splits byLine. JSON can hold it.
type csvTable struct {
	Header []string `json:"header,omitempty"`    // the names of the columns
	Sep    string   `json:"separator,omitempty"` // between cells
}

// Cells of a table: how long a line and how wide a table are that somebody measures.
const (
	maxCSVLine = 256 << 10
	maxCSVHead = 64 << 10
)

// row takes a line in, and returns its numbers by the names of their columns, and whether it is a row of data: blank
// lines, comments before the header and the header itself are not, and a header that comes again (a resumed training
// writes another one in the middle, perhaps of other columns) is taken over. Empty cells, NA, None and texts are missing;
// nan and inf are numbers, as everywhere. Of a row that has more or fewer cells than the header only the first cell is
// sure to stand below its name.
func (t *csvTable) row(line []byte) (map[string]float64, bool) {
	if len(line) > maxCSVLine {
		return nil, false
	}
	text := strings.TrimSpace(strings.TrimPrefix(string(line), "\ufeff"))
	if text == "" {
		return nil, false
	}
	if t.Header == nil {
		if sep := csvSeparator(text); isCSVHeader(csvCells(text, sep)) {
			t.Header, t.Sep = csvCells(text, sep), sep
		}
		return nil, false
	}
	cells := csvCells(text, t.Sep)
	if isCSVHeader(cells) && slices.ContainsFunc(cells, func(name string) bool { return slices.Contains(t.Header, name) }) {
		t.Header = cells
		return nil, false
	}
	names := t.Header
	if len(cells) != len(names) {
		names = names[:1]
	}
	out := make(map[string]float64, len(names))
	for i, name := range names {
		if v, ok := parseFloat(cells[i]); ok && name != "" {
			out[name] = v
		}
	}
	return out, len(out) > 0
}

// whole says whether a line without an end can be a whole row: it has a cell for each column, and something in the last.
func (t *csvTable) whole(line []byte) bool {
	if t.Header == nil {
		return true
	}
	cells := csvCells(strings.TrimSpace(string(line)), t.Sep)
	return len(cells) >= len(t.Header) && cells[len(cells)-1] != ""
}

// hasAll says whether a header has all these columns.
func hasAll(header []string, names ...string) bool {
	for _, n := range names {
		if !slices.Contains(header, n) {
			return false
		}
	}
	return true
}

// csvSeparator returns what separates the cells of a header: a comma, unless it has none.
func csvSeparator(header string) string {
	for _, sep := range []string{",", "\t", ";"} {
		if strings.Contains(header, sep) {
			return sep
		}
	}
	return ","
}

// csvCells cuts a line into its cells, without the blanks around them. Quotes that make no sense are part of the text.
func csvCells(line, sep string) []string {
	r := csv.NewReader(strings.NewReader(line))
	r.Comma, r.LazyQuotes, r.TrimLeadingSpace, r.FieldsPerRecord = rune(sep[0]), true, true, -1
	cells, err := r.Read()
	if err != nil { // an opening quote without end
		cells = strings.Split(line, sep)
	}
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells
}

// isCSVHeader says whether these can be names of columns: texts, or nothing above an index, and not more of them than
// anybody measures.
func isCSVHeader(cells []string) bool {
	if len(cells) > maxMetrics || strings.HasPrefix(cells[0], "#") {
		return false
	}
	size := 0
	for _, c := range cells {
		if _, number := parseFloat(c); number {
			return false
		}
		size += len(c)
	}
	return size > 0 && size <= maxCSVHead
}

// csvHeader returns the names of the columns of a table below the work dir, as its first lines say them; nil where there
// is no such file or no header in it. It is cheap, for whoever wants to know whether a table is of its kind: what it
// looked at it names as a witness.
func (ev *Evidence) csvHeader(rel string) []string {
	ev.WitnessIdentity(rel)
	if st, err := ev.Look(rel); err != nil || st.Kind != Regular {
		return nil
	}
	if header, ok := ev.headers[rel]; ok {
		return header
	}
	var t csvTable
	defer func() { ev.headers[rel] = t.Header }()
	enough, err := ev.headLines(rel, maxCSVHead, func(n int, line []byte) bool {
		if n == 0 {
			t = csvTable{}
		}
		_, data := t.row(line)
		return !data && t.Header == nil && (len(bytes.TrimSpace(line)) == 0 || line[0] == '#')
	})
	if err != nil || !enough {
		ev.Witness(rel) // the header may come
		return nil
	}
	return t.Header
}
