package launcher

import (
	"time"
	"unique"

	"runsheet"
	"runsheet/internal/journal"
	"runsheet/internal/plan"
	"runsheet/internal/record"
)

// leftRunning is how a session ends that is to be continued.
const leftRunning = "left; the runs go on"

// ledger is what the journal amounts to: of each run the last claim and whether it has an end, and what counts
// against its retries in this session. It is folded from events alone, so that a new launcher knows what the one
// before it knew.
type ledger struct {
	session string
	entries map[string]*entry // by work dir
	ends    []plan.Ended      // of this session, in order
	over    bool              // the last session came to its end
	// refused has, by work dir and host, why that host will never take the run, as of this session. A person's retry clears it:
	// the host may have been changed.
	refused map[string]map[string]string
	claimer *runsheet.Process // of the last claim
}

// entry is what the journal says of one work dir.
type entry struct {
	run     string
	attempt int
	nonce   string
	ended   bool
	at      time.Time // when it ended; zero: it was never claimed, or has no end
	claimer *runsheet.Process
	process *runsheet.Process // the supervisor; nil: not seen to begin
	group   int               // the command's session
	host    string
	devices []string
	batch   string // where it was claimed for a queue: the submission
	task    int    // and its place there
	told    string // nonce of the attempt that was asked to end
	toldAt  time.Time
	request int         // newest retry request that was seen
	reached int64       // the most that was done at an end of this session
	gaveUp  int         // one more than the attempt after which it was given up in this session; 0: it was not
	failed  bool        // it failed, in whatever session, and has not been complete since
	before  bool        // it had failed before this session began
	fault   *fault      // the last failed end of this session; nil: there is none, or more of the work is done since
	tries   *plan.Tries // nil: none of this session's ended; most wait for long
}

// fault is a failed end, as far as the next one is compared with it.
type fault struct {
	cause   runsheet.Cause
	reached int64 // how much of the work was done
}

// replay folds a journal. A session that did not come to its end is continued if the caller wants that; otherwise a
// new one begins, with new retries.
func replay(events []journal.Event, resume bool) *ledger {
	l := folded(events)
	if !resume || l.session == "" || l.over {
		l.begin(record.NewNonce())
	}
	return l
}

// folded folds a journal, and begins nothing.
func folded(events []journal.Event) *ledger {
	l := &ledger{entries: map[string]*entry{}}
	for _, e := range events {
		l.fold(e)
	}
	return l
}

// begin starts a session: nothing counts against the retries any more.
func (l *ledger) begin(session string) {
	l.session, l.over, l.ends, l.refused = session, false, nil, nil
	for _, e := range l.entries {
		e.tries, e.fault, e.gaveUp, e.reached, e.before = nil, nil, 0, 0, e.failed
	}
}

// entry returns what is known of a work dir; never nil.
func (l *ledger) entry(workDir string) *entry {
	if e := l.entries[workDir]; e != nil {
		return e
	}
	return &entry{ended: true}
}

// fold takes one event in.
func (l *ledger) fold(ev journal.Event) {
	if ev.Session != l.session {
		l.begin(ev.Session)
	}
	switch ev.Kind {
	case journal.LauncherStarted:
		l.over = false
		return
	case journal.LauncherEnded:
		l.over = ev.Text != leftRunning
		return
	}
	if ev.WorkDir == "" {
		return
	}
	e := l.entries[ev.WorkDir]
	if e == nil {
		e = &entry{ended: true}
		l.entries[ev.WorkDir] = e
	}
	switch ev.Kind {
	case journal.Claimed:
		e.run, e.attempt, e.nonce, e.ended = ev.Run, max(e.attempt, ev.Attempt), ev.Nonce, false
		if ev.Process != nil && l.claimer != nil && *ev.Process == *l.claimer {
			ev.Process = l.claimer // one launcher claims thousands
		}
		l.claimer = ev.Process
		e.claimer, e.process, e.group, e.host, e.devices = ev.Process, nil, 0, ev.Host, ev.Devices
		e.batch, e.task = unique.Make(ev.Batch).Value(), ev.Task // thousands have the same
		if ev.Again {
			e.failed, e.before = true, true
		}
	case journal.Began, journal.Adopted:
		if ev.Process != nil { // adopted before it began: that is still to come
			e.process, e.group = ev.Process, ev.Group
		}
	case journal.Stopping:
		e.told, e.toldAt = ev.Nonce, ev.At
	case journal.GaveUp:
		e.gaveUp = ev.Attempt + 1
	case journal.Requested: // a person saw to it: what failed before says nothing about what comes
		l.ends, l.refused = nil, nil
		e.request, e.tries, e.fault, e.gaveUp = max(e.request, ev.Request), nil, nil, 0
	case journal.Ended:
		e.ended, e.at = true, ev.At
		if ev.Cause.Kind == runsheet.CauseRefused {
			l.refuse(ev)
		}
		e.failed = !ev.OK && (e.failed || ev.End.Failure() && !blameless(ev))
		if ev.Early {
			e.before = e.failed
			return
		}
		e.count(ev)
		ok := ev.OK || e.tries.Gained || !ev.End.Failure() || blameless(ev)
		e.failed = e.failed && !e.tries.Gained
		if ok || !e.before { // what failed before says nothing about what was never tried
			l.ends = append(l.ends, plan.Ended{Run: ev.Run, At: ev.At, Cause: ev.Cause, OK: ok})
		}
	}
}

// refuse remembers that a host will never take a run.
func (l *ledger) refuse(ev journal.Event) {
	if l.refused == nil {
		l.refused = map[string]map[string]string{}
	}
	if l.refused[ev.WorkDir] == nil {
		l.refused[ev.WorkDir] = map[string]string{}
	}
	l.refused[ev.WorkDir][unique.Make(ev.Host).Value()] = unique.Make(ev.Cause.Text).Value() // thousands have the same
}

// refusals returns what the hosts said of runs, which holds for whatever asks for the same.
func (l *ledger) refusals(runs []runsheet.Run) map[plan.Ask]string {
	if len(l.refused) == 0 {
		return nil
	}
	out := map[plan.Ask]string{}
	for _, r := range runs {
		for host, why := range l.refused[r.WorkDir] {
			out[plan.Ask{Host: host, Resources: r.Resources}] = why
		}
	}
	return out
}

// count takes an end into the tries.
func (e *entry) count(ev journal.Event) {
	if e.tries == nil {
		e.tries = &plan.Tries{}
	}
	e.tries.Last, e.tries.Cause = ev.At, ev.Cause
	e.tries.Gained = ev.End == runsheet.EndTimeLimit && ev.Reached > e.reached
	e.reached = max(e.reached, ev.Reached)
	switch {
	case ev.OK:
		*e.tries, e.fault = plan.Tries{Last: ev.At}, nil
	case e.tries.Gained:
		e.tries.Lost, e.tries.Void, e.fault = 0, 0, nil
	case ev.End == runsheet.EndLost, ev.End == runsheet.EndPreempted:
		e.tries.Lost++
	case blameless(ev):
	case ev.End == runsheet.EndVoid:
		e.tries.Void++
	case ev.End == runsheet.EndStopped:
		e.tries.Lost, e.tries.Void = 0, 0
	case ev.End.Failure():
		e.tries.Failed++
		e.tries.Same = e.fault != nil && ev.Reached == e.fault.reached && ev.Cause.Repeats(e.fault.cause)
		e.fault = &fault{ev.Cause, ev.Reached}
		e.tries.Lost, e.tries.Void = 0, 0
	}
}

// blameless says whether an attempt that ran nothing ended for a reason of ours, which counts for nothing: we saw to it
// ourselves, or could start nothing just then.
func blameless(ev journal.Event) bool {
	switch ev.End {
	case runsheet.EndVoid:
		return ev.Cause.Kind == runsheet.CauseWithdrawn || ev.Cause.Kind == runsheet.CauseShort || ev.Cause.Kind == runsheet.CauseRefused
	case runsheet.EndError:
		return ev.Cause.Kind == runsheet.CauseShort
	}
	return false
}

// tries returns what the plan is to know of a run beside its facts: also whether the journal has a claim without an
// end that the records do not show. A deleted work dir does not hide a living attempt.
func (l *ledger) tries(workDir string, f runsheet.Facts) plan.Tries {
	e := l.entry(workDir)
	var t plan.Tries
	if e.tries != nil {
		t = *e.tries
	}
	t.Before, t.Known = e.before && e.failed, e.attempt
	if e.vanished(f) || (f.Problem != "" || !f.Silent.IsZero()) && !e.ended {
		t.Open = f.Vanished(e.claim()).Why
		t.Host, t.Devices = e.host, e.devices
	}
	return t
}

// vanished says whether the last claim of the journal has no end and is not what the records show.
func (e *entry) vanished(f runsheet.Facts) bool {
	return !e.ended && f.Hides(e.claim())
}

// claim returns what the journal knows of the last claim.
func (e *entry) claim() runsheet.Claim {
	return runsheet.Claim{Run: e.run, Attempt: e.attempt, Nonce: e.nonce, Host: e.host, Devices: e.devices,
		Batch: e.batch, Task: e.task}
}
