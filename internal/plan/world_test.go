package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"runsheet"
)

// fataler is what a check complains to.
type fataler interface {
	Fatalf(format string, args ...any)
}

// drawWorld returns any world at all: also such as no launcher would ever bring about.
func drawWorld(t *rapid.T) Input {
	w := Input{Policy: runsheet.DefaultPolicy, Now: noon, Rerun: rapid.Bool().Draw(t, "rerun")}
	w.Policy.Retries = rapid.IntRange(0, 3).Draw(t, "retries")
	w.Policy.OnStuck = rapid.SampledFrom([]runsheet.OnStuck{runsheet.RestartStuck, runsheet.LeaveStuck}).Draw(t, "on stuck")
	for h := range rapid.IntRange(0, 3).Draw(t, "hosts") {
		w.Hosts = append(w.Hosts, drawHost(t, h))
	}
	for i := range rapid.IntRange(0, 8).Draw(t, "runs") {
		w.Runs = append(w.Runs, runsheet.Run{Name: strconv.Itoa(i), Command: command, Resources: drawResources(t)})
		f := drawFacts(t)
		w.Facts = append(w.Facts, f)
		w.Tries = append(w.Tries, drawTries(t))
		w.Short = append(w.Short, runsheet.Shortage{What: rapid.SampledFrom([]string{"", "", "", "room on a disk"}).Draw(t, "short")})
	}
	for range rapid.IntRange(0, 2).Draw(t, "strays") {
		f := live(drawHostName(t), drawDevices(t)...)
		if rapid.Bool().Draw(t, "stray over") {
			f.End = &runsheet.End{Kind: runsheet.EndStopped}
		}
		w.Strays = append(w.Strays, f)
	}
	return w
}

func drawHost(t *rapid.T, h int) runsheet.Host {
	host := runsheet.Host{Name: fmt.Sprintf("host%d", h), Slots: rapid.IntRange(0, 4).Draw(t, "slots"),
		CPUs: rapid.SampledFrom([]int{0, 4, 8}).Draw(t, "cpus"), Memory: rapid.SampledFrom([]int64{0, 4 * gib, 16 * gib}).Draw(t, "memory")}
	for d := range rapid.IntRange(0, 3).Draw(t, "devices") {
		host.Devices = append(host.Devices, runsheet.Device{ID: strconv.Itoa(d), Free: rapid.SampledFrom([]int64{gib, 12 * gib, 24 * gib}).Draw(t, "free"),
			Busy: rapid.SampledFrom([]string{"", "", "bob: python"}).Draw(t, "busy")})
	}
	return host
}

func drawResources(t *rapid.T) runsheet.Resources {
	return runsheet.Resources{GPUs: rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "gpus"), CPUs: rapid.IntRange(0, 5).Draw(t, "asks cpus"),
		Memory: rapid.SampledFrom([]int64{0, gib, 3 * gib}).Draw(t, "asks memory"), GPUMemory: rapid.SampledFrom([]int64{0, gib}).Draw(t, "asks gpu memory")}
}

func drawHostName(t *rapid.T) string {
	return rapid.SampledFrom([]string{"host0", "host1", "elsewhere"}).Draw(t, "on")
}

func drawDevices(t *rapid.T) []string {
	return rapid.SampledFrom([][]string{nil, {"0"}, {"1", "2"}}).Draw(t, "holds")
}

func drawTries(t *rapid.T) Tries {
	n := func(what string) int { return rapid.IntRange(0, 4).Draw(t, what) }
	tries := Tries{Failed: n("failed"), Before: rapid.Bool().Draw(t, "before"), Lost: n("lost"), Void: n("void"), Last: noon.Add(-time.Duration(rapid.IntRange(-5, 900).Draw(t, "last")) * time.Second),
		Cause: runsheet.Cause{Kind: rapid.SampledFrom([]runsheet.CauseKind{"", runsheet.CauseImport, runsheet.CauseTraceback}).Draw(t, "cause")}}
	if rapid.IntRange(0, 5).Draw(t, "open") == 0 {
		tries.Open, tries.Host, tries.Devices = "its records are gone", drawHostName(t), drawDevices(t)
	}
	return tries
}

func drawFacts(t *rapid.T) runsheet.Facts {
	f := runsheet.Facts{Progress: rapid.SampledFrom([]*runsheet.Progress{nil, epochs(0), epochs(7), epochs(20), {Completed: 3}, {Error: "cut off"}}).Draw(t, "progress")}
	if rapid.Bool().Draw(t, "active") {
		f.LastActivity = noon.Add(-time.Duration(rapid.IntRange(-5, 3600).Draw(t, "idle")) * time.Second)
	}
	if rapid.IntRange(0, 9).Draw(t, "problem") == 0 {
		return runsheet.Facts{Problem: "claim.json: cut off", Progress: f.Progress}
	}
	if rapid.Bool().Draw(t, "attempted") {
		old := f
		f = live(drawHostName(t), drawDevices(t)...)
		f.Progress, f.LastActivity = old.Progress, old.LastActivity
		f.Claim.At = noon.Add(-time.Duration(rapid.IntRange(0, 60).Draw(t, "claimed")) * time.Second)
		f.Claim.Fresh = rapid.Bool().Draw(t, "fresh")
		f.Claim.Identity = rapid.SampledFrom([]string{command, "old"}).Draw(t, "identity")
		f.Liveness = rapid.SampledFrom([]runsheet.Liveness{"", runsheet.LivenessAlive, runsheet.LivenessGone, runsheet.LivenessOrphan, runsheet.LivenessUnknown}).Draw(t, "liveness")
		switch rapid.IntRange(0, 3).Draw(t, "start") {
		case 0:
			f.Start = nil
		case 1:
			f.Start.Void = true
		}
		if rapid.Bool().Draw(t, "over") {
			f.Liveness = ""
			f.End = &runsheet.End{At: noon, Kind: rapid.SampledFrom([]runsheet.EndKind{runsheet.EndExit, runsheet.EndSignal, runsheet.EndStopped,
				runsheet.EndStuck, runsheet.EndLost, runsheet.EndVoid, runsheet.EndError}).Draw(t, "end")}
			if f.End.Kind == runsheet.EndExit {
				n := rapid.IntRange(0, 1).Draw(t, "code")
				f.End.ExitCode = &n
			}
		}
	}
	if kind := rapid.SampledFrom([]runsheet.RequestKind{"", "", runsheet.RequestStop, runsheet.RequestRetry}).Draw(t, "request"); kind != "" {
		f.Request = &runsheet.Request{Number: 1, Kind: kind, User: "alice"}
		if f.Claim != nil && rapid.Bool().Draw(t, "known") {
			f.Claim.Request = 1
		}
	}
	return f
}

// load is what live attempts hold of one host.
type load struct {
	attempts, cpus int
	memory         int64
	devices        map[string]int
}

// loads adds up what lives, as the plan has to respect it.
func loads(w Input) map[string]*load {
	out := map[string]*load{}
	for _, h := range w.Hosts {
		out[h.Name] = &load{devices: map[string]int{}}
	}
	add := func(host string, devices []string, r runsheet.Resources) {
		if l := out[host]; l != nil {
			l.attempts, l.cpus, l.memory = l.attempts+1, l.cpus+r.CPUs, l.memory+r.Memory
			for _, d := range devices {
				l.devices[d]++
			}
		}
	}
	for i, f := range w.Facts {
		if f.Claim != nil && f.End == nil {
			add(f.Claim.Host, f.Claim.Devices, w.Runs[i].Resources)
		} else if t := w.Tries[i]; t.Open != "" {
			add(t.Host, t.Devices, w.Runs[i].Resources)
		}
	}
	for _, f := range w.Strays {
		if f.End == nil {
			add(f.Claim.Host, f.Claim.Devices, runsheet.Resources{})
		}
	}
	return out
}

// carryOut returns the world in which every launch of a plan has been claimed and nothing else has happened.
func carryOut(w Input, plan []runsheet.Action) Input {
	w.Facts = slices.Clone(w.Facts)
	for _, a := range plan {
		if a.Verb == runsheet.VerbLaunch {
			f := &w.Facts[a.Run]
			claim := &runsheet.Claim{At: w.Now, Attempt: f.Attempt + 1, Host: a.Host, Devices: a.Devices, Fresh: a.Fresh, Identity: w.Runs[a.Run].Command}
			if f.Request != nil {
				claim.Request = f.Request.Number
			}
			f.Attempt, f.Claim, f.Start, f.End, f.Liveness = claim.Attempt, claim, nil, nil, runsheet.LivenessGone
		}
	}
	return w
}

// check holds a plan to everything that it promises.
func check(t fataler, w Input, plan []runsheet.Action) {
	if len(plan) != len(w.Runs) {
		t.Fatalf("%d actions for %d runs", len(plan), len(w.Runs))
	}
	before, anyLive := loads(w), false
	for _, l := range before {
		anyLive = anyLive || l.attempts > 0
	}
	for i, a := range plan {
		if a.Run != i {
			t.Fatalf("action %d is about run %d", i, a.Run)
		}
		if a.Reason == "" {
			t.Fatalf("no reason: %+v", a)
		}
		anyLive = anyLive || a.Verb == runsheet.VerbLaunch
		checkOne(t, w, i, a)
	}
	checkOrder(t, w, plan)
	after := loads(carryOut(w, plan))
	for _, h := range w.Hosts {
		checkHost(t, h, before[h.Name], after[h.Name])
	}
	for i, a := range plan {
		// Nobody waits for what will never come.
		if a.Verb == runsheet.VerbWait && !a.Until.After(w.Now) && !w.Facts[i].Live() && w.Tries[i].Open == "" && !anyLive {
			t.Fatalf("run %d waits for nothing: %+v", i, a)
		}
	}
}

// checkOrder asks whether what failed before is launched only where everything has its place that never failed and asks
// for the same, and whether nothing is launched that something is short for.
func checkOrder(t fataler, w Input, plan []runsheet.Action) {
	for i, a := range plan {
		if a.Verb != runsheet.VerbLaunch {
			continue
		}
		if i < len(w.Short) && w.Short[i].What != "" {
			t.Fatalf("run %d was launched, and it needs %s", i, w.Short[i])
		}
		if a.Again != failedBefore(w.Facts[i], w.Tries[i], runsheet.Judge(w.Runs[i], w.Facts[i], w.Policy, w.Now)) {
			t.Fatalf("run %d: again: %v", i, a.Again)
		}
		for k, b := range plan {
			waits := b.Verb == runsheet.VerbWait && strings.HasPrefix(b.Reason, "waiting for a slot")
			if a.Again && waits && w.Runs[k].Resources == w.Runs[i].Resources &&
				!failedBefore(w.Facts[k], w.Tries[k], runsheet.Judge(w.Runs[k], w.Facts[k], w.Policy, w.Now)) {
				t.Fatalf("run %d failed before, and was launched before run %d, which did not", i, k)
			}
		}
	}
}

func checkOne(t fataler, w Input, i int, a runsheet.Action) {
	f := w.Facts[i]
	status := runsheet.Judge(w.Runs[i], f, w.Policy, w.Now).Status
	if f.Live() && f.Problem == "" && a.Verb != runsheet.VerbWait && a.Verb != runsheet.VerbEnd && a.Verb != runsheet.VerbRecover {
		t.Fatalf("an attempt lives, and the plan is to %s", a.Verb)
	}
	switch a.Verb {
	case runsheet.VerbLaunch:
		switch {
		case f.Live():
			t.Fatalf("launched beside a live attempt")
		case f.Problem != "" || w.Tries[i].Open != "" || f.Progress != nil && f.Progress.Error != "" && status == runsheet.Unknown:
			t.Fatalf("launched, and nobody knows what there is: %+v", f)
		case f.StopRequested():
			t.Fatalf("launched against a person's stop")
		case status == runsheet.Finished || status == runsheet.Outdated && !(w.Rerun && a.Fresh):
			t.Fatalf("launched although %s", status)
		case a.Fresh && a.Resume:
			t.Fatalf("fresh, and resumed")
		case !a.Until.IsZero():
			t.Fatalf("launched now and later")
		}
	case runsheet.VerbEnd:
		if f.Liveness != runsheet.LivenessAlive || f.Start == nil || f.Start.Void || a.Kind != runsheet.EndStopped && a.Kind != runsheet.EndStuck {
			t.Fatalf("there is nothing to end as %q: %+v", a.Kind, f)
		}
	case runsheet.VerbRecover:
		if !f.Live() || f.Liveness == runsheet.LivenessAlive || f.Liveness == runsheet.LivenessUnknown {
			t.Fatalf("recovered, and it may live: %+v", f)
		}
	case runsheet.VerbGiveUp:
		if status == runsheet.Finished || status == runsheet.Outdated && !w.Rerun {
			t.Fatalf("given up although %s", status)
		}
	case runsheet.VerbWait, runsheet.VerbLeave:
	default:
		t.Fatalf("%q is no verb", a.Verb)
	}
}

func checkHost(t fataler, h runsheet.Host, before, after *load) {
	if after.attempts == before.attempts {
		return
	}
	switch {
	case after.attempts > h.Slots:
		t.Fatalf("%s: %d attempts in %d slots", h.Name, after.attempts, h.Slots)
	case h.CPUs > 0 && after.cpus > max(h.CPUs, before.cpus):
		t.Fatalf("%s: %d CPUs asked of %d", h.Name, after.cpus, h.CPUs)
	case h.Memory > 0 && after.memory > max(h.Memory, before.memory):
		t.Fatalf("%s: %d bytes asked of %d", h.Name, after.memory, h.Memory)
	}
	for id, n := range after.devices {
		if n > max(before.devices[id], 1) || n > 1 && n > before.devices[id] {
			t.Fatalf("%s: device %s given %d times", h.Name, id, n)
		}
		if n > before.devices[id] && !slices.ContainsFunc(h.Devices, func(d runsheet.Device) bool { return d.ID == id && d.Busy == "" }) {
			t.Fatalf("%s: device %s is not to be given", h.Name, id)
		}
	}
}

// TestPromises holds any plan for any world to its promises, and to those that concern two plans.
func TestPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		plan := Decide(w)
		check(t, w, plan)
		for i, a := range plan {
			if a.Verb != runsheet.VerbLaunch {
				continue
			}
			r := w.Runs[i].Resources
			if len(a.Devices) != r.GPUs {
				t.Fatalf("%d devices for %+v", len(a.Devices), r)
			}
			for _, h := range w.Hosts {
				for _, d := range h.Devices {
					need := r.GPUMemory
					if need == 0 {
						need = runsheet.DefaultPolicy.Idle.GPUMemory
					}
					if h.Name == a.Host && slices.Contains(a.Devices, d.ID) && d.Free < need {
						t.Fatalf("device %s has %d bytes free", d.ID, d.Free)
					}
				}
			}
		}
		if diff := cmp.Diff(plan, Decide(w)); diff != "" {
			t.Fatalf("the same world, another plan:\n%s", diff)
		}
		done := carryOut(w, plan)
		for i, a := range Decide(done) {
			if a.Verb == runsheet.VerbLaunch {
				t.Fatalf("run %d: its own result makes it launch", i)
			}
			if plan[i].Verb != runsheet.VerbLaunch && plan[i].Verb != a.Verb {
				t.Fatalf("run %d: %s became %s", i, plan[i].Verb, a.Verb)
			}
		}
	})
}

// TestSheetOrder holds that where runs ask for the same, none is launched before an earlier one that may be launched.
func TestSheetOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ask := drawResources(t)
		w := farm([]runsheet.Host{drawHost(t, 0), drawHost(t, 1)}, make([]runsheet.Resources, rapid.IntRange(1, 8).Draw(t, "runs"))...)
		for i := range w.Runs {
			w.Runs[i].Resources = ask
		}
		waiting := false
		for _, a := range Decide(w) {
			if waiting && a.Verb == runsheet.VerbLaunch {
				t.Fatalf("run %d was launched before an earlier one", a.Run)
			}
			waiting = waiting || a.Verb != runsheet.VerbLaunch
		}
	})
}
