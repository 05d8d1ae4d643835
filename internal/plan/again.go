package plan

import (
	"fmt"
	"time"

	"runsheet"
)

const (
	longestBackoff = 10 * time.Minute // unless the policy's first one is longer
	lossBackoff    = time.Second      // least first delay after losses in a row, which no count ends
)

// again decides whether an unfinished run without a live attempt may be attempted now.
func (in Input) again(f runsheet.Facts, t Tries, judged runsheet.Judgement) runsheet.Action {
	launch := runsheet.Action{Verb: runsheet.VerbLaunch, Reason: orElse(judged.Reason, "not attempted yet")}
	if judged.Reason == "" && f.Attempt == 0 && t.Known > 0 {
		launch.Reason = runsheet.DeletedReason(t.Known)
	}
	// What was set aside for an attempt that never began, or was to be, is older than the command that the attempt ran.
	launch.Fresh = f.End != nil && f.End.Kind == runsheet.EndVoid && f.Claim.Fresh
	if f.RetryRequested() || f.End == nil {
		return launch
	}
	retries := in.Policy.Retries
	switch f.End.Kind {
	case runsheet.EndStopped:
		return launch
	case runsheet.EndTimeLimit:
		if t.Gained {
			launch.Reason = judged.Reason + "; it goes on from there"
			return launch
		}
	case runsheet.EndLost, runsheet.EndPreempted:
		if f.Restarts(in.Now) {
			return wait(judged.Reason+"; it goes on in the same job", f.End.At.Add(runsheet.StartGrace))
		}
		if t.Failed > retries {
			break
		}
		return in.after(launch, t.Last, delay(max(in.Policy.Backoff, lossBackoff), t.Lost-1))
	case runsheet.EndVoid:
		if t.Void > retries && t.Void > 1 {
			return giveUp(fmt.Sprintf("%s; %d in a row", judged.Reason, t.Void))
		}
		if t.Void > retries {
			return giveUp(judged.Reason + "; no retries are allowed")
		}
		return in.after(launch, t.Last, delay(max(in.Policy.Backoff, lossBackoff), t.Void-1))
	}
	switch {
	case t.Failed == 0: // in an earlier session, or before a person asked for a retry: it counts no more
		return launch
	case !t.Cause.Kind.CanPass():
		return giveUp(judged.Reason + "; another try would end the same way")
	case t.Failed > retries && retries == 0:
		return giveUp(judged.Reason + "; no retries are allowed")
	case t.Failed > retries:
		return giveUp(fmt.Sprintf("%s; failed %s, no retry is left", judged.Reason, times(t.Failed)))
	}
	launch.Reason = fmt.Sprintf("retry %d of %d: %s", t.Failed, retries, judged.Reason)
	return in.after(launch, t.Last, delay(in.Policy.Backoff, t.Failed))
}

// after puts a launch off until d after last. An end that lies in the future tells that the clock was set back; then
// nobody knows how long to wait, and nothing is waited for.
func (in Input) after(launch runsheet.Action, last time.Time, d time.Duration) runsheet.Action {
	until := last.Add(d)
	if last.IsZero() || last.After(in.Now) || !in.Now.Before(until) {
		return launch
	}
	return wait(launch.Reason, until)
}

// delay returns the wait before the nth further try, n from 1: base, doubled for each one, up to longestBackoff. Before
// the first there is none.
func delay(base time.Duration, n int) time.Duration {
	if n < 1 {
		return 0
	}
	most := max(base, longestBackoff)
	for ; n > 1 && base < most; n-- {
		base *= 2
	}
	return min(base, most)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
