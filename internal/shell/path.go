package shell

import "strings"

// Path fills values into a path. What a value adds stays below the fixed part: in a Word every awkward character,
// slashes included, is percent-encoded; a component that would be "", "." or ".." by its values is written %00 (no
// value holds a NUL), %2E or %2E., and a value never begins a component with a dot. The result is not cleaned.
//
// The error is an *Error: a placeholder without a value, or a Raw one.
func (t *Template) Path(values map[string]Value) (string, error) {
	var p pathBuilder
	for _, piece := range t.pieces {
		if piece.name == "" {
			for i, part := range strings.Split(piece.text, "/") {
				if i > 0 {
					p.slash()
				}
				p.part.WriteString(part)
			}
			continue
		}
		v, ok := values[piece.name]
		switch {
		case !ok:
			return "", undefined(piece)
		case v.Kind == Raw || v.Kind == Kept:
			return "", &Error{piece.at, "{" + piece.name + "} has no place in a path", ""}
		case v.Kind == Escaped:
			p.value(v.Text)
		case v.Kind == Word:
			p.value(Escape(v.Text))
		default:
			first := true
			for part := range strings.SplitSeq(v.Text, "/") {
				if part == "" || part == "." {
					continue
				}
				if !first {
					p.slash()
				}
				first = false
				p.value(Escape(part))
			}
		}
	}
	p.end()
	return p.path.String(), nil
}

// pathBuilder collects a path component by component.
type pathBuilder struct {
	path, part strings.Builder
	valued     bool // a value is in the component
}

// value adds text that holds no slash.
func (p *pathBuilder) value(s string) {
	p.valued = true
	if p.part.Len() == 0 && strings.HasPrefix(s, ".") {
		s = "%2E" + s[1:]
	}
	p.part.WriteString(s)
}

func (p *pathBuilder) slash() {
	p.end()
	p.path.WriteByte('/')
}

func (p *pathBuilder) end() {
	s := p.part.String()
	if p.valued {
		switch s {
		case "":
			s = "%00"
		case ".", "..":
			s = "%2E" + s[1:]
		}
	}
	p.path.WriteString(s)
	p.part.Reset()
	p.valued = false
}

func undefined(p piece) *Error {
	return &Error{p.at, "nothing is called {" + p.name + "}", "literal braces are written {{" + p.name + "}}"}
}
