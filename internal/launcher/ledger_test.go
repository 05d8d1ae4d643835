package launcher

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"runsheet"
	"runsheet/internal/journal"
	"runsheet/internal/plan"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// event begins an event of session s about the run in work dir "/w".
func event(s string, kind journal.Kind, attempt int) journal.Event {
	return journal.Event{At: noon.Add(time.Duration(attempt) * time.Minute), Kind: kind, Session: s, Run: "r", WorkDir: "/w",
		Attempt: attempt, Nonce: fmt.Sprint("nonce", attempt)}
}

func ended(s string, attempt int, kind runsheet.EndKind, ok, early bool) journal.Event {
	e := event(s, journal.Ended, attempt)
	e.End, e.OK, e.Early = kind, ok, early
	if !ok && kind == runsheet.EndExit {
		e.Cause = runsheet.Cause{Kind: runsheet.CauseExit, Text: "exit code 1"}
	}
	return e
}

// TestReplay holds what a journal amounts to for the next launcher.
func TestReplay(t *testing.T) {
	started := journal.Event{Kind: journal.LauncherStarted, Session: "s"}
	over := func(text string) journal.Event {
		return journal.Event{Kind: journal.LauncherEnded, Session: "s", Text: text}
	}
	failed := []journal.Event{started, event("s", journal.Claimed, 1), ended("s", 1, runsheet.EndExit, false, false)}
	for _, c := range []struct {
		name    string
		events  []journal.Event
		resume  bool
		goesOn  bool // the session is "s"
		attempt int
		open    bool
		tries   plan.Tries // but Last and Cause
		gaveUp  int
		newEnds int
	}{
		{name: "nothing", events: nil},
		{name: "nothing, to be continued", events: nil, resume: true},
		{name: "killed, typed anew", events: failed, attempt: 1},
		{name: "killed, continued", events: failed, resume: true, goesOn: true, attempt: 1, tries: plan.Tries{Failed: 1}, newEnds: 1},
		{name: "left, continued", events: append(failed[:3:3], over(leftRunning)), resume: true, goesOn: true, attempt: 1, tries: plan.Tries{Failed: 1}, newEnds: 1},
		{name: "came to its end, continued", events: append(failed[:3:3], over("done")), resume: true, attempt: 1},
		{name: "open", events: append(failed[:3:3], event("s", journal.Claimed, 2)), resume: true, goesOn: true, attempt: 2, open: true, tries: plan.Tries{Failed: 1}, newEnds: 1},
		{name: "losses use up nothing", events: append(failed[:3:3], event("s", journal.Claimed, 2), ended("s", 2, runsheet.EndLost, false, false)),
			resume: true, goesOn: true, attempt: 2, tries: plan.Tries{Failed: 1, Lost: 1}, newEnds: 2},
		{name: "an end of an earlier session uses up nothing", events: []journal.Event{started, ended("s", 1, runsheet.EndExit, false, true)}, resume: true, goesOn: true},
		{name: "a request begins anew", events: append(failed[:3:3], event("s", journal.GaveUp, 1), journal.Event{Kind: journal.Requested, Session: "s", WorkDir: "/w", Request: 1}),
			resume: true, goesOn: true, attempt: 1},
		{name: "given up", events: append(failed[:3:3], event("s", journal.GaveUp, 1)), resume: true, goesOn: true, attempt: 1, tries: plan.Tries{Failed: 1}, gaveUp: 2, newEnds: 1},
		{name: "given up, typed anew", events: append(failed[:3:3], event("s", journal.GaveUp, 1)), attempt: 1},
		{name: "another session in between", events: append(failed[:3:3], event("t", journal.Claimed, 2), ended("t", 2, runsheet.EndStopped, false, false)),
			resume: true, attempt: 2, newEnds: 1},
		{name: "success ends the count", events: append(failed[:3:3], event("s", journal.Claimed, 2), ended("s", 2, runsheet.EndExit, true, false)),
			resume: true, goesOn: true, attempt: 2, newEnds: 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := replay(c.events, c.resume)
			e := l.entry("/w")
			if (l.session == "s") != c.goesOn || l.session == "" {
				t.Errorf("session %q, the same one: want %v", l.session, c.goesOn)
			}
			var tries plan.Tries
			if e.tries != nil {
				tries = *e.tries
			}
			tries.Last, tries.Cause = time.Time{}, runsheet.Cause{}
			if e.attempt != c.attempt || e.ended == c.open || !cmp.Equal(tries, c.tries) || e.gaveUp != c.gaveUp {
				t.Errorf("entry %+v", e)
			}
			if len(l.ends) != c.newEnds {
				t.Errorf("%d ends: %+v", len(l.ends), l.ends)
			}
		})
	}
}

// TestFailedBefore holds that a new session knows the runs that failed in an earlier one. Their failures do not count for
// the breaker.
func TestFailedBefore(t *testing.T) {
	fails := func(s string, n int) journal.Event { return ended(s, n, runsheet.EndExit, false, false) }
	short := func(kind runsheet.EndKind, n int) journal.Event {
		e := ended("t", n, kind, false, false)
		e.Cause.Kind = runsheet.CauseShort
		return e
	}
	again := event("t", journal.Claimed, 2)
	again.Again = true
	retry := journal.Event{Kind: journal.Requested, Session: "t", WorkDir: "/w", Request: 1}
	for _, c := range []struct {
		name   string
		events []journal.Event
		before bool
		ends   int
	}{
		{"failed in this session", []journal.Event{fails("t", 1)}, false, 1},
		{"failed in an earlier one", []journal.Event{fails("s", 1), fails("t", 2)}, true, 0},
		{"failed in an earlier one, complete now", []journal.Event{fails("s", 1), ended("t", 2, runsheet.EndExit, true, false)}, false, 1},
		{"complete in an earlier one", []journal.Event{ended("s", 1, runsheet.EndExit, true, false), fails("t", 2)}, false, 1},
		{"interrupted in an earlier one", []journal.Event{ended("s", 1, runsheet.EndStopped, false, false), fails("t", 2)}, false, 1},
		{"failed, and interrupted at its retry", []journal.Event{fails("s", 1), ended("s", 2, runsheet.EndStopped, false, false), fails("t", 3)}, true, 0},
		{"failed, and lost since", []journal.Event{fails("s", 1), ended("s", 2, runsheet.EndLost, false, false), fails("t", 3)}, true, 0},
		{"of an earlier session, failed in this one", []journal.Event{ended("t", 1, runsheet.EndExit, false, true), fails("t", 2)}, true, 0},
		{"of another journal", []journal.Event{again, fails("t", 2)}, true, 0},
		{"we could not start it", []journal.Event{short(runsheet.EndVoid, 1), short(runsheet.EndError, 2), fails("t", 3)}, false, 3},
		{"a person asked for a retry", []journal.Event{fails("s", 1), retry, fails("t", 2)}, true, 0},
	} {
		l := replay(append(c.events, journal.Event{Kind: journal.LauncherStarted, Session: "t"}), true)
		if got := l.tries("/w", runsheet.Facts{Attempt: 9, Claim: &runsheet.Claim{}}).Before; got != c.before || len(l.ends) != c.ends {
			t.Errorf("%s: before %v, ends %+v", c.name, got, l.ends)
		}
		if e := l.entry("/w"); e.tries != nil && (e.tries.Failed > 1 || e.tries.Void > 0) {
			t.Errorf("%s: %+v", c.name, *e.tries)
		}
	}
}

// TestVanished holds when the journal says more than the records.
func TestVanished(t *testing.T) {
	open := replay([]journal.Event{event("s", journal.Claimed, 1), ended("s", 1, runsheet.EndExit, false, false), event("s", journal.Claimed, 2)}, true)
	claim := func(n int) *runsheet.Claim { return &runsheet.Claim{Attempt: n, Nonce: fmt.Sprint("nonce", n)} }
	for _, c := range []struct {
		name string
		f    runsheet.Facts
		want bool
	}{
		{"everything is gone", runsheet.Facts{}, true},
		{"an older attempt is the last", runsheet.Facts{Attempt: 1, Claim: claim(1), End: &runsheet.End{}}, true},
		{"the attempt is there", runsheet.Facts{Attempt: 2, Claim: claim(2)}, false},
		{"it has ended", runsheet.Facts{Attempt: 2, Claim: claim(2), End: &runsheet.End{}}, false},
		{"another of that number", runsheet.Facts{Attempt: 2, Claim: &runsheet.Claim{Attempt: 2, Nonce: "other"}}, true},
		{"a later one", runsheet.Facts{Attempt: 3, Claim: claim(3)}, false},
		{"nobody can read", runsheet.Facts{Problem: "permission denied"}, false},
	} {
		if got := open.entry("/w").vanished(c.f); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
		if told := open.tries("/w", c.f).Open != ""; told != (c.want || c.f.Problem != "") {
			t.Errorf("%s: the plan is told %v", c.name, told)
		}
	}
	if open.entry("/elsewhere").vanished(runsheet.Facts{}) {
		t.Error("a run that was never claimed has vanished")
	}
}

// TestAnyPrefix holds, for every prefix of a journal, as a crash may leave it, what a plain count over its events says.
func TestAnyPrefix(t *testing.T) {
	ends := []runsheet.EndKind{runsheet.EndExit, runsheet.EndSignal, runsheet.EndStopped, runsheet.EndStuck, runsheet.EndLost, runsheet.EndVoid, runsheet.EndError}
	rapid.Check(t, func(t *rapid.T) {
		var events []journal.Event
		next := map[string]int{}
		open := map[string]int{}
		session := 0
		for range rapid.IntRange(0, 40).Draw(t, "events") {
			dir := rapid.SampledFrom([]string{"/a", "/b"}).Draw(t, "work dir")
			e := journal.Event{At: noon.Add(time.Duration(len(events)) * time.Second), WorkDir: dir, Run: dir}
			switch rapid.IntRange(0, 7).Draw(t, "what") {
			case 0:
				session++
				e.Kind, e.WorkDir, e.Run = journal.LauncherStarted, "", ""
			case 1:
				e.Kind, e.WorkDir, e.Run = journal.LauncherEnded, "", ""
				e.Text = rapid.SampledFrom([]string{"done", leftRunning}).Draw(t, "how")
			case 2:
				e.Kind, e.Request = journal.Requested, len(events)
			case 3:
				if next[dir] > 0 && open[dir] == 0 {
					e.Kind, e.Attempt = journal.GaveUp, next[dir]
				}
			default:
				if open[dir] == 0 {
					next[dir]++
					open[dir] = next[dir]
					e.Kind, e.Attempt, e.Nonce = journal.Claimed, next[dir], fmt.Sprint(dir, next[dir])
				} else {
					e.Kind, e.Attempt, e.Nonce = journal.Ended, open[dir], fmt.Sprint(dir, open[dir])
					e.End = rapid.SampledFrom(ends).Draw(t, "end")
					e.OK = e.End == runsheet.EndExit && rapid.Bool().Draw(t, "ok")
					e.Early = rapid.IntRange(0, 5).Draw(t, "early") == 0
					open[dir] = 0
				}
			}
			if e.Kind != "" {
				e.Session = fmt.Sprint("s", session)
				events = append(events, e)
			}
		}
		for k := range len(events) + 1 {
			checkPrefix(t, events[:k])
		}
	})
}

func checkPrefix(t *rapid.T, events []journal.Event) {
	goesOn, fresh := replay(events, true), replay(events, false)
	last, over := "", false
	for _, e := range events {
		last = e.Session
		switch e.Kind {
		case journal.LauncherStarted:
			over = false
		case journal.LauncherEnded:
			over = e.Text != leftRunning
		}
	}
	if want := last != "" && !over; (goesOn.session == last) != want || fresh.session == last || fresh.session == "" {
		t.Fatalf("sessions %q and %q after %q, over: %v", goesOn.session, fresh.session, last, over)
	}
	for _, dir := range []string{"/a", "/b"} {
		attempt, open, failed := 0, false, 0
		for _, e := range events {
			switch {
			case e.WorkDir != dir:
			case e.Kind == journal.Claimed:
				attempt, open = e.Attempt, true
			case e.Kind == journal.Ended:
				open = false
			}
			if e.WorkDir != dir || e.Session != last || over {
				continue
			}
			switch {
			case e.Kind == journal.Requested || e.Kind == journal.Ended && e.OK && !e.Early:
				failed = 0
			case e.Kind == journal.Ended && !e.Early && e.End.Failure():
				failed++
			}
		}
		g, f := goesOn.entry(dir), fresh.entry(dir)
		if g.attempt != attempt || f.attempt != attempt || g.ended == open || f.ended == open {
			t.Fatalf("%s: attempt %d, open %v; the ledger has %+v and %+v", dir, attempt, open, g, f)
		}
		if g.tries != nil && g.tries.Failed != failed || g.tries == nil && failed > 0 || f.tries != nil || f.gaveUp != 0 {
			t.Fatalf("%s: %d failures; the ledger has %+v and %+v", dir, failed, g.tries, f.tries)
		}
	}
}
