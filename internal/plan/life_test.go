package plan

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"runsheet"
)

// fate is what becomes of an attempt.
type fate string

const (
	works     fate = "works"
	fails     fate = "fails"              // its cause can pass
	hopeless  fate = "fails for good"     // its cause cannot
	hangs     fate = "hangs"              // until it is ended
	dies      fate = "dies"               // its supervisor with it
	orphaned  fate = "orphaned"           // its supervisor alone
	halts     fate = "halts"              // stopped by no request
	nothing   fate = "never begins"       // its supervisor never shows itself
	fatesText      = "fate of attempt %d" // what rapid calls the draw
)

// life is a simulated sheet: a world, and what is going to happen in it.
type life struct {
	t      *rapid.T
	w      Input
	events []event
	free   []int             // by run: how many more attempts may meet a fate that uses up no retry
	fates  map[string][]fate // by run: what became of its attempts
}

type event struct {
	at time.Time
	do func()
}

func (l *life) after(d time.Duration, do func()) {
	l.events = append(l.events, event{l.w.Now.Add(d), do})
}

// launch claims, and draws what comes of it. Everything takes its time, so that plans are made in between.
func (l *life) launch(a runsheet.Action) {
	i := a.Run
	l.w = carryOut(l.w, []runsheet.Action{a})
	f := l.w.Facts[i]
	nonce := fmt.Sprint(i, "/", f.Attempt)
	f.Claim.Nonce = nonce
	if a.Fresh {
		f.Progress = nil
	}
	l.w.Facts[i] = f
	options := []fate{works, works, fails, hopeless, hangs}
	if l.free[i] > 0 {
		options = append(options, dies, orphaned, halts, nothing)
	}
	what := rapid.SampledFrom(options).Draw(l.t, fmt.Sprintf(fatesText, f.Attempt))
	if slices.Contains([]fate{dies, orphaned, halts, nothing}, what) {
		l.free[i]--
	}
	l.fates[l.w.Runs[i].Name] = append(l.fates[l.w.Runs[i].Name], what)
	if what == nothing {
		return
	}
	// still says that the attempt is the one that was launched here, and has no end.
	still := func(do func(f *runsheet.Facts)) func() {
		return func() {
			if f := &l.w.Facts[i]; f.Claim.Nonce == nonce && f.End == nil {
				do(f)
			}
		}
	}
	l.after(time.Second, still(func(f *runsheet.Facts) {
		f.Start, f.Liveness, f.LastActivity = &runsheet.Start{At: l.w.Now}, runsheet.LivenessAlive, l.w.Now
		if f.Progress == nil || f.Progress.Completed < 19 {
			f.Progress = epochs(rapid.Int64Range(0, 19).Draw(l.t, "completed"))
		}
		takes := time.Duration(rapid.IntRange(1, 600).Draw(l.t, "seconds")) * time.Second
		l.after(takes, still(func(f *runsheet.Facts) { l.meet(i, f, what) }))
	}))
}

// meet lets an attempt meet its fate.
func (l *life) meet(i int, f *runsheet.Facts, what fate) {
	f.LastActivity = l.w.Now
	switch what {
	case works:
		f.Progress = epochs(20)
		l.end(i, runsheet.EndExit, 0, runsheet.Cause{})
	case fails:
		l.end(i, runsheet.EndExit, 1, runsheet.Cause{Kind: runsheet.CauseTraceback, Text: "ValueError"})
	case hopeless:
		l.end(i, runsheet.EndExit, 1, runsheet.Cause{Kind: runsheet.CauseImport, Text: "No module named torch"})
	case dies:
		f.Liveness = runsheet.LivenessGone
	case orphaned:
		f.Liveness = runsheet.LivenessOrphan
	case halts:
		l.end(i, runsheet.EndStopped, 0, runsheet.Cause{})
	}
}

// end writes an end and what the launcher remembers of it.
func (l *life) end(i int, kind runsheet.EndKind, code int, cause runsheet.Cause) {
	f, t := &l.w.Facts[i], &l.w.Tries[i]
	f.End = &runsheet.End{Kind: kind, At: l.w.Now, Cause: cause, Progress: f.Progress}
	f.Liveness = runsheet.LivenessNone
	lost, voids := t.Lost, t.Void
	t.Last, t.Lost, t.Void = l.w.Now, 0, 0
	switch kind {
	case runsheet.EndExit:
		f.End.ExitCode = &code
		if code != 0 {
			t.Failed, t.Cause = t.Failed+1, cause
		}
	case runsheet.EndStuck:
		t.Failed, t.Cause = t.Failed+1, runsheet.Cause{Kind: runsheet.CauseStuck}
	case runsheet.EndLost:
		t.Lost = lost + 1
	case runsheet.EndVoid:
		t.Void = voids + 1
	}
}

// act carries one plan out; what others do to it takes a second.
func (l *life) act(plan []runsheet.Action) (launched bool) {
	for _, a := range plan {
		i := a.Run
		switch a.Verb {
		case runsheet.VerbLaunch:
			launched = true
			l.launch(a)
		case runsheet.VerbEnd:
			nonce := l.w.Facts[i].Claim.Nonce
			l.after(time.Second, func() {
				if f := l.w.Facts[i]; f.Claim.Nonce == nonce && f.End == nil {
					l.end(i, a.Kind, 0, runsheet.Cause{})
				}
			})
		case runsheet.VerbRecover:
			if f := &l.w.Facts[i]; f.Start == nil {
				f.Start = &runsheet.Start{Void: true}
				l.end(i, runsheet.EndVoid, 0, runsheet.Cause{})
			} else {
				l.end(i, runsheet.EndLost, 0, runsheet.Cause{Kind: runsheet.CauseLost})
			}
			launched = true // the world is another one: plan anew
		}
	}
	return launched
}

// next moves the clock to what happens next, and says whether anything does.
func (l *life) next(plan []runsheet.Action) bool {
	var at time.Time
	sooner := func(t time.Time) {
		if t.After(l.w.Now) && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	for _, a := range plan {
		if a.Verb == runsheet.VerbWait && !a.Until.IsZero() {
			sooner(a.Until)
		}
	}
	for _, e := range l.events {
		sooner(e.at)
	}
	for _, f := range l.w.Facts {
		if f.Live() && f.Liveness == runsheet.LivenessAlive && f.Start != nil {
			// A launcher looks at what lives every few seconds; here it does when that is stuck.
			sooner(l.w.Now.Add(runsheet.StuckAfter(f.Progress, l.w.Policy) - f.Idle(l.w.Now) + time.Second))
		}
	}
	if at.IsZero() {
		return false
	}
	l.w.Now = at
	due := l.events
	l.events = nil
	for _, e := range due {
		if e.at.After(at) {
			l.events = append(l.events, e)
		} else {
			e.do()
		}
	}
	return true
}

// newLife returns a sheet on two hosts, with some of everything that may be found at the start.
func newLife(t *rapid.T) *life {
	l := &life{t: t, fates: map[string][]fate{}}
	l.w = Input{Policy: runsheet.DefaultPolicy, Now: noon, Rerun: rapid.Bool().Draw(t, "rerun"), Hosts: []runsheet.Host{
		{Name: "host0", Slots: rapid.IntRange(1, 3).Draw(t, "slots"), CPUs: 4, Devices: gpus("0", "1")}, {Name: "host1", Slots: 1}}}
	l.w.Policy.Retries = rapid.IntRange(0, 3).Draw(t, "retries")
	for i := range rapid.IntRange(1, 8).Draw(t, "runs") {
		var f runsheet.Facts
		run := runsheet.Run{Name: strconv.Itoa(i), Command: command, Resources: runsheet.Resources{
			GPUs: rapid.SampledFrom([]int{0, 0, 0, 1, 2, 3}).Draw(t, "gpus"), CPUs: rapid.IntRange(0, 4).Draw(t, "cpus")}}
		switch rapid.IntRange(0, 9).Draw(t, "found") {
		case 0:
			f.Progress = epochs(20)
		case 1:
			f.Progress, f.LastActivity = epochs(7), ago(time.Minute)
		case 2:
			f = live("host0")
			f.Liveness = runsheet.LivenessOrphan
		case 3:
			f.Problem = "claim.json: cut off"
		case 4:
			f.Request = &runsheet.Request{Number: 1, Kind: runsheet.RequestStop}
		case 5:
			f = live("host0")
			f.Claim.Identity, f.Progress, f.Liveness = "old", epochs(20), ""
			zero := 0
			f.End = &runsheet.End{Kind: runsheet.EndExit, ExitCode: &zero, At: ago(time.Hour)}
		}
		l.w.Runs, l.w.Facts, l.w.Tries = append(l.w.Runs, run), append(l.w.Facts, f), append(l.w.Tries, Tries{})
		l.free = append(l.free, rapid.IntRange(0, 4).Draw(t, "losses"))
	}
	if rapid.Bool().Draw(t, "a stray") {
		l.w.Strays = []runsheet.Facts{live("host0", "1")}
		l.after(time.Duration(rapid.IntRange(1, 5000).Draw(t, "it goes"))*time.Second, func() { l.w.Strays = nil })
	}
	if rapid.Bool().Draw(t, "bob") {
		l.w.Hosts[0].Devices[0].Busy = "bob: python"
		l.after(time.Duration(rapid.IntRange(1, 500).Draw(t, "he goes"))*time.Second, func() { l.w.Hosts[0].Devices[0].Busy = "" })
	}
	if i := rapid.IntRange(0, 2*len(l.w.Runs)).Draw(t, "stopped"); i < len(l.w.Runs) {
		l.after(time.Duration(rapid.IntRange(1, 500).Draw(t, "when"))*time.Second, func() {
			l.w.Facts[i].Request = &runsheet.Request{Number: 2, Kind: runsheet.RequestStop, User: "alice"}
		})
	}
	return l
}

// TestLife plans sheets to their ends, with everything that may befall an attempt: every plan keeps its promises, and
// each sheet comes to its end, with every run finished, given up for a reason, or left for one.
func TestLife(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLife(t)
		var plan []runsheet.Action
		for step := 0; ; step++ {
			if step > 3000 {
				t.Fatalf("it has no end: %+v", told(plan))
			}
			plan = Decide(l.w)
			check(t, l.w, plan)
			if l.act(plan) {
				continue
			}
			if over(plan) {
				break
			}
			if !l.next(plan) {
				t.Fatalf("nothing will ever happen again: %+v", told(plan))
			}
		}
		for i, a := range plan {
			l.checkEnd(i, a)
		}
	})
}

// over says whether nothing is left to do or to wait for.
func over(plan []runsheet.Action) bool {
	return !slices.ContainsFunc(plan, func(a runsheet.Action) bool { return a.Verb != runsheet.VerbLeave && a.Verb != runsheet.VerbGiveUp })
}

// checkEnd asks whether what became of a run at last is right in view of what became of its attempts.
func (l *life) checkEnd(i int, a runsheet.Action) {
	f, fates := l.w.Facts[i], l.fates[l.w.Runs[i].Name]
	status := runsheet.Judge(l.w.Runs[i], f, l.w.Policy, l.w.Now).Status
	bad := 0
	for _, what := range fates {
		if what == fails || what == hangs || what == hopeless {
			bad++
		}
	}
	if bad > l.w.Policy.Retries+1 {
		l.t.Fatalf("run %d failed %d times with %d retries: %v", i, bad, l.w.Policy.Retries, fates)
	}
	for _, what := range fates[:max(len(fates)-1, 0)] {
		if what == works || what == hopeless {
			l.t.Fatalf("run %d was attempted after one that %s: %v", i, what, fates)
		}
	}
	if a.Verb == runsheet.VerbLeave {
		if status != runsheet.Finished && status != runsheet.Outdated && !f.StopRequested() || status == runsheet.Outdated && l.w.Rerun && !f.StopRequested() {
			l.t.Fatalf("run %d was left: %s, %v", i, status, fates)
		}
		return
	}
	last := fate("")
	if len(fates) > 0 {
		last = fates[len(fates)-1]
	}
	voids := 0
	for k := len(fates); k > 0 && fates[k-1] == nothing; k-- {
		voids++
	}
	fits := l.w.Runs[i].Resources.GPUs <= 2
	if f.Problem == "" && fits && last != hopeless && bad <= l.w.Policy.Retries && voids <= l.w.Policy.Retries {
		l.t.Fatalf("run %d was given up for nothing: %s, %v", i, a.Reason, fates)
	}
}
