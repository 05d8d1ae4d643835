package shell

import "strings"

// Error is what is wrong with a template or with what is to be filled in.
type Error struct {
	Offset int    // byte in the template's text
	Msg    string // why
	Tip    string // what to do; may be empty
}

// Error implements error.
func (e *Error) Error() string { return e.Msg }

// Hint says what the person who wrote the template should do.
func (e *Error) Hint() string { return e.Tip }

// Kind says how a value may be inserted. The zero value is the careful one.
type Kind int

// The kinds of values.
const (
	Word    Kind = iota // any text: one quoted word in a command, within one component in a path
	Tree                // as Word in a command; in a path its slashes separate directories
	Escaped             // as Word in a command; in a path as it is: the caller made it with Escape
	Raw                 // trusted shell text, inserted as it is; it must be whole by itself, and has no place in a path
	Kept                // the placeholder stays as it stands: for a text that is compared, and never run
)

// Value is what a placeholder stands for.
type Value struct {
	Kind Kind
	Text string
}

// Placeholder is one use of a name in a template.
type Placeholder struct {
	Name   string
	Offset int // of its opening brace
}

// Template is a parsed text.
type Template struct {
	pieces []piece
}

// piece is a placeholder, or a stretch of the source.
type piece struct {
	at   int    // offset in the source
	text string // of a stretch
	name string // of a placeholder; empty for a stretch
}

// Parse reads a template. It fails only for a NUL byte, which no command and no path can hold.
func Parse(text string) (*Template, error) {
	if i := strings.IndexByte(text, 0); i >= 0 {
		return nil, &Error{Offset: i, Msg: "a NUL character cannot be part of a command or a path"}
	}
	t := &Template{}
	start := 0      // of the stretch that is being read
	var open []bool // literal braces that are open; true: written {{
	flush := func(end, next int) {
		if end > start {
			t.pieces = append(t.pieces, piece{at: start, text: text[start:end]})
		}
		start = next
	}
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{':
			if i+1 < len(text) && text[i+1] == '{' {
				flush(i, i+1) // the second brace begins the next stretch
				open = append(open, true)
				i++
				continue
			}
			if name := identifier(text[i+1:]); name != "" && (i == 0 || text[i-1] != '$') {
				flush(i, i+len(name)+2)
				t.pieces = append(t.pieces, piece{at: i, name: name})
				i += len(name) + 1
				continue
			}
			open = append(open, false)
		case '}':
			if len(open) == 0 {
				continue
			}
			double := open[len(open)-1]
			open = open[:len(open)-1]
			if double && i+1 < len(text) && text[i+1] == '}' {
				flush(i+1, i+2)
				i++
			}
		}
	}
	flush(len(text), len(text))
	return t, nil
}

// Placeholders returns every use of a name, in order.
func (t *Template) Placeholders() []Placeholder {
	var all []Placeholder
	for _, p := range t.pieces {
		if p.name != "" {
			all = append(all, Placeholder{p.name, p.at})
		}
	}
	return all
}

// identifier returns the name that s begins with if a closing brace follows it, or "".
func identifier(s string) string {
	end := strings.IndexByte(s, '}')
	if end <= 0 || !IsName(s[:end]) {
		return ""
	}
	return s[:end]
}

// IsName says whether s can stand between the braces of a placeholder: identifiers joined by dots.
func IsName(s string) bool {
	first := true
	for i := range len(s) {
		switch c := s[i]; {
		case c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
			first = false
		case first:
			return false
		case c == '.':
			first = true
		case c < '0' || c > '9':
			return false
		}
	}
	return !first
}
