package observe_test

import (
	"testing"

	"runsheet"
	"runsheet/internal/journal"
	"runsheet/internal/observe"
)

// TestGivenUp: a run that a launcher could not attempt says why, as long as that holds.
func TestGivenUp(t *testing.T) {
	gaveUp := journal.Event{Kind: journal.GaveUp, WorkDir: "/w", Text: "permission denied"}
	noHost := journal.Event{Kind: journal.GaveUp, WorkDir: "/w", Text: "needs 2 GPUs; vm has no GPU", Cause: runsheet.Cause{Kind: runsheet.CauseNoHost}}
	began, ended := journal.Event{Kind: journal.LauncherStarted}, journal.Event{Kind: journal.LauncherEnded}
	pending := runsheet.Judgement{Status: runsheet.Pending}
	refused := runsheet.Judgement{Status: runsheet.Pending, Reason: "slurm does not take it"}
	const hasRoom = "" // a host has room now
	for name, c := range map[string]struct {
		events []journal.Event
		judged runsheet.Judgement
		now    string // why no host has room, as they are now
		want   string
	}{
		"pending":                    {[]journal.Event{began, gaveUp}, pending, hasRoom, "given up: permission denied"},
		"that launcher left":         {[]journal.Event{began, gaveUp, ended}, pending, hasRoom, "the last launcher gave it up: permission denied"},
		"another one began":          {[]journal.Event{began, gaveUp, ended, began}, pending, hasRoom, ""},
		"another one, after a kill":  {[]journal.Event{began, gaveUp, began}, pending, hasRoom, ""},
		"another one gave it up too": {[]journal.Event{began, gaveUp, ended, began, gaveUp}, pending, hasRoom, "given up: permission denied"},
		"a retry was asked for":      {[]journal.Event{gaveUp, {Kind: journal.Requested, WorkDir: "/w"}}, pending, hasRoom, ""},
		"another run":                {[]journal.Event{{Kind: journal.GaveUp, WorkDir: "/v", Text: "x"}}, pending, hasRoom, ""},
		"finished since":             {[]journal.Event{gaveUp}, runsheet.Judgement{Status: runsheet.Finished}, hasRoom, ""},
		"said otherwise":             {[]journal.Event{gaveUp}, runsheet.Judgement{Status: runsheet.Pending, Reason: "by alice"}, hasRoom, "by alice"},
		"no host":                    {[]journal.Event{began, noHost}, pending, "needs 2 GPUs; vm has no GPU", "given up: needs 2 GPUs; vm has no GPU"},
		"no host, for another reason by now": {[]journal.Event{began, noHost, ended}, pending, "needs 2 GPUs; vm has 1 GPU",
			"given up: needs 2 GPUs; vm has 1 GPU"},
		"every entry of the pool refuses it":  {[]journal.Event{began, noHost, ended}, refused, hasRoom, "the last launcher gave it up: needs 2 GPUs; vm has no GPU"},
		"another launcher asks them again":    {[]journal.Event{began, noHost, ended, began}, refused, hasRoom, "slurm does not take it"},
		"a host has room by now":              {[]journal.Event{began, noHost}, pending, hasRoom, ""},
		"no host, and another launcher began": {[]journal.Event{began, noHost, began}, pending, "needs 2 GPUs; vm has no GPU", "given up: needs 2 GPUs; vm has no GPU"},
	} {
		runs := []runsheet.Observed{{Run: &runsheet.Run{WorkDir: "/w"}, Judgement: c.judged}}
		if c.judged == refused {
			runs[0].End = &runsheet.End{Kind: runsheet.EndVoid, Cause: runsheet.Cause{Kind: runsheet.CauseRefused}}
		}
		observe.GivenUp(c.events, runs, func(which []int) []string {
			if len(which) != 1 || which[0] != 0 {
				t.Errorf("%s: asked for the hosts of %v", name, which)
			}
			return []string{c.now}
		})
		if got := runs[0].Reason; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestAbandoned: a run is given up until somebody asks for it again, or another launcher begins.
func TestAbandoned(t *testing.T) {
	gaveUp, began := journal.Event{Kind: journal.GaveUp, WorkDir: "/w"}, journal.Event{Kind: journal.LauncherStarted}
	of := func(kind journal.Kind, dir string) journal.Event { return journal.Event{Kind: kind, WorkDir: dir} }
	for name, c := range map[string]struct {
		events []journal.Event
		want   bool
	}{
		"nothing":          {nil, false},
		"given up":         {[]journal.Event{began, of(journal.Ended, "/w"), gaveUp}, true},
		"said more of it":  {[]journal.Event{began, gaveUp, of(journal.Trouble, "/w"), of(journal.Claimed, "/v")}, true},
		"asked for":        {[]journal.Event{began, gaveUp, of(journal.Requested, "/w")}, false},
		"launched again":   {[]journal.Event{began, gaveUp, of(journal.Claimed, "/w")}, false},
		"another launcher": {[]journal.Event{began, gaveUp, began}, false},
	} {
		if got := observe.AbandonedIn(c.events)["/w"]; got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
