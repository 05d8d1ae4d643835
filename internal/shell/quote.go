package shell

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// reserved are the words that a shell takes for syntax where a command may begin.
var reserved = []string{
	"case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in", "select", "then",
	"time", "until", "while",
}

// assignment is what a shell takes for an assignment where a command may begin.
var assignment = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*\+?=`)

// Quote renders s, which must not hold a NUL, as one word of a shell command, whatever stands around it on either
// side with a blank between. Text that needs no quotes stays bare.
func Quote(s string) string {
	if s != "" && Safe(s) && !slices.Contains(reserved, s) && !assignment.MatchString(s) {
		return s
	}
	return inQuotes(s)
}

// Argument renders s, which must not hold a NUL, as one word of a shell command that is not its first one.
func Argument(s string) string {
	if s != "" && Safe(s) {
		return s
	}
	return inQuotes(s)
}

func inQuotes(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// Safe says whether s holds only [A-Za-z0-9_@%+=:,./-]: text that stays itself inside quotes of every kind. The empty
// text does.
func Safe(s string) bool {
	for i := range len(s) {
		if !isWordByte(s[i]) && !strings.ContainsRune("@%+=:,./-", rune(s[i])) {
			return false
		}
	}
	return true
}

func isWordByte(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// Escape renders s so that it can be the value in a name k=v,k=v and a part of one path component: letters and digits
// of every script and _ . + @ : - stay, every other byte becomes %XX. Different texts stay different.
func Escape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		keep := r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_.+@:-", r))
		for _, c := range []byte(s[i : i+n]) {
			if keep {
				b.WriteByte(c)
			} else {
				escapeByte(&b, c)
			}
		}
		i += n
	}
	return b.String()
}

func escapeByte(b *strings.Builder, c byte) {
	const hex = "0123456789ABCDEF"
	b.Write([]byte{'%', hex[c>>4], hex[c&15]})
}
