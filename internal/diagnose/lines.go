package diagnose

import (
	"bytes"
	"regexp"
	"strings"
)

const (
	tailLimit = 256 << 10 // bytes of a tail that are looked at
	lineLimit = 4 << 10   // bytes of one line
)

// bar matches the lines of progress bars: tqdm, rich, Keras.
var bar = regexp.MustCompile(`\d%\|.*\||[\d?](?:it/s|s/it)[\],]|━{5}|\d+/\d+ \[[=>.]+\]|\[[=>.]{10,}\]`)

// rank matches what launchers of several processes put before each line: torchrun, srun --label, Ray.
var rank = regexp.MustCompile(`^(?:\[(?:rank|default)?\d+\]: ?|\([\w.]+ pid=\d+(?:, ip=[\d.]+)?\) |\d{1,4}: )`)

// split returns the lines of a tail as a person would see them, without empty ones and without progress bars; where
// there is nothing else, the last bar. A carriage return ends a line: what it overwrote may be the message.
func split(tail []byte) []string {
	if len(tail) > tailLimit {
		tail = tail[len(tail)-tailLimit:]
	}
	var lines []string
	last := ""
	for raw := range bytes.FieldsFuncSeq(tail, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if len(raw) > lineLimit {
			raw = raw[:lineLimit]
		}
		s := rank.ReplaceAllString(strings.TrimRight(plain(string(raw)), " \t"), "")
		if strings.TrimSpace(s) == "" {
			continue
		}
		if i := strings.Index(s, traceback); i > 0 && bar.MatchString(s[:i]) {
			s = s[i:] // a bar is not ended by a newline when an exception interrupts it
		}
		if bar.MatchString(s) {
			last = s
			continue
		}
		lines = append(lines, s)
	}
	if len(lines) == 0 && last != "" {
		return []string{last}
	}
	return lines
}

// lastLines returns the last n lines.
func lastLines(lines []string, n int) []string { return lines[max(0, len(lines)-n):] }

// lastMatch returns the last of the lines that matches, or "".
func lastMatch(lines []string, re *regexp.Regexp) string {
	for i := len(lines) - 1; i >= 0; i-- {
		if re.MatchString(lines[i]) {
			return lines[i]
		}
	}
	return ""
}
