package slurm

import (
	"fmt"
	"strings"

	"runsheet"
)

// phase is what the state of a job amounts to.
type phase int

const (
	over      phase = iota // it will not run any more
	running                // its processes may live
	suspended              // they live, and stand still
	pending                // it will run, perhaps not for the first time
)

// phases are the states of squeue(1), "JOB STATE CODES". What is not here is taken to be running: a state that a later
// release adds must not look like an end.
var phases = map[string]phase{
	"PENDING": pending, "REQUEUED": pending, "REQUEUE_FED": pending, "REQUEUE_HOLD": pending, "RESV_DEL_HOLD": pending, "SPECIAL_EXIT": pending,
	"SUSPENDED": suspended, "STOPPED": suspended,
	"BOOT_FAIL": over, "CANCELLED": over, "COMPLETED": over, "DEADLINE": over, "FAILED": over, "NODE_FAIL": over,
	"OUT_OF_MEMORY": over, "PREEMPTED": over, "REVOKED": over, "TIMEOUT": over, "LAUNCH_FAILED": over, "RECONFIG_FAIL": over,
}

func phaseOf(state string) phase {
	if p, ok := phases[state]; ok {
		return p
	}
	return running
}

// verdict is how the attempt of a job ended that left no end, by the job's state.
func verdict(state, nodes string) runsheet.Over {
	on := ""
	if nodes != "" {
		on = " on " + nodes
	}
	say := func(kind runsheet.EndKind, cause runsheet.CauseKind, format string, args ...any) runsheet.Over {
		return runsheet.Over{Kind: kind, Cause: runsheet.Cause{Kind: cause, Text: fmt.Sprintf(format, args...)}}
	}
	switch state {
	case "TIMEOUT":
		return say(runsheet.EndTimeLimit, runsheet.CauseTimeLimit, "Slurm ended the job at its time limit")
	case "DEADLINE":
		return say(runsheet.EndTimeLimit, runsheet.CauseTimeLimit, "Slurm ended the job at its deadline")
	case "PREEMPTED":
		return say(runsheet.EndPreempted, runsheet.CausePreempted, "Slurm gave its place%s to another job", on)
	case "NODE_FAIL", "BOOT_FAIL":
		return say(runsheet.EndLost, runsheet.CauseNodeFailed, "its node failed%s (%s)", on, state)
	case "CANCELLED":
		return say(runsheet.EndCancelled, runsheet.CauseCancelled, "its job was cancelled with scancel")
	case "OUT_OF_MEMORY":
		return say(runsheet.EndCancelled, runsheet.CauseOOMKilled, "Slurm killed the job%s: it took more memory than it had asked for", on)
	case "":
		return say(runsheet.EndLost, runsheet.CauseLost, "its job is not in Slurm's queue any more, and left no end")
	}
	return say(runsheet.EndLost, runsheet.CauseLost, "its job ended as %s%s, and left no end", state, on)
}

// held says whether a pending job waits until somebody releases it: "JobHeldUser", "job requeued in held state", "launch
// failed requeued held", "launch failure limit exceeded requeued held".
func (j job) held() bool {
	return strings.HasPrefix(j.reason, "JobHeld") || strings.HasSuffix(j.reason, "in held state") || j.failedToBegin()
}

// failedToBegin says whether a node failed to begin a pending job, so that Slurm holds it.
func (j job) failedToBegin() bool {
	return strings.HasPrefix(j.reason, "launch fail") && strings.HasSuffix(j.reason, "requeued held")
}

// waitsFor is what a pending job waits for, in words: Slurm's reason as it is, with what it means where that is no plain
// English. again says that it has run before.
func waitsFor(j job, again bool) string {
	if phaseOf(j.state) != pending {
		return ""
	}
	reason := strings.Trim(j.reason, "()")
	switch reason {
	case "", "None":
		return fmt.Sprintf("in Slurm's queue (job %s)", j.id)
	case "BeginTime":
		if again {
			reason += ", the pause before a job is started again"
		} else {
			reason += ", it is not to begin yet"
		}
	}
	if j.node != "" {
		reason += ", " + j.node
	}
	switch {
	case j.held():
		reason += ", held until `scontrol release " + j.id + "`"
	case j.never:
		reason += ", for which Slurm will never start it as it is"
	}
	return fmt.Sprintf("in Slurm's queue: %s (job %s)", reason, j.id)
}
