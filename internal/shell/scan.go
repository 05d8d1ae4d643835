package shell

import "strings"

// context is what the shell is reading at one point of a command.
type context byte

const (
	inPlain     context = iota // words and operators
	inParen                    // the same, within ( ) or $( )
	inSingle                   // '...'
	inDouble                   // "..."
	inANSI                     // $'...'
	inParameter                // ${...}
	inArith                    // (( )) or $(( )), one for each parenthesis
	inSubscript                // name[...]
	inBackquote                // `...`
	inComment                  // # to the end of the line
)

// frame is a context and where it began.
type frame struct {
	context
	at   int
	list bool // the parentheses of an array: name=( )
}

// scanner follows a shell command byte by byte. It is sure of the common forms; at the first one that it is not sure
// of, it says so for the rest of the command, where then only values pass that are harmless in every context.
//
// The grammar is that of POSIX.1-2017, XCU chapter 2, with bash's additions as its manual describes them.
type scanner struct {
	out      strings.Builder
	stack    []frame
	unsure   string // why nothing from here on is certain; empty: it is
	escaped  bool   // a backslash came before
	before   byte   // the byte before that backslash
	last     byte   // the byte before, 0 where it was quoted or nothing
	variable bool   // the bytes before are a $name without braces
	here     int    // bytes of << that were just read
	word     []byte // the plain bytes of the word so far, 0 for anything else
	begun    bool   // a word has begun
	tilde    bool   // it holds a plain ~
	brace    bool   // it holds a plain {
}

func (s *scanner) top() context {
	if len(s.stack) == 0 {
		return inPlain
	}
	return s.stack[len(s.stack)-1].context
}

func (s *scanner) push(c context, at int) { s.stack = append(s.stack, frame{context: c, at: at}) }
func (s *scanner) pop()                   { s.stack = s.stack[:len(s.stack)-1] }

func (s *scanner) begin() { s.begun = true }

// endWord notes that a word is over. A case inside parentheses has closing ones of its own that open nowhere.
func (s *scanner) endWord() {
	if string(s.word) == "case" && len(s.stack) > 0 {
		s.unsure = "after a case within parentheses"
	}
	s.word, s.begun, s.tilde, s.brace = s.word[:0], false, false, false
}

// expands says whether a $ has a meaning here.
func (s *scanner) expands() bool {
	switch s.top() {
	case inSingle, inANSI, inComment:
		return false
	}
	return true
}

// takesWords says whether a quoted word is for certain a word here.
func (s *scanner) takesWords() bool {
	return s.unsure == "" && (s.top() == inPlain || s.top() == inParen)
}

// settleHere decides what a << was, once the next byte is not a third <.
func (s *scanner) settleHere() {
	if s.here == 2 {
		s.unsure = "after a here-document"
	}
	s.here = 0
}

// feed reads one byte of the command's own text.
func (s *scanner) feed(c byte, at int) {
	s.out.WriteByte(c)
	if s.here > 0 && c != '<' {
		s.settleHere()
	}
	if s.escaped {
		s.escaped = false
		if s.top() == inANSI && c == '\'' { // ends the text in a shell that does not know $'...'
			s.unsure = `after a \' in $'...'`
		}
		switch {
		case c != '\n':
			s.begin()
			s.word = append(s.word, 0)
		case strings.IndexByte(" \t\n", s.before) < 0: // the shell joins $ and ( across lines
			s.unsure = "after a line that is continued within a word"
		}
		s.last, s.variable = 0, false
		return
	}
	last := s.last
	s.before = last
	s.variable = s.expands() && (c == '$' || s.variable && isWordByte(c))
	s.last = c
	switch s.top() {
	case inSingle:
		s.closing(c, '\'')
	case inANSI:
		s.escaped = c == '\\'
		s.closing(c, '\'')
	case inBackquote:
		s.escaped = c == '\\'
		s.closing(c, '`')
	case inComment:
		if c == '\n' {
			s.pop()
			s.endWord()
		}
	case inDouble:
		s.escaped = c == '\\'
		if !s.closing(c, '"') {
			s.expansion(c, last, at)
		}
	case inParameter, inArith, inSubscript:
		s.guarded(c, last, at)
	default:
		s.plain(c, last, at)
	}
}
