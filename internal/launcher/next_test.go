package launcher

import (
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/journal"
)

// crash is an end by an exception at a line, with so much of the work done.
func crash(s string, attempt int, text, where string, reached int64) journal.Event {
	e := ended(s, attempt, runsheet.EndExit, false, false)
	e.Cause, e.Reached = runsheet.Cause{Kind: runsheet.CauseTraceback, Text: text, Where: where}, reached
	return e
}

// TestSame holds when a second failure is the first one again.
func TestSame(t *testing.T) {
	key := crash("s", 1, "KeyError: 'a'", "t.py:3", 5)
	lost := ended("s", 2, runsheet.EndLost, false, false)
	limit := ended("s", 2, runsheet.EndTimeLimit, false, false)
	limit.Reached = 9
	for _, c := range []struct {
		name   string
		events []journal.Event
		same   bool
	}{
		{"once", []journal.Event{key}, false},
		{"twice", []journal.Event{key, crash("s", 2, "KeyError: 'a'", "t.py:3", 5)}, true},
		{"further on", []journal.Event{key, crash("s", 2, "KeyError: 'a'", "t.py:3", 6)}, false},
		{"begun anew, and less far", []journal.Event{key, crash("s", 2, "KeyError: 'a'", "t.py:3", 2)}, false},
		{"at another line", []journal.Event{key, crash("s", 2, "KeyError: 'a'", "t.py:4", 5)}, false},
		{"of a kind that passes", []journal.Event{crash("s", 1, "TimeoutError", "", 5), crash("s", 2, "TimeoutError", "", 5)}, false},
		{"another in between", []journal.Event{key, crash("s", 2, "ValueError", "t.py:9", 5), crash("s", 3, "KeyError: 'a'", "t.py:3", 5)}, false},
		{"lost in between", []journal.Event{key, lost, crash("s", 3, "KeyError: 'a'", "t.py:3", 5)}, true},
		{"further by a time limit in between", []journal.Event{key, limit, crash("s", 3, "KeyError: 'a'", "t.py:3", 5)}, false},
		{"typed anew in between", []journal.Event{key, crash("t", 2, "KeyError: 'a'", "t.py:3", 5)}, false},
		{"a retry asked for in between", []journal.Event{key, {Kind: journal.Requested, Session: "s", WorkDir: "/w", Request: 1}, crash("s", 2, "KeyError: 'a'", "t.py:3", 5)}, false},
	} {
		l := replay(append([]journal.Event{{Kind: journal.LauncherStarted, Session: "s"}}, c.events...), true)
		if e := l.entry("/w"); e.tries == nil || e.tries.Same != c.same {
			t.Errorf("%s: %+v", c.name, e.tries)
		}
	}
}

// TestTellNext: who looks from outside knows the next try by the journal.
func TestTellNext(t *testing.T) {
	code := 1
	sheet := &runsheet.Sheet{Runs: []runsheet.Run{{Name: "r", WorkDir: "/w"}}, Policy: runsheet.DefaultPolicy}
	facts := func(attempt int) []runsheet.Facts {
		claim := event("s", journal.Claimed, attempt)
		return []runsheet.Facts{{Attempt: attempt, Claim: &runsheet.Claim{Attempt: attempt, Nonce: claim.Nonce},
			End: &runsheet.End{Kind: runsheet.EndExit, ExitCode: &code, At: claim.At}}}
	}
	first := []journal.Event{{Kind: journal.LauncherStarted, Session: "s"}, event("s", journal.Claimed, 1), ended("s", 1, runsheet.EndExit, false, false)}
	second := append(first[:3:3], event("s", journal.Claimed, 2))
	for _, c := range []struct {
		name    string
		events  []journal.Event
		attempt int
		want    *runsheet.Next
	}{
		{"failed once", first, 1, &runsheet.Next{Attempt: 2, At: first[2].At.Add(10 * time.Second)}},
		{"its end is not in the journal yet", second, 2, nil},
		{"failed too often", append(second[:4:4], ended("s", 2, runsheet.EndExit, false, false), event("s", journal.Claimed, 3),
			ended("s", 3, runsheet.EndExit, false, false)), 3, nil},
		{"given up", append(first[:3:3], event("s", journal.GaveUp, 1)), 1, nil},
		{"the launcher has left", append(first[:3:3], journal.Event{Kind: journal.LauncherEnded, Session: "s", Text: "done"}), 1, nil},
		{"of another journal", nil, 1, nil},
	} {
		snap := runsheet.Snap(sheet, facts(c.attempt), noon.Add(time.Minute+time.Second))
		TellNext(c.events, snap)
		switch got := snap.Runs[0].Next; {
		case (got == nil) != (c.want == nil):
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		case got != nil && (got.Attempt != c.want.Attempt || !got.At.Equal(c.want.At)):
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
