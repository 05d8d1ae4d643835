package diagnose

import (
	"regexp"
	"strings"
	"unicode"
)

// escapes are the control sequences of ECMA-48: CSI (colours, cursor), then strings with an end (OSC: titles, links;
// DCS, SOS, PM, APC), then the short ones. A string whose end is missing is left to be stripped of its control
// characters alone, or it would swallow all that follows.
var escapes = regexp.MustCompile(`(?:\x1b\[|\x{9b})[0-?]*[ -/]*[@-~]` +
	`|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)` +
	`|\x1b[ -/]*[0-OQ-WYZ\\\x60-~]`)

// Clean makes text from outside fit to be shown on a terminal, as one line: without escape sequences and control
// characters, without the characters that turn the direction of text, and with U+FFFD for bytes that are no UTF-8.
// White space of any kind becomes single blanks; there is none at either end.
func Clean(s string) string {
	s = escapes.ReplaceAllString(strings.ToValidUTF8(s, "\uFFFD"), "")
	var b strings.Builder
	blank := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			blank = b.Len() > 0
			continue
		case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Bidi_Control, r), r == '\uFEFF':
			continue
		}
		if blank {
			b.WriteByte(' ')
			blank = false
		}
		b.WriteRune(r)
	}
	return b.String()
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
