package plan

import (
	"slices"
	"testing"
	"time"

	"runsheet"
)

// TestWhatFailedGoesLast holds the order in which runs get the only slot: those without a failure first, in this session and
// in earlier ones, and among equals the order of the sheet.
func TestWhatFailedGoesLast(t *testing.T) {
	var none runsheet.Facts
	ended := func(kind runsheet.EndKind) runsheet.Facts {
		f := live("host0")
		f.Liveness, f.Progress = runsheet.LivenessNone, epochs(7)
		f.End = &runsheet.End{Kind: kind, At: ago(time.Hour)}
		if one := 1; kind == runsheet.EndExit {
			f.End.ExitCode = &one
		}
		return f
	}
	starved := ended(runsheet.EndError)
	starved.End.Cause.Kind = runsheet.CauseShort
	asked := ended(runsheet.EndExit)
	asked.Request = &runsheet.Request{Number: 1, Kind: runsheet.RequestRetry}
	type run struct {
		facts runsheet.Facts
		tries Tries
	}
	never := run{facts: none}
	before := run{ended(runsheet.EndExit), Tries{Before: true}}
	now := run{ended(runsheet.EndExit), Tries{Failed: 1, Last: ago(time.Hour)}}
	elsewhere := run{facts: ended(runsheet.EndExit)}
	interrupted := run{facts: ended(runsheet.EndStopped)}
	for _, c := range []struct {
		name string
		runs []run
		want int // which gets the slot
	}{
		{"the sheet's order", []run{never, never}, 0},
		{"failed in an earlier session", []run{before, before, never}, 2},
		{"failed in this session, its backoff over", []run{now, never}, 1},
		{"failed, by another journal", []run{elsewhere, never}, 1},
		{"failed before, and interrupted since", []run{{ended(runsheet.EndStopped), Tries{Before: true}}, never}, 1},
		{"failed, stuck and by a signal", []run{{facts: ended(runsheet.EndStuck)}, {facts: ended(runsheet.EndSignal)}, never}, 2},
		{"interrupted", []run{interrupted, never}, 0},
		{"we could not start it", []run{{facts: starved}, never}, 0},
		{"its command could not be started", []run{{facts: ended(runsheet.EndError)}, never}, 1},
		{"lost", []run{{facts: ended(runsheet.EndLost)}, never}, 0},
		{"reached a time limit, and came further", []run{{ended(runsheet.EndTimeLimit), Tries{Gained: true}}, never}, 0},
		{"a person asked for a retry", []run{{asked, Tries{Before: true}}, never}, 0},
		{"nothing but failures", []run{now, before, elsewhere}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := farm([]runsheet.Host{{Name: "host0", Slots: 1}}, make([]runsheet.Resources, len(c.runs))...)
			for i, r := range c.runs {
				w.Facts[i], w.Tries[i] = r.facts, r.tries
			}
			plan := Decide(w)
			check(t, w, plan)
			got := slices.IndexFunc(plan, func(a runsheet.Action) bool { return a.Verb == runsheet.VerbLaunch })
			if got != c.want {
				t.Errorf("run %d got the slot, want %d: %+v", got, c.want, plan)
			}
		})
	}
}

// TestShort holds that a run is not launched while something is short for it, and that it takes nobody's place meanwhile.
func TestShort(t *testing.T) {
	w := farm([]runsheet.Host{{Name: "host0", Slots: 1}}, runsheet.Resources{}, runsheet.Resources{})
	w.Short = []runsheet.Shortage{{What: "room in /data", Why: "12 MiB free"}, {}}
	plan := Decide(w)
	if a := plan[0]; a.Verb != runsheet.VerbWait || a.Reason != "waiting for room in /data: 12 MiB free" || a.Short != "room in /data" || !a.Until.After(w.Now) {
		t.Errorf("%+v", a)
	}
	if a := plan[1]; a.Verb != runsheet.VerbLaunch {
		t.Errorf("%+v", a)
	}
}
