package observe_test

import (
	"testing"

	"runsheet"
	"runsheet/internal/journal"
	"runsheet/internal/observe"
)

// TestGivenUp: a run that the last launcher could not attempt says why, until something else happens to it.
func TestGivenUp(t *testing.T) {
	gaveUp := journal.Event{Kind: journal.GaveUp, WorkDir: "/w", Text: "no GPU here"}
	for name, c := range map[string]struct {
		events []journal.Event
		judged runsheet.Judgement
		want   string
	}{
		"pending":               {[]journal.Event{gaveUp}, runsheet.Judgement{Status: runsheet.Pending}, "given up: no GPU here"},
		"another launcher left": {[]journal.Event{gaveUp, {Kind: journal.LauncherEnded}}, runsheet.Judgement{Status: runsheet.Pending}, "given up: no GPU here"},
		"a retry was asked for": {[]journal.Event{gaveUp, {Kind: journal.Requested, WorkDir: "/w"}}, runsheet.Judgement{Status: runsheet.Pending}, ""},
		"another run":           {[]journal.Event{{Kind: journal.GaveUp, WorkDir: "/v", Text: "x"}}, runsheet.Judgement{Status: runsheet.Pending}, ""},
		"finished since":        {[]journal.Event{gaveUp}, runsheet.Judgement{Status: runsheet.Finished}, ""},
		"said otherwise":        {[]journal.Event{gaveUp}, runsheet.Judgement{Status: runsheet.Pending, Reason: "by alice"}, "by alice"},
	} {
		runs := []runsheet.Observed{{Run: &runsheet.Run{WorkDir: "/w"}, Judgement: c.judged}}
		observe.GivenUp(c.events, runs)
		if got := runs[0].Reason; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
