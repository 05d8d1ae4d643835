package runsheet

import (
	"fmt"
	"strconv"
	"strings"
)

// judgeEnded judges a run whose last attempt ended before the work was complete. The reason names the cause of the end first,
// and a broken file second.
func judgeEnded(f Facts, progress *Progress) Judgement {
	j := judgeHow(f, progress)
	broken := ""
	if progress != nil {
		broken = progress.Broken
	}
	if p := f.End.Progress; broken == "" && p != nil && f.ExitedWell() {
		broken = p.Broken // which somebody has removed since
	}
	switch {
	case broken == "" || j.Status != Failed:
		return j
	case f.ExitedWell():
		return Judgement{Failed, "exited 0" + reached(progress) + ", and " + broken}
	}
	return Judgement{Failed, j.Reason + "; " + broken}
}

// reached says at which count an attempt ended, where there is one to speak of.
func reached(p *Progress) string {
	if p == nil || p.Total == 0 || p.Source == "" || p.Broken != "" && p.Completed == 0 {
		return ""
	}
	return " at " + p.counted()
}

// judgeHow judges by how the attempt ended.
func judgeHow(f Facts, progress *Progress) Judgement {
	e, at := f.End, reached(progress)
	switch e.Kind {
	case EndStopped:
		return Judgement{Stopped, "stopped" + at}
	case EndVoid:
		switch e.Cause.Kind {
		case CauseNotStarted:
			return Judgement{Failed, "could not be started" + after(e.Cause.Text)}
		case CauseRefused: // another place in the pool may take it; if none does, it is given up, as where no host has room
			return Judgement{Pending, f.Claim.Host + " does not take it" + after(e.Cause.Text)}
		}
		return Judgement{Pending, fmt.Sprintf("attempt %d was called off before it began", f.Attempt) + after(e.Cause.Text)}
	case EndLost:
		if e.Cause.Text != "" {
			return Judgement{Failed, "lost" + at + ": " + e.Cause.Text}
		}
		return Judgement{Failed, "lost" + at + ": its supervisor was killed"}
	case EndPreempted:
		return Judgement{Failed, "preempted" + at + after(e.Cause.Text)}
	case EndTimeLimit:
		return Judgement{Failed, "time limit reached" + at + after(e.Cause.Text)}
	case EndCancelled:
		word := "cancelled"
		if e.Cause.Kind == CauseOOMKilled {
			word = "killed"
		}
		return Judgement{Failed, word + at + after(e.Cause.Text)}
	case EndStuck:
		return Judgement{Failed, "stuck" + at + ", and was ended"}
	case EndSignal:
		return Judgement{Failed, "ended by " + e.Signal + at + after(because(e))}
	case EndError:
		if e.Cause.Kind == CauseActivate {
			return Judgement{Failed, e.Cause.Text} // the command was not even reached
		}
		return Judgement{Failed, "could not be started" + after(because(e))}
	}
	if e.Kind != EndExit || e.ExitCode == nil {
		return Judgement{Failed, "ended" + at + ", nobody knows how" + after(because(e))}
	}
	lacks := ""
	if *e.ExitCode == 0 && progress != nil && progress.Lacks != "" {
		lacks = "; there is no " + progress.Lacks + ", or it is empty or broken"
	}
	return Judgement{Failed, fmt.Sprintf("exited %d%s%s%s", *e.ExitCode, at, lacks, after(because(e)))}
}

// judgeOver judges an attempt by the word of the scheduler that it is over: its end is still to be written.
func judgeOver(f Facts) Judgement {
	f.End = &End{Kind: f.Over.Kind, Cause: f.Over.Cause}
	return judgeEnded(f, f.Progress)
}

// because returns what the cause of an end adds to a sentence that has said already how it ended.
func because(e *End) string {
	text := e.Cause.Text
	switch {
	case e.Kind == EndSignal && e.Cause.Kind == CauseSignal && strings.HasPrefix(text, "ended by "+e.Signal):
		return ""
	case e.Kind == EndExit && e.ExitCode != nil:
		// What is made of an exit code begins with it: "exit code 3: last line", "exited 0 at 7 of 20: last line".
		for _, said := range []string{"exit code ", "exited "} {
			if rest, ok := strings.CutPrefix(text, said+strconv.Itoa(*e.ExitCode)); ok {
				_, last, _ := strings.Cut(rest, ": ")
				return last
			}
		}
	}
	return text
}

// after renders text as the second half of a sentence, if there is any.
func after(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}
