package runsheet

import (
	"fmt"
	"slices"
	"time"
)

// Liveness is the answer of a probe.
type Liveness string

// The answers of a probe. The zero value is LivenessNone: there is no attempt that could live.
const (
	LivenessNone    Liveness = ""        // never claimed, or ended
	LivenessAlive   Liveness = "alive"   // its supervisor holds its lock
	LivenessOrphan  Liveness = "orphan"  // its supervisor is gone for certain, processes of its command are not
	LivenessGone    Liveness = "gone"    // nothing of it lives, for certain, and nobody has written its end
	LivenessUnknown Liveness = "unknown" // nobody who could know can be asked
)

// Sighting is what a probe found of an attempt without an end.
type Sighting struct {
	Liveness Liveness
	Why      string // why the liveness is unknown; of one that waits, what for
	Waiting  bool   // LivenessAlive: it does not run now, so it makes no progress: its job is queued or suspended
	Never    bool   // Waiting, and not begun: what it waits for does not come, its queue will not start it as things are; Why says why
	Over     *Over  // LivenessGone: how it ended, if whoever ran it says so
	// Stood is for how much of the time it may have been suspended, since it began or since its job was last looked at.
	Stood time.Duration
}

// Over is the word of a scheduler that a job is over.
type Over struct {
	Kind     EndKind
	Cause    Cause
	Requeued bool // it starts the job again, which goes on with the next attempt
}

// Facts are what is known of a run now. Only observe makes them, reading records first and evidence after.
type Facts struct {
	Attempt      int           // the last attempt that was claimed; 0: none
	Claim        *Claim        // of the last attempt
	Start        *Start        // nil: it has not begun
	End          *End          // nil: it has not ended
	Liveness     Liveness      // of the last attempt
	Why          string        // why the liveness is unknown; of a live attempt: what its supervisor struggles with
	Waiting      bool          // alive, and does not run now: its job is queued or suspended
	Never        bool          // it waits in a queue for what does not come: that will not start it, as things are
	Over         *Over         // how an attempt that is gone ended, by the word of the scheduler; nil: nobody says
	Stood        time.Duration // for how much of the time a live attempt may have been suspended
	Request      *Request      // the newest; nil: none
	Progress     *Progress     // nil: there is no evidence to read
	LastActivity time.Time     // newest sign of life: evidence, logs; zero: none
	Foreign      *Claim        // the last attempt is another sheet's, made by another command; Problem says so. nil: it is the run's own
	Problem      string        // the records cannot be read, in words; then nothing above but Progress holds
	Passing      bool          // the problem is that of whoever looked, who could open no further file
	// Silent is since when the file system of the work dir has not answered; zero: it answers. What stands above is what was
	// known before, if anything was.
	Silent time.Time
	// Reading: the evidence is being read still. Progress is what was known of it before, if anything was.
	Reading bool
}

// Ended says whether the last attempt has an end, or there was none.
func (f Facts) Ended() bool { return f.Claim == nil || f.End != nil }

// Live says whether an attempt holds a slot: it was claimed and nobody has shown that it is over.
func (f Facts) Live() bool { return f.Claim != nil && f.End == nil }

// Unread says whether nothing can be said of the run before its evidence was read: none of our attempts is at work on it,
// and none has said at its end how far it came.
func (f Facts) Unread() bool {
	if !f.Reading || f.Problem != "" {
		return false
	}
	if f.Live() {
		return f.Liveness == LivenessGone && !f.Unsubmitted()
	}
	return f.End == nil || f.End.Progress == nil || f.End.Progress.Error != ""
}

// Unheard returns the facts where the file system has not answered since then: whatever was known is from before, and
// whether an attempt lives is not known any more.
func (f Facts) Unheard(since time.Time) Facts {
	f.Silent, f.Problem = since, ""
	if f.Live() {
		f.Liveness, f.Why, f.Waiting, f.Over = LivenessUnknown, "its file system does not answer", false, nil
		f.Never = false
	}
	return f
}

// Queued says whether the last attempt has not begun, and waits in a queue, or to be put there.
func (f Facts) Queued() bool {
	return f.Unsubmitted() || f.Live() && f.Claim.Batch != "" && f.Start == nil && f.Waiting
}

// Unsubmitted says whether the last attempt was claimed for a queue that does not have it: whoever claimed it waits until
// the queue takes it, or did not live to put it there. Nothing of it is lost: a launcher submits it.
func (f Facts) Unsubmitted() bool {
	return f.Live() && f.Claim.Batch != "" && f.Start == nil && f.Liveness == LivenessGone && f.Over == nil
}

// Where names the machine of the last attempt: the one that it began on, or the place in the pool that it was claimed for.
func (f Facts) Where() string {
	switch {
	case f.Start != nil && !f.Start.Void && f.Start.Host != "":
		return f.Start.Host
	case f.Claim != nil:
		return f.Claim.Host
	}
	return ""
}

// Restarts says whether the job of the last attempt, which ended, is about to claim the next one: it is not to be claimed
// by anybody else, or the job would give up its place for nothing.
func (f Facts) Restarts(now time.Time) bool {
	return f.End != nil && f.End.Requeued && !f.End.At.After(now) && now.Sub(f.End.At) < StartGrace
}

// ExitedWell says whether the command of the last attempt exited with code 0 by itself.
func (f Facts) ExitedWell() bool {
	return f.End != nil && f.End.Kind == EndExit && f.End.ExitCode != nil && *f.End.ExitCode == 0
}

// Spec returns how the evidence of a run is to be read. These are its facts, and sheet is what its sheet says. Added is what
// its attempts have left behind.
func (f Facts) Spec(sheet ProgressSpec) ProgressSpec {
	sheet.Exited = f.ExitedWell()
	switch {
	case f.End != nil && !sheet.Exited:
		// The next attempt may be at work before the evidence is read: what it appends is no end of the last one's line.
		sheet.Cuts = f.NextCuts()
	case f.Claim != nil:
		sheet.Cuts = f.Claim.Progress.Cuts
	}
	return sheet
}

// Begun says whether there is progress to go on from. It is the evidence that an attempt would go on from: where that is gone
// there is nothing, whatever an earlier attempt recorded. Evidence that cannot be read is not taken for none. Neither is a
// broken document of the progress: its writer had something to write. To resume from nothing costs one attempt; to begin anew
// above a checkpoint costs the work of days.
func (f Facts) Begun() bool {
	p := f.Progress
	if p != nil && p.Error != "" && p.Broken == "" {
		p = f.Final()
	}
	switch {
	case p == nil || p.Error != "" && p.Broken == "":
		return false
	case p.Completed > 0:
		return true
	}
	return p.Error != "" && p.Total != 1 // somebody was at it; of a single unit there is nothing to go on from
}

// maxCuts is how many places an attempt is told of at most: the latest.
const maxCuts = 256

// NextCuts returns where attempts of the run ended in the middle of a line, the last one included: what the next one is to
// be told.
func (f Facts) NextCuts() []Cut {
	var cuts []Cut
	add := func(more []Cut) {
		for _, c := range more {
			if !slices.Contains(cuts, c) {
				cuts = append(cuts, c)
			}
		}
	}
	if f.Claim != nil {
		add(f.Claim.Progress.Cuts)
	}
	if f.End != nil && f.End.Progress != nil {
		add(f.End.Progress.Cuts)
	}
	if f.Progress != nil {
		add(f.Progress.Cuts)
	}
	return cuts[max(0, len(cuts)-maxCuts):]
}

// Vanished returns the facts where a journal tells of an attempt without an end that the records do not show: somebody
// deleted them, and it may still live.
func (f Facts) Vanished(c Claim) Facts {
	f.Attempt, f.Claim, f.Start, f.End = c.Attempt, &c, nil, nil
	f.Liveness, f.Why = LivenessUnknown, "its records are gone, and its last attempt may still live"
	if c.Host != "" {
		f.Why += " on " + c.Host
	}
	return f
}

// DeletedReason says what is known of a run whose records somebody deleted after some attempts: how many there were. A number
// that was given twice could be an attempt that still lives somewhere.
func DeletedReason(attempts int) string {
	return fmt.Sprintf("its records were deleted; the journal tells of attempt %d, so the next is %d", attempts, attempts+1)
}

// Hides says whether an attempt that a journal tells of is not what the records show.
func (f Facts) Hides(c Claim) bool {
	return f.Problem == "" && f.Silent.IsZero() && (f.Claim == nil || f.Claim.Nonce != c.Nonce && f.Attempt <= c.Attempt)
}

// StopRequested says whether the newest request is a person's stop.
func (f Facts) StopRequested() bool { return f.Request != nil && f.Request.Kind == RequestStop }

// RetryRequested says whether a person asked for a retry that no attempt has taken into account yet.
func (f Facts) RetryRequested() bool {
	return f.Request != nil && f.Request.Kind == RequestRetry && (f.Claim == nil || f.Claim.Request < f.Request.Number)
}
