package diagnose

import (
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/ansi/parser"
)

// Clean makes text from outside fit to be shown on a terminal, as one line: without escape sequences and control
// characters, without the characters that turn the direction of text, and with U+FFFD for bytes that are no UTF-8.
// White space of any kind becomes single blanks; there is none at either end.
func Clean(s string) string { return strings.Join(strings.Fields(plain(s)), " ") }

// plain cleans text whose white space is left as it is.
func plain(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return s
	}
	var c cleaning
	c.take([]byte(s))
	c.end()
	return string(c.out)
}

// A Cleaner makes a stream of text from outside fit for a terminal, as Clean does a line, and writes it on: of all that
// can command a terminal only colours, tabs, line ends and carriage returns are left. Nothing depends on how the stream
// is cut into writes. It keeps at most a few KiB: an escape sequence whose end has not been seen.
type Cleaner struct {
	w io.Writer
	c cleaning
}

// NewCleaner returns a cleaner that writes to w.
func NewCleaner(w io.Writer) *Cleaner { return &Cleaner{w, cleaning{colours: true}} }

// Write implements io.Writer.
func (c *Cleaner) Write(p []byte) (int, error) {
	c.c.take(p)
	if err := c.flush(); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close writes what was kept, and takes the colours back that the text left on. It does not close the writer below.
func (c *Cleaner) Close() error {
	c.c.end()
	return c.flush()
}

func (c *Cleaner) flush() error {
	if len(c.c.out) == 0 {
		return nil
	}
	_, err := c.w.Write(c.c.out)
	c.c.out = c.c.out[:0]
	return err
}

const (
	// longestSequence is the longest escape sequence that is taken for one, in bytes.
	longestSequence = 256
	// longestString is the longest title, link or clipboard that is.
	longestString = 4 << 10
)

// cleaning is the state of cleaning a text. A sequence that does not end, or that a line end cuts, is shown as the text
// that it is, without its ESC: the rest of the text is not to vanish with it.
type cleaning struct {
	colours  bool // they pass
	coloured bool // the last colours that passed are still on
	out      []byte
	part     []byte       // the beginning of a character
	broken   bool         // the byte before was no UTF-8
	parser   *ansi.Parser // nil until there is a sequence
	held     []byte       // the sequence that the parser is in, without its ESC
	closing  bool         // an ESC that may end the string that is held
}

// take cleans the next piece of the text.
func (c *cleaning) take(p []byte) {
	if len(c.part) > 0 {
		p = append(c.part, p...)
		c.part = nil
	}
	for len(p) > 0 {
		if !utf8.FullRune(p) {
			c.part = append([]byte(nil), p...)
			return
		}
		r, n := utf8.DecodeRune(p)
		p = p[n:]
		if r == utf8.RuneError && n == 1 {
			c.noText()
			continue
		}
		c.broken = false
		c.rune(r)
	}
}

// noText tells of a byte that is no UTF-8, as a C1 control in one byte is; several in a row become one U+FFFD.
func (c *cleaning) noText() {
	if !c.broken {
		c.rune(utf8.RuneError)
	}
	c.broken = true
}

// end tells that nothing follows.
func (c *cleaning) end() {
	if len(c.part) > 0 {
		c.part = nil
		c.noText()
	}
	c.giveUp()
	if c.coloured {
		c.out = append(c.out, ansi.ResetStyle...)
		c.coloured = false
	}
}

func (c *cleaning) rune(r rune) {
	switch {
	case r == '\u0085': // the next line
		c.rune('\n')
	case 0x80 <= r && r < 0xa0: // a C1 control is an ESC and another character (ECMA-48, 5.3)
		c.rune(ansi.ESC)
		c.rune(r - 0x40)
	case c.parser != nil && c.parser.State() != parser.GroundState:
		c.sequence(r)
	case r == ansi.ESC:
		if c.parser == nil {
			c.parser = &ansi.Parser{}
			c.parser.SetParamsSize(parser.MaxParamsSize)
			c.parser.SetDataSize(1) // nobody looks at it
		}
		c.parser.Advance(ansi.ESC)
	default:
		c.text(r)
	}
}

// sequence takes the next character of a sequence.
func (c *cleaning) sequence(r rune) {
	inString := len(c.held) > 0 && strings.IndexByte("]PX^_", c.held[0]) >= 0
	switch {
	case c.closing && r == '\\': // the end of the string
		c.reset()
		return
	case c.closing: // or the beginning of another sequence
		c.giveUp()
		c.rune(ansi.ESC)
		c.rune(r)
		return
	case inString && r == ansi.ESC:
		c.closing = true
		return
	case inString && (r == '\n' || r == ansi.CAN || r == ansi.SUB), !inString && (r < ' ' || r > '~'):
		c.giveUp()
		c.rune(r)
		return
	}
	c.held = utf8.AppendRune(c.held, r)
	action := c.parser.Advance(byte(min(r, '~'))) // which character of another script it is makes no difference
	switch {
	case c.parser.State() != parser.GroundState:
		if n := len(c.held); n > longestString || n > longestSequence && !inString {
			c.giveUp()
		}
	case action != parser.DispatchAction: // it is none
		c.giveUp()
	default:
		if c.colours && isColour(c.held) {
			c.out = append(append(c.out, ansi.ESC), c.held...)
			c.coloured = string(c.held) != "[m" && string(c.held) != "[0m"
		}
		c.reset()
	}
}

// isColour says whether a sequence, without its ESC, is nothing but SGR.
func isColour(seq []byte) bool {
	inner, begins := strings.CutPrefix(string(seq), "[")
	inner, ends := strings.CutSuffix(inner, "m")
	return begins && ends && strings.Trim(inner, "0123456789;:") == ""
}

// giveUp takes what is held for text.
func (c *cleaning) giveUp() {
	held := string(c.held)
	c.reset()
	for _, r := range held {
		c.text(r)
	}
}

func (c *cleaning) reset() {
	if c.parser != nil {
		c.parser.Reset()
	}
	c.held, c.closing = c.held[:0], false
}

// text writes a character that stands in no sequence, if it is one to be seen.
func (c *cleaning) text(r rune) {
	switch {
	case r == '\n', r == '\t', r == '\r':
	case r == '\v', r == '\f', r == '\u2028', r == '\u2029':
		r = '\n'
	case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Bidi_Control, r), r == '\uFEFF':
		return
	}
	c.out = utf8.AppendRune(c.out, r)
}

// textLimit is the length of a cause's text in runes.
const textLimit = 200

// text makes the text of a cause: clean, and cut where it is too long.
func text(s string) string {
	s = Clean(s)
	if len(s) <= textLimit { // bytes: then it is no more runes
		return s
	}
	n := 0
	for i := range s {
		if n == textLimit-1 {
			cut := s[:i]
			for range s[i:] {
				if n++; n > textLimit {
					return strings.TrimRight(cut, " ") + "…"
				}
			}
			return s
		}
		n++
	}
	return s
}
