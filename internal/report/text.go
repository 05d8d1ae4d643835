package report

import (
	"math"
	"strings"

	"github.com/mattn/go-runewidth"
)

// narrow tells the width of runes as terminals do outside of East Asia: those of ambiguous width take one column.
var narrow = runewidth.Condition{}

// columns returns how many columns of a terminal r takes. Most text is ASCII, and needs no search in a table.
func columns(r rune) int {
	if r >= ' ' && r <= '~' {
		return 1
	}
	return narrow.RuneWidth(r)
}

// Width returns how many columns of a terminal s takes, without escape sequences in it. Wide runes take two.
func Width(s string) int {
	n := 0
	for _, r := range s {
		n += columns(r)
	}
	return n
}

// Middle shortens s to at most width columns by cutting out its middle, where names that were made of parameters differ
// least. It never splits a rune.
func Middle(s string, width int) string {
	switch {
	case Width(s) <= width:
		return s
	case width <= 0:
		return ""
	}
	left := head(s, width/2)
	return left + "…" + tail(s, width-1-Width(left))
}

// End shortens s to at most width columns by cutting off its end.
func End(s string, width int) string {
	switch {
	case Width(s) <= width:
		return s
	case width <= 0:
		return ""
	}
	return head(s, width-1) + "…"
}

// head returns as much of the beginning of s as fits into width columns.
func head(s string, width int) string {
	n := 0
	for i, r := range s {
		if n += columns(r); n > width {
			return s[:i]
		}
	}
	return s
}

// tail returns as much of the end of s as fits into width columns.
func tail(s string, width int) string {
	skip := Width(s) - width
	for i, r := range s {
		if skip <= 0 {
			return s[i:]
		}
		skip -= columns(r)
	}
	return ""
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
