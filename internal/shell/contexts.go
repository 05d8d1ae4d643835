package shell

import "strings"

// closing ends the context at its closing byte.
func (s *scanner) closing(c, end byte) bool {
	if c != end {
		return false
	}
	s.pop()
	s.last, s.variable = 0, false
	return true
}

// expansion handles what a $ or a backquote opens, and says whether anything was opened.
func (s *scanner) expansion(c, last byte, at int) bool {
	switch {
	case c == '`':
		s.push(inBackquote, at)
	case c == '(' && last == '$':
		s.push(inParen, at)
		s.endWord()
	case c == '{' && last == '$':
		s.push(inParameter, at)
	case c == '[' && last == '$':
		s.unsure = "after a $["
	default:
		return false
	}
	s.begun = c == '`' || s.top() != inParen
	return true
}

// guarded reads within ${...}, arithmetic and subscripts, where quotes follow rules of their own.
func (s *scanner) guarded(c, last byte, at int) {
	switch {
	case strings.IndexByte("'\"\\`", c) >= 0:
		s.unsure = "after quotes within ${...}, (( )) or [ ]"
		s.escaped = c == '\\'
	case s.top() == inArith && c == '#' && !isWordByte(last), s.top() == inSubscript && c != '(' && strings.IndexByte(");&|<>{}\n", c) >= 0:
		s.unsure = "after brackets that may be something else"
	case s.expansion(c, last, at):
	case s.top() == inSubscript && c == '(':
		s.unsure = "after brackets that may be something else"
	case s.top() == inArith && c == '(':
		s.push(inArith, at)
	case s.top() == inArith && c == ')', s.top() == inParameter && c == '}', s.top() == inSubscript && c == ']':
		s.pop()
		s.last = 0
	}
}

// plain reads words and operators.
func (s *scanner) plain(c, last byte, at int) {
	if s.expansion(c, last, at) {
		return
	}
	switch c {
	case ' ', '\t', '\n':
		s.endWord()
		return
	case ';', '&', '|', '>':
		s.endWord()
		return
	case '<':
		s.endWord()
		s.here++
		if s.here > 2 { // a here-string
			s.here = 0
		}
		return
	case '(':
		s.endWord()
		if last == '(' && s.top() == inParen {
			s.stack[len(s.stack)-1].context = inArith
			s.push(inArith, at)
			return
		}
		s.push(inParen, at)
		s.stack[len(s.stack)-1].list = last == '='
		return
	case ')':
		s.endWord()
		if s.top() == inParen {
			s.pop()
			s.begun, s.brace = true, true // more of the same word may follow a $( )
		}
		return
	case '#':
		if last == ')' {
			s.unsure = "after a # that may begin a comment"
		}
		if !s.begun {
			s.push(inComment, at)
			return
		}
	case '\\':
		s.escaped = true
		return
	case '\'':
		if last == '$' {
			s.push(inANSI, at)
		} else {
			s.push(inSingle, at)
		}
		s.begin()
		s.word = append(s.word, 0)
		return
	case '"':
		s.push(inDouble, at)
		s.begin()
		s.word = append(s.word, 0)
		return
	case '[':
		if !s.begun && s.top() == inParen && s.stack[len(s.stack)-1].list {
			s.unsure = "after a subscript in a list" // it is evaluated, whatever its quotes
		} else if isWordByte(last) {
			s.push(inSubscript, at)
		}
	case '~':
		s.tilde = true
	case '{':
		s.brace = true
	}
	s.begin()
	s.word = append(s.word, c)
}

// closings say what to do about a quote that is never closed.
var closings = map[context]string{
	inSingle:    `close it with another '; an apostrophe that is meant as text is written \'`,
	inANSI:      `close it with another '`,
	inDouble:    `close it with another "; one that is meant as text is written \"`,
	inBackquote: "close it with another `; one that is meant as text is written \\`",
}

// finish checks that every quote was closed.
func (s *scanner) finish() *Error {
	if s.unsure != "" {
		return nil
	}
	for _, f := range s.stack {
		switch f.context {
		case inSingle, inANSI, inDouble, inBackquote:
			return &Error{f.at, "the quote that begins here is never closed", closings[f.context]}
		}
	}
	return nil
}

// where says where a placeholder stands.
func (s *scanner) where() string {
	if s.unsure != "" {
		return s.unsure
	}
	switch s.top() {
	case inSingle, inANSI, inDouble:
		return "inside quotes"
	case inParameter:
		return "inside ${...}"
	case inArith, inSubscript:
		return "inside arithmetic"
	case inBackquote:
		return "inside backquotes"
	case inComment:
		return "in a comment"
	}
	return "here"
}
