package shell

import (
	"fmt"
	"slices"
	"strings"
)

// Command fills values into a shell command, for bash as for a plain sh. Outside quotes a value becomes exactly one
// quoted word, joined to the text around it; inside quotes, and wherever the reading of the shell is not certain
// (${...}, backquotes, arithmetic, comments, after a here-document), it may hold only what Safe allows.
//
// The error is an *Error: a placeholder without a value, a value that cannot stand where it is, a quote that is never
// closed.
func (t *Template) Command(values map[string]Value) (string, error) {
	var s scanner
	for i, p := range t.pieces {
		if p.name == "" {
			for j := range len(p.text) {
				s.feed(p.text[j], p.at+j)
			}
			continue
		}
		v, ok := values[p.name]
		if !ok {
			return "", undefined(p)
		}
		var err *Error
		switch {
		case v.Kind == Raw:
			err = s.raw(p, v.Text)
		case v.Kind == Kept:
			err = s.value(p, "{"+p.name+"}", nil, true)
		default:
			var next *piece
			if i+1 < len(t.pieces) {
				next = &t.pieces[i+1]
			}
			err = s.value(p, v.Text, next, false)
		}
		if err != nil {
			return "", err
		}
	}
	if err := s.finish(); err != nil {
		return "", err
	}
	return s.out.String(), nil
}

// value inserts a value as text. One that is kept is a placeholder, which needs no quotes.
func (s *scanner) value(p piece, v string, next *piece, kept bool) *Error {
	if strings.IndexByte(v, 0) >= 0 {
		return &Error{p.at, "the value of {" + p.name + "} holds a NUL character", ""}
	}
	if s.escaped {
		return &Error{p.at, "{" + p.name + "} directly after a backslash", "put the placeholder outside, or write the backslash twice"}
	}
	if s.last == '$' && s.expands() {
		return &Error{p.at, "{" + p.name + "} directly after a $", ""}
	}
	s.settleHere()
	if s.takesWords() {
		if kept {
			s.out.WriteString(v)
		} else if s.mustQuote(v, next) {
			s.out.WriteString(inQuotes(v))
		} else {
			s.out.WriteString(Quote(v))
		}
		s.begin()
		s.word = append(s.word, 0)
		s.last, s.variable = 'v', false // as a letter: a [ after it may begin a subscript
		return nil
	}
	if s.variable && s.expands() {
		return &Error{p.at, fmt.Sprintf("{%s} directly after a shell variable would become part of its name", p.name),
			"write the variable as ${NAME}"}
	}
	if !kept && !Safe(v) {
		return &Error{p.at, fmt.Sprintf("{%s} stands %s, where the value %q could be taken for shell syntax", p.name, s.where(), v),
			"put the placeholder outside the quotes, where any value is safe; inside, only letters, digits and _@%+=:,./- are"}
	}
	s.out.WriteString(v)
	if v != "" {
		s.last = 'v'
	}
	return nil
}

// mustQuote says whether a value that looks harmless has to stand in quotes because of what is around it.
func (s *scanner) mustQuote(v string, next *piece) bool {
	if s.variable || s.tilde || s.brace && strings.ContainsAny(v, ",.") {
		return true
	}
	if next == nil {
		return false
	}
	if next.name != "" {
		return true
	}
	rest := strings.TrimLeft(next.text, "0123456789") // digits before < or > name a descriptor
	return rest != "" && strings.IndexByte("<>(~", rest[0]) >= 0
}

// raw inserts trusted shell text.
func (s *scanner) raw(p piece, text string) *Error {
	if s.escaped && text != "" {
		return &Error{p.at, "{" + p.name + "} directly after a backslash", ""}
	}
	s.settleHere()
	if s.takesWords() {
		before := slices.Clone(s.stack)
		for i := range len(text) {
			s.feed(text[i], p.at)
		}
		if s.escaped || len(s.stack) != len(before) || s.unsure != "" || s.here > 0 {
			return &Error{p.at, fmt.Sprintf("what {%s} stands for, %q, is not whole by itself", p.name, text),
				"it may not leave a quote, a bracket, a comment or a here-document open"}
		}
		return nil
	}
	if !Safe(strings.ReplaceAll(text, " ", "")) {
		return &Error{p.at, fmt.Sprintf("{%s} stands %s, where %q could be taken for something else", p.name, s.where(), text),
			"put the placeholder outside the quotes"}
	}
	s.out.WriteString(text)
	return nil
}
