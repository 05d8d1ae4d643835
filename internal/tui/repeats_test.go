package tui

import (
	"fmt"
	"strings"
	"testing"
)

func TestRepeats(t *testing.T) {
	trouble := func(from, to int, text string) (events []Event) {
		for i := from; i <= to; i++ {
			events = append(events, Event{Kind: "trouble", Run: fmt.Sprintf("x=%d", i), Attempt: 1, Text: text})
		}
		return events
	}
	for name, c := range map[string]struct {
		events []Event
		want   []string
	}{
		"one":  {trouble(0, 0, "no"), []string{"x=0 no"}},
		"few":  {trouble(0, 2, "no"), []string{"x=0 no", "x=1 no", "x=2 no"}},
		"many": {trouble(0, 59, "no"), []string{"x=0 no", "59 more runs the same, x=1 to x=59"}},
		"two rows": {append(trouble(0, 9, "no"), trouble(10, 19, "never")...),
			[]string{"x=0 no", "9 more runs the same, x=1 to x=9", "x=10 never", "9 more runs the same, x=11 to x=19"}},
		"interrupted": {append(append(trouble(0, 4, "no"), Event{Kind: "finished", Run: "y"}), trouble(5, 5, "no")...),
			[]string{"x=0 no", "4 more runs the same, x=1 to x=4", "y", "x=5 no"}},
		"nothing to say":  {[]Event{{Kind: "finished", Run: "a"}, {Kind: "finished", Run: "b"}, {Kind: "finished", Run: "c"}, {Kind: "finished", Run: "d"}}, []string{"a", "b", "c", "d"}},
		"another attempt": {[]Event{{Kind: "failed", Run: "a", Attempt: 1, Text: "x"}, {Kind: "failed", Run: "b", Attempt: 2, Text: "x"}}, []string{"a x", "b x"}},
	} {
		var r Repeats
		var got []string
		show := func(events []Event) {
			for _, e := range events {
				got = append(got, strings.TrimSpace(e.Run+" "+e.Text))
			}
		}
		for _, e := range c.events {
			show(r.Add(e))
		}
		show(r.Flush())
		show(r.Flush())
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
