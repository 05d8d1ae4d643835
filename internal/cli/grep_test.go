package cli

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestEachLine: the texts of a log and the numbers of their lines, also where a bar is drawn over and over, a line has no
// end, and one is longer than anybody wants to look at.
func TestEachLine(t *testing.T) {
	long := strings.Repeat("x", longestText)
	for log, want := range map[string][]string{
		"":                       nil,
		"\n":                     nil,
		"a\nb\n\nc":              {"1 a", "2 b", "4 c"},
		"a\r\nb\r\n":             {"1 a", "2 b"},
		"10%\r20%\r30%\nafter\n": {"1 10%", "1 20%", "1 30%", "2 after"},
		long + "y\nz\n":          {"1 " + long, "1 y", "2 z"},
		long + "\nz\n":           {"1 " + long, "2 z"},
	} {
		var got []string
		err := eachLine(strings.NewReader(log), func(number int, text []byte) error {
			got = append(got, fmt.Sprintf("%d %s", number, text))
			return nil
		})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%.40q: %.80q (%v), want %.80q", log, got, err, want)
		}
	}
}
