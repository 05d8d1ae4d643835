package report

import (
	"math"
	"regexp"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// csi matches the escape sequences that colour text and move cursors: ECMA-48, section 5.4.
var csi = regexp.MustCompile("(?:\x1b\\[|\u009b)[0-?]*[ -/]*[@-~]")

// Clean makes text from outside safe to print on one line: escape sequences and control characters are dropped,
// blanks of every kind become spaces, and marks that turn the direction of writing are dropped, because with them a
// name could show itself as another.
func Clean(s string) string {
	s = csi.ReplaceAllString(strings.ToValidUTF8(s, "\uFFFD"), "")
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f, r == 0xfeff:
			return -1
		}
		return r
	}, s)
}

// Width returns how many columns of a terminal s takes. Escape sequences take none, wide runes two.
func Width(s string) int { return ansi.StringWidthWc(s) }

// Middle shortens s to at most width columns by cutting out its middle, where names that were made of parameters differ
// least. It never splits a rune.
func Middle(s string, width int) string {
	n := Width(s)
	switch {
	case n <= width:
		return s
	case width <= 0:
		return ""
	case width == 1:
		return "…"
	}
	head := width / 2
	left := ansi.TruncateWc(s, head, "")
	// A wide rune at a cut may leave one column unused on either side.
	for drop := n - (width - 1 - head); ; drop++ {
		if right := ansi.TruncateLeftWc(s, drop, ""); Width(left)+1+Width(right) <= width {
			return left + "…" + right
		}
	}
}

// End shortens s to at most width columns by cutting off its end.
func End(s string, width int) string {
	if width <= 0 {
		return ""
	}
	return ansi.TruncateWc(s, width, "…")
}

// Bar draws a share in [0, 100] as a bar of width columns, to an eighth of a column. A bar is full only at 100.
func Bar(percentage float64, width int) string {
	if width <= 0 {
		return ""
	}
	if math.IsNaN(percentage) {
		percentage = 0
	}
	eighths := int(min(max(percentage, 0), 100) / 100 * float64(8*width))
	full, part := eighths/8, eighths%8
	bar := strings.Repeat("█", full)
	if part > 0 {
		bar += string([]rune("▏▎▍▌▋▊▉")[part-1])
		full++
	}
	return bar + strings.Repeat("░", width-full)
}

// pad fills s with spaces to width columns, on the left where right is set.
func pad(s string, width int, right bool) string {
	blank := strings.Repeat(" ", max(width-Width(s), 0))
	if right {
		return blank + s
	}
	return s + blank
}
