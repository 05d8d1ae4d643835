package runsheet

import (
	"slices"
	"strings"
)

// maxDiffWords bounds the words of a command that are compared one by one.
const maxDiffWords = 200

// CommandDiff returns an older command with what is another one in the newer: "train.sh --lr (was 0.1, now 0.2)". What is the
// same for long is left out.
func CommandDiff(old, now string) string {
	a, b := strings.Fields(old), strings.Fields(now)
	if slices.Equal(a, b) {
		return old + " (only its blanks differ)"
	}
	begin := 0
	for begin < min(len(a), len(b)) && a[begin] == b[begin] {
		begin++
	}
	end := 0
	for end < min(len(a), len(b))-begin && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	head, tail := a[:begin], a[len(a)-end:]
	a, b = a[begin:len(a)-end], b[begin:len(b)-end]
	var out []string
	if len(head) > 4 {
		head = append([]string{"..."}, head[len(head)-3:]...)
	}
	out = append(out, head...)
	if len(a) > maxDiffWords || len(b) > maxDiffWords {
		out = append(out, changed(a, b))
	} else {
		out = append(out, changes(a, b)...)
	}
	if len(tail) > 2 {
		tail = append(slices.Clone(tail[:1]), "...")
	}
	return strings.Join(append(out, tail...), " ")
}

// changes compares two lists of words by their longest common subsequence.
func changes(a, b []string) (out []string) {
	common := make([][]int, len(a)+1) // of the words from here on
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if common[i][j] = max(common[i+1][j], common[i][j+1]); a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	i, j, fromA, fromB := 0, 0, 0, 0 // fromA and fromB: where a change began
	var same []string
	flush := func() {
		if i > fromA || j > fromB {
			out = append(out, changed(a[fromA:i], b[fromB:j]))
		}
	}
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			flush()
			same = same[:0]
			for i < len(a) && j < len(b) && a[i] == b[j] {
				same = append(same, a[i])
				i, j = i+1, j+1
			}
			if n := len(same); n > 4 {
				same = []string{same[0], "...", same[n-2], same[n-1]}
			}
			out = append(out, same...)
			fromA, fromB = i, j
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			i++
		default:
			j++
		}
	}
	flush()
	return out
}

// changed says that some words stand in the place of others.
func changed(a, b []string) string {
	was, now := strings.Join(a, " "), strings.Join(b, " ")
	switch {
	case was == "":
		return "(new: " + now + ")"
	case now == "":
		return "(gone: " + was + ")"
	}
	return "(was " + was + ", now " + now + ")"
}
