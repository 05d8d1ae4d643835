package runsheet

import "time"

// Verb is what is to be done about a run.
type Verb string

// The verbs of a plan.
const (
	VerbLaunch  Verb = "launch"  // claim the next attempt and start it
	VerbWait    Verb = "wait"    // nothing now: for a slot, a device, a backoff, or the end of what lives
	VerbEnd     Verb = "end"     // stop what is stuck or was asked to stop
	VerbRecover Verb = "recover" // write the end of an attempt whose supervisor is gone
	VerbLeave   Verb = "leave"   // nothing to do: finished, stopped by a person, outdated and not to be re-run
	VerbGiveUp  Verb = "give up" // failed for good
)

// Action is what is to be done about one run, and why. A plan has exactly one for each run.
type Action struct {
	Run     int       // index into the runs that were planned
	Verb    Verb      // what
	Reason  string    // why, in words for a person
	Host    string    // VerbLaunch: where
	Devices []string  // VerbLaunch: GPUs, empty where it asked for none
	Fresh   bool      // VerbLaunch: set the older evidence aside first
	Resume  bool      // VerbLaunch: there is progress to go on from
	Again   bool      // VerbLaunch: the run failed before, in this session or in an earlier one; those that did not go first
	NoHost  bool      // VerbGiveUp: no host of the pool could ever have room for it
	Kind    EndKind   // VerbEnd: with what kind the attempt is to end; EndVoid: if it has not begun
	Crowded bool      // VerbWait: for a host or a GPU that is busy with the work of others
	Short   string    // VerbWait: what is short, as Shortage.What says it; empty: it waits for something else
	Until   time.Time // VerbWait: when to look again at the latest; zero: only when something happens
}
