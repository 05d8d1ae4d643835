package runsheet

import (
	"fmt"
	"time"
)

// Status is a judgement over facts, never stored.
type Status string

// The statuses.
const (
	Pending  Status = "pending"  // never attempted, or a person asked for it again
	Queued   Status = "queued"   // claimed, not begun
	Running  Status = "running"  // an attempt lives; also at 100 % while the command lives
	Finished Status = "finished" // complete by the evidence; where no total is known, the last attempt exited 0
	Failed   Status = "failed"   // the last attempt ended and the work is not complete
	Stuck    Status = "stuck"    // alive without any sign of progress for too long
	Outdated Status = "outdated" // finished, but older than the policy allows or made by another command
	Stopped  Status = "stopped"  // by a person
	Unknown  Status = "unknown"  // nobody who could know can be asked
)

// Statuses lists every status, in the order in which summaries show them.
var Statuses = []Status{Pending, Queued, Running, Finished, Failed, Stuck, Outdated, Stopped, Unknown}

// Judgement is a status and the reason for it in words; the reason may be empty where the status says all.
type Judgement struct {
	Status Status
	Reason string
}

// StartGrace is how long a claimed attempt may take until its supervisor shows itself; after it the attempt is taken
// to have been given up, which its void start record then makes true.
const StartGrace = 30 * time.Second

// Judge turns the facts of a run into its status. It is a pure function of its arguments.
func Judge(run Run, f Facts, p Policy, now time.Time) Judgement {
	switch {
	case !f.Silent.IsZero():
		return Judgement{Unknown, "its file system has not answered for " + Span(now.Sub(f.Silent))}
	case f.Problem != "":
		return Judgement{Unknown, f.Problem}
	case f.Unread():
		return Judgement{Unknown, "its evidence is being read"}
	case f.Live():
		return judgeLive(f, p, now)
	}
	progress := f.Final()
	if !f.olderEvidence() && (progress.Complete() || exitedWell(f, progress)) {
		return judgeFinished(run, f, progress, p, now)
	}
	if progress != nil && progress.Error != "" && !f.explains(progress) {
		return Judgement{Unknown, progress.Error}
	}
	if f.StopRequested() {
		if f.Claim == nil {
			if j := judgeUnattempted(f, progress, p, now); j.Status == Running {
				return Judgement{Running, j.Reason + "; it will not be launched: stopped by " + f.Request.who()}
			}
		}
		return Judgement{Stopped, "by " + f.Request.who()}
	}
	if f.RetryRequested() {
		return Judgement{Pending, "retry asked for by " + f.Request.who()}
	}
	if f.End == nil {
		return judgeUnattempted(f, progress, p, now)
	}
	return judgeEnded(f, progress)
}

// Final returns what is known of the progress once an attempt has ended: the evidence read after its end or the final
// progress in it, whichever is further; while it lives, the evidence alone. How much there is to do is what the evidence
// says now: where the total was raised since, an attempt that was complete then has more before it.
func (f Facts) Final() *Progress {
	if f.End == nil {
		return f.Progress
	}
	final := f.End.Progress
	if p := f.Progress; final != nil && p != nil && p.Error == "" && p.Total > 0 && p.Total != final.Total {
		now := *final
		now.Total = p.Total
		final = &now
	}
	return Further(f.Progress, final)
}

// explains says whether the last attempt, which is over, can have left this evidence broken. A later change is somebody else's.
func (f Facts) explains(p *Progress) bool {
	return p.Broken != "" && f.End != nil && !p.LastActivity.After(f.End.At.Add(clockSkew))
}

// clockSkew is how far the clock of a file server and that of a machine may differ.
const clockSkew = time.Minute

// olderEvidence says whether what evidence there is was to be set aside for the last attempt, which never began: it says
// nothing of the command that this attempt was to run.
func (f Facts) olderEvidence() bool {
	if f.Claim == nil || !f.Claim.Fresh {
		return false
	}
	return f.End != nil && f.End.Kind == EndVoid || f.End == nil && (f.Start == nil || f.Start.Void)
}

// who names the person who asked.
func (r *Request) who() string {
	if r.User == "" {
		return "somebody"
	}
	return r.User
}

// exitedWell says whether the exit code is the only witness of the work, and a good one.
func exitedWell(f Facts, p *Progress) bool {
	return f.ExitedWell() && (f.End.Progress == nil || f.End.Progress.Broken == "") &&
		(p == nil || p.Error == "" && p.Broken == "" && (p.Total == 0 || p.Guessed))
}

func judgeLive(f Facts, p Policy, now time.Time) Judgement {
	if f.Liveness == LivenessUnknown {
		return Judgement{Unknown, f.Why}
	}
	if f.Start != nil && f.Start.Void {
		return Judgement{Queued, "called off before it began"}
	}
	switch f.Liveness {
	case LivenessOrphan:
		return Judgement{Running, "its supervisor is gone; the next run ends what is left of it and resumes"}
	case LivenessAlive:
		switch {
		case f.StopRequested() && f.Claim.Request < f.Request.Number: // below
		case f.Waiting:
			return Judgement{Queued, f.Why}
		case f.Start == nil && f.Why != "":
			return Judgement{Queued, f.Why}
		case f.Start == nil:
			return Judgement{Queued, "starting"}
		}
	default:
		if f.Unsubmitted() && !f.StopRequested() {
			return Judgement{Queued, f.Why}
		}
		if f.Start == nil && f.Over == nil && now.Sub(f.Claim.At) < StartGrace {
			return Judgement{Queued, "claimed, its supervisor has not shown itself yet"}
		}
		if f.Progress.Complete() && !f.olderEvidence() {
			return Judgement{Finished, "its supervisor was killed before it could record the end"}
		}
		if f.Start == nil {
			return Judgement{Failed, "claimed, but it never began" + after(f.Why)}
		}
		if f.Over != nil {
			return judgeOver(f)
		}
		return Judgement{Failed, "lost: its supervisor was killed"}
	}
	if f.StopRequested() && f.Claim.Request < f.Request.Number {
		status := Running
		if f.Start == nil || f.Waiting {
			status = Queued
		}
		return Judgement{status, "being stopped by " + f.Request.who() + after(f.Why)}
	}
	if idle := f.Idle(now); idle > StuckAfter(f.Progress, p) {
		return Judgement{Stuck, "no sign of progress for " + Span(idle)}
	}
	return Judgement{Running, f.Why}
}

func judgeFinished(run Run, f Facts, progress *Progress, p Policy, now time.Time) Judgement {
	at := f.FinishedAt()
	switch {
	case f.MadeByAnother(run):
		return Judgement{Outdated, "made by another command: " + CommandDiff(f.Claim.Identity, run.Command)}
	case !at.IsZero() && at.Before(p.OutdatedBefore):
		return Judgement{Outdated, fmt.Sprintf("finished %s, before %s", at.Format(time.DateOnly), p.OutdatedBefore.Format(time.DateOnly))}
	case !at.IsZero() && p.OutdatedAfter > 0 && now.Sub(at) > p.OutdatedAfter:
		return Judgement{Outdated, fmt.Sprintf("finished %s ago, older than %s", Span(now.Sub(at)), Span(p.OutdatedAfter))}
	}
	var note string
	switch e := f.End; {
	case e != nil && e.Kind == EndExit && e.ExitCode != nil && *e.ExitCode != 0:
		note = fmt.Sprintf("exited %d after the work was complete", *e.ExitCode)
	case e != nil && e.Kind == EndSignal:
		note = "ended by " + e.Signal + " after the work was complete"
	case e != nil && e.Kind == EndStuck:
		note = "hung after the work was complete, and was ended"
	case e != nil && e.Kind == EndTimeLimit:
		note = "met its time limit after the work was complete"
	case e != nil && e.Kind == EndLost:
		note = "its supervisor was killed after the work was complete"
	case progress.Complete() && progress.EarlyStopped:
		note = fmt.Sprintf("stopped early at %d", progress.EarlyStoppedAt)
		if progress.Unit != "" {
			note = "stopped early after " + units(progress.EarlyStoppedAt, progress.Unit)
		}
	case progress.Complete() && run.Progress.Total > 0 && progress.Completed > run.Progress.Total:
		note = fmt.Sprintf("%s, more than the sheet asks for", units(progress.Completed, progress.Unit))
	}
	add := func(text string) {
		if note != "" {
			note += "; "
		}
		note += text
	}
	if e, now := f.End, f.Progress; e != nil && e.Progress.Complete() && now != nil && !now.Complete() {
		add("so its end says: its evidence now shows " + now.String()) // or its error
	} else if progress != nil && progress.Broken != "" {
		add(progress.Broken) // which others outweigh
	}
	return Judgement{Finished, note}
}

// MadeByAnother says whether the last attempt ran another command than the one that the sheet has now.
func (f Facts) MadeByAnother(run Run) bool { return f.Claim != nil && !f.Claim.MadeBy(run) }

// FinishedAt returns when the work was finished: the end of the last attempt, or the newest stamp on the evidence
// where no attempt is recorded. It is zero where nothing tells.
func (f Facts) FinishedAt() time.Time {
	if f.End != nil {
		return f.End.At
	}
	if p := f.Progress; p != nil && len(p.Recent) > 0 {
		return p.Recent[len(p.Recent)-1]
	}
	return f.LastActivity
}

func judgeUnattempted(f Facts, progress *Progress, p Policy, now time.Time) Judgement {
	idle := now.Sub(f.LastActivity)
	switch {
	case !f.LastActivity.IsZero() && idle.Abs() < p.ActivityWindow: // a stamp far in the future tells of no work now
		return Judgement{Running, "not started by us: its evidence changed " + Span(max(idle, 0)) + " ago"}
	case progress == nil || progress.Completed == 0:
		return Judgement{Pending, ""}
	case progress.Guessed:
		return Judgement{Unknown, fmt.Sprintf("%s by the looks of its log, and no attempt of ours says how it ended", progress)}
	case progress.Total > 0 && (f.LastActivity.IsZero() || idle < 0):
		return Judgement{Failed, fmt.Sprintf("%s, and no attempt is recorded", progress)}
	case progress.Total > 0:
		return Judgement{Failed, fmt.Sprintf("%s, nothing has changed for %s, and no attempt is recorded", progress, Span(idle))}
	}
	return Judgement{Unknown, fmt.Sprintf("%s found, but neither a total nor an attempt of ours says whether that is all", progress)}
}
