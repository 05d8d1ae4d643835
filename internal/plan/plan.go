package plan

import (
	"fmt"
	"time"

	"runsheet"
)

// Input is all that a plan is made of. Facts[i] and Tries[i] belong to Runs[i]; a run without facts is waited for, one
// without tries has none.
type Input struct {
	Runs   []runsheet.Run
	Facts  []runsheet.Facts
	Tries  []Tries
	Strays []runsheet.Facts    // live attempts that the sheet no longer has: they hold their slot and their devices
	Short  []runsheet.Shortage // of each run: what must be there before anything is launched for it
	Hosts  []runsheet.Host     // in the order in which they are to be used
	// Refusals are what the hosts have said they will never take, as things are, and why.
	Refusals map[Ask]string
	Policy   runsheet.Policy
	Rerun    bool // outdated runs are to be run again
	Now      time.Time
}

// Tries is what the launcher remembers of a run from its journal, in this session.
type Tries struct {
	Failed int            // failed ends that count against the retries, since the last retry request
	Before bool           // it failed in an earlier session, and has not been complete since
	Lost   int            // ends in a row that are not the run's fault: lost, preempted; they use up no retry
	Same   bool           // the last two failed ends are the same exception at the same line of the program, with no progress between
	Gained bool           // the last attempt reached a time limit, and more of the work was done by then than ever before
	Known  int            // the last attempt that the journal tells of; 0: it tells of none
	Void   int            // ends in a row of attempts that were given up before they began
	Last   time.Time      // when the last attempt ended; zero: none did
	Cause  runsheet.Cause // of the last failed end
	// Open says why nothing may be claimed for the run now: the journal has a claim without an end that the records do
	// not show. Empty: there is none.
	Open    string
	Host    string   // where that claim was to run: it may hold a slot there still; empty: not known
	Devices []string // the devices of that claim
}

// Ask is a host and the resources that are asked of it. A host takes or refuses all runs with equal resources alike.
type Ask struct {
	Host      string
	Resources runsheet.Resources
}

// lookAgain is how soon to look again at what no attempt of ours will tell us of: other people's use of the GPUs, a pool
// without hosts.
const lookAgain = 10 * time.Second

// lookSoon is how soon to look again at what an attempt of ours has just let go of.
const lookSoon = time.Second

// Decide returns exactly one action for each run, in the order of the runs. What failed before is served after all that
// did not; among equals, runs earlier in the sheet are served first. A later one is launched before them only where what
// is free is enough for it and not for them. What waits in a queue is taken out of it where a host before it in the pool
// has room.
func Decide(in Input) []runsheet.Action {
	s := newSpace(in)
	actions := make([]runsheet.Action, len(in.Runs))
	for i := range in.Runs {
		if i >= len(in.Facts) {
			actions[i] = runsheet.Action{Verb: runsheet.VerbWait, Reason: "not observed yet", Until: in.Now.Add(lookAgain)}
		} else {
			actions[i] = in.one(i)
		}
	}
	// Nobody starves: what never failed is tried at last, or finishes, and both are finite.
	for _, again := range []bool{false, true} {
		for i, a := range actions {
			if a.Verb == runsheet.VerbLaunch && a.Again == again && a.Host == "" {
				actions[i] = in.room(i, s, a)
			}
		}
	}
	for i := range actions {
		actions[i].Run = i
	}
	in.leaveInVain(s, actions)
	in.bringBack(s, actions)
	return actions
}

// room gives a launch its place, unless something is short that it needs whatever the host.
func (in Input) room(i int, s *space, a runsheet.Action) runsheet.Action {
	if i < len(in.Short) && in.Short[i] != (runsheet.Shortage{}) {
		a := wait("waiting for "+in.Short[i].String(), in.Now.Add(lookAgain))
		a.Short = in.Short[i].What
		return a
	}
	return s.place(a, in.Runs[i])
}

func (in Input) tries(i int) Tries {
	if i < len(in.Tries) {
		return in.Tries[i]
	}
	return Tries{}
}

// one decides about one run. A launch has no place yet.
func (in Input) one(i int) runsheet.Action {
	run, f, t := in.Runs[i], in.Facts[i], in.tries(i)
	judged := runsheet.Judge(run, f, in.Policy, in.Now)
	switch {
	case !f.Silent.IsZero(), f.Unread():
		return wait(judged.Reason, time.Time{}) // until it is known more
	case f.Problem != "" && f.Passing:
		return wait(f.Problem, in.Now.Add(lookAgain))
	case f.Problem != "":
		return giveUp(f.Problem)
	}
	if f.Live() {
		return in.live(f, judged)
	}
	if t.Open != "" {
		return wait(t.Open, time.Time{})
	}
	var a runsheet.Action
	switch judged.Status {
	case runsheet.Finished:
		return leave("finished", judged.Reason)
	case runsheet.Outdated:
		if !in.Rerun {
			return leave("outdated", judged.Reason)
		}
		a = runsheet.Action{Verb: runsheet.VerbLaunch, Reason: "outdated: " + judged.Reason, Fresh: true}
	case runsheet.Running: // by its evidence; there is no attempt of ours
		return wait(judged.Reason, f.LastActivity.Add(in.Policy.ActivityWindow))
	case runsheet.Unknown:
		return giveUp(judged.Reason)
	default:
		a = in.again(f, t, judged)
	}
	if f.StopRequested() {
		// Nothing is claimed before a person asks for it again, whatever else speaks for it.
		return leave("stopped", "by "+f.Request.User)
	}
	if a.Verb != runsheet.VerbLaunch {
		return a
	}
	a.Resume = !a.Fresh && f.Begun()
	a.Again = failedBefore(f, t, judged)
	return a
}

// failedBefore says whether a run failed before, in this session or in an earlier one, so that what did not goes first.
// A person who asks for a retry has seen to it.
func failedBefore(f runsheet.Facts, t Tries, judged runsheet.Judgement) bool {
	switch {
	case f.RetryRequested():
		return false
	case t.Failed > 0 || t.Before:
		return true
	case judged.Status != runsheet.Failed || f.End == nil || f.End.Kind == runsheet.EndTimeLimit: // what came further goes on
		return false
	}
	return f.End.Failure() // of an attempt that this journal does not know
}

// live decides about a run with an attempt that has no end: it is never launched, whatever became of the attempt.
func (in Input) live(f runsheet.Facts, judged runsheet.Judgement) runsheet.Action {
	switch f.Liveness {
	case runsheet.LivenessUnknown:
		return wait("whether its attempt lives cannot be told: "+judged.Reason, time.Time{})
	case runsheet.LivenessAlive:
		begun := f.Start != nil && !f.Start.Void
		switch {
		case (begun || f.Waiting) && f.StopRequested() && f.Claim.Request < f.Request.Number:
			return runsheet.Action{Verb: runsheet.VerbEnd, Reason: judged.Reason, Kind: runsheet.EndStopped}
		case judged.Status == runsheet.Stuck && in.Policy.OnStuck != runsheet.LeaveStuck:
			return runsheet.Action{Verb: runsheet.VerbEnd, Reason: "stuck: " + judged.Reason, Kind: runsheet.EndStuck}
		}
		return wait(orElse(judged.Reason, "running"), time.Time{})
	}
	if f.Unsubmitted() && !f.StopRequested() {
		return wait(judged.Reason, time.Time{}) // until it is submitted
	}
	if until := f.Claim.At.Add(runsheet.StartGrace); f.Start == nil && f.Over == nil && in.Now.Before(until) {
		return wait(judged.Reason, until)
	}
	return runsheet.Action{Verb: runsheet.VerbRecover, Reason: judged.Reason}
}

func wait(reason string, until time.Time) runsheet.Action {
	return runsheet.Action{Verb: runsheet.VerbWait, Reason: reason, Until: until}
}

func giveUp(reason string) runsheet.Action {
	return runsheet.Action{Verb: runsheet.VerbGiveUp, Reason: reason}
}

func leave(what, reason string) runsheet.Action {
	if reason != "" {
		what = fmt.Sprintf("%s: %s", what, reason)
	}
	return runsheet.Action{Verb: runsheet.VerbLeave, Reason: what}
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
