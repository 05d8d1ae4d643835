package sheet

import (
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// locate returns where byte offset of a scalar's value stands in the source. The text of a value and the source differ
// by quotes, escapes, indentation and folded lines; the two are walked side by side, and where they cannot be brought
// together the beginning of the scalar has to do.
func (r *reader) locate(n *yaml.Node, offset int) position {
	n = follow(n)
	start := r.at(n)
	if n.Line < 1 || n.Line > len(r.lines) {
		return start
	}
	w := walker{lines: r.lines, line: n.Line - 1, double: n.Style&yaml.DoubleQuotedStyle != 0}
	w.byte = byteOf(r.lines[w.line], n.Column-1)
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		w.nextLine() // the header
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		i := strings.IndexAny(r.lines[w.line][w.byte:], `'"`) // behind an anchor or a tag
		if i < 0 {
			return start
		}
		w.byte += i + 1
		w.single = !w.double
	default:
		first, _, _ := strings.Cut(n.Value, " ")
		i := strings.Index(r.lines[w.line][w.byte:], first)
		if i < 0 {
			return start
		}
		w.byte += i
	}
	for i := 0; i < offset; {
		_, size := utf8.DecodeRuneInString(n.Value[i:])
		if !w.step(n.Value[i : i+size]) {
			return start
		}
		i += size
	}
	if offset < len(n.Value) {
		w.skipTo(n.Value[offset])
	}
	line := r.lines[w.line]
	return position{r.file, w.line + 1, utf8.RuneCountInString(line[:min(w.byte, len(line))]) + 1}
}

// walker is a place in the source.
type walker struct {
	lines          []string
	line, byte     int
	double, single bool // within quotes of that kind
}

func (w *walker) rest() string { return w.lines[w.line][w.byte:] }

func (w *walker) nextLine() bool {
	if w.line+1 >= len(w.lines) {
		return false
	}
	w.line++
	line := w.lines[w.line]
	w.byte = len(line) - len(strings.TrimLeft(line, " \t"))
	return true
}

// skipTo goes over blanks and line ends until the byte c is next, if c is not one of them itself.
func (w *walker) skipTo(c byte) {
	for c != ' ' && c != '\n' && c != '\t' {
		rest := w.rest()
		if trimmed := strings.TrimLeft(rest, " \t\r"); trimmed != "" && !(w.double && trimmed == `\`) {
			w.byte += len(rest) - len(trimmed)
			return
		}
		if !w.nextLine() {
			return
		}
	}
}

// step goes over one character of the value.
func (w *walker) step(char string) bool {
	if char == " " || char == "\n" || char == "\t" {
		if strings.HasPrefix(w.rest(), char) {
			w.byte++
		} else if w.double && strings.HasPrefix(w.rest(), `\n`) || strings.HasPrefix(w.rest(), `\t`) {
			w.byte += 2
		}
		return true // blanks and line ends that were folded are skipped before the next character
	}
	w.skipTo(char[0])
	rest := w.rest()
	switch {
	case w.double && strings.HasPrefix(rest, `\`):
		length := map[byte]int{'x': 4, 'u': 6, 'U': 10}
		n := 2
		if len(rest) > 1 && length[rest[1]] > 0 {
			n = length[rest[1]]
		}
		w.byte = min(w.byte+n, w.byte+len(rest))
		return true
	case w.single && strings.HasPrefix(rest, "''"):
		w.byte += 2
		return char == "'"
	case strings.HasPrefix(rest, char):
		w.byte += len(char)
		return true
	}
	return false
}

// byteOf returns where the n-th character of a line begins.
func byteOf(line string, n int) int {
	for i := range line {
		if n == 0 {
			return i
		}
		n--
	}
	return len(line)
}
