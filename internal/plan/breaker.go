package plan

import (
	"fmt"
	"strings"
	"time"

	"runsheet"
)

// Ended is the end of one attempt in this session.
type Ended struct {
	Run   string
	At    time.Time
	Cause runsheet.Cause
	OK    bool // no failure: the work was complete, or a person stopped it
}

const (
	breakerRuns = 3           // so many runs, the first of a session
	breakerSpan = time.Minute // with their first ends so close together
)

// AllFailTheSame says whether a session has begun so badly that the rest of the sheet would be burnt for nothing, and
// why: its first three runs to end all failed within a minute, with the same cause and no success in between. The ends
// are those of one session in the order in which they came. Ends of the same run count once: how often one run is tried
// again is for its retries to say, so a sheet with fewer runs is never stopped.
func AllFailTheSame(ends []Ended) (reason string, stop bool) {
	var first []Ended
	for _, e := range ends {
		if e.OK {
			return "", false
		}
		if len(first) > 0 && !alike(first[0].Cause, e.Cause) {
			return "", false
		}
		known := false
		for _, k := range first {
			known = known || k.Run == e.Run
		}
		if !known {
			first = append(first, e)
		}
		if len(first) == breakerRuns {
			break
		}
	}
	if len(first) < breakerRuns {
		return "", false
	}
	span := first[breakerRuns-1].At.Sub(first[0].At).Abs()
	if span > breakerSpan {
		return "", false
	}
	cause := first[0].Cause
	return fmt.Sprintf("the first %d runs failed in the same way within %s: %s", breakerRuns,
		runsheet.Span(max(span, time.Second)), orElse(cause.Text, orElse(string(cause.Kind), "nothing tells why"))), true
}

// alike says whether two failures are the same one: of one kind, and said in the same words, apart from what differs
// between runs that fail for one reason: numbers, paths, and the parameters in quotes. An exit code is no such number.
func alike(a, b runsheet.Cause) bool {
	if a.Kind != b.Kind {
		return false
	}
	switch a.Kind {
	case runsheet.CauseExit, runsheet.CauseSignal:
		return exitOf(a.Text) == exitOf(b.Text) // what follows is whatever the log ended with
	}
	return gist(a.Text) == gist(b.Text)
}

// gist returns a text without what differs between runs.
func gist(text string) string {
	var words []string
	for _, w := range strings.Fields(text) {
		switch {
		case strings.ContainsAny(w, "0123456789"):
			w = "#"
		case strings.Contains(w, "/"):
			w = "/"
		case strings.ContainsAny(w[:1], `'"`+"`"):
			w = "'"
		}
		if len(words) == 0 || words[len(words)-1] != w || w != "#" {
			words = append(words, w)
		}
	}
	return strings.Join(words, " ")
}

// exitOf returns what the text of an exit or a signal says before the log's last words.
func exitOf(text string) string {
	if i := strings.IndexAny(text, ":,"); i >= 0 {
		return text[:i]
	}
	return text
}
