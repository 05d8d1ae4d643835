package check

import (
	"fmt"

	"runsheet"
	"runsheet/internal/record"
)

// wellEnded looks at the end by itself, and against the start.
func (h *history) wellEnded(a *attempt) {
	path, e := record.EndPath(a.dir), a.end
	for _, wrong := range wrongProcess(e.By) {
		h.f.broken(path, damagedRecord, "who wrote it is missing: %s", wrong)
	}
	for _, wrong := range wrongEnd(*e) {
		h.f.broken(path, damagedRecord, "%s", wrong)
	}
	if a.start == nil {
		return
	}
	switch {
	case a.start.Void && e.Kind != runsheet.EndVoid:
		h.f.broken(path, damagedRecord, "the attempt was called off before it began, and yet ended with %q", e.Kind)
	case !a.start.Void && e.Kind == runsheet.EndVoid:
		h.f.broken(path, damagedRecord, "the attempt began, and yet its end says that it was given up before")
	}
	// What a command exited with, or which signal ended it, only its parent learns.
	if (e.Kind == runsheet.EndExit || e.Kind == runsheet.EndSignal) && e.Nonce == a.start.Nonce && !a.start.Void &&
		len(wrongProcess(e.By)) == 0 && len(wrongProcess(a.start.Process)) == 0 && !sameProcess(e.By, a.start.Process) {
		h.f.broken(path, damagedRecord, "it says how the command ended, and its supervisor did not write it")
	}
	if e.At.Before(a.start.At) {
		const text = "the end is older than the start"
		if e.By.BootID == a.start.BootID {
			h.f.broken(path, "the clock was set back, or somebody changed a record; durations of this run are wrong", text)
		} else {
			h.f.note(path, "set the clocks of the machines (NTP)", text+", by the clocks of two machines")
		}
	}
}

// sameProcess says whether two records name one process.
func sameProcess(a, b runsheet.Process) bool {
	return a.BootID == b.BootID && a.PIDNamespace == b.PIDNamespace && a.PID == b.PID && a.StartTime == b.StartTime
}

// wrongEnd says what in an end contradicts its kind.
func wrongEnd(e runsheet.End) (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	switch e.Kind {
	case runsheet.EndExit:
		if e.ExitCode == nil {
			say("the command exited, but there is no exit code")
		}
		if e.Signal != "" {
			say("the command exited, and yet a signal is named: %q", e.Signal)
		}
	case runsheet.EndSignal:
		if e.Signal == "" {
			say("a signal ended the command, but none is named")
		}
		if e.ExitCode != nil {
			say("a signal ended the command, and yet there is an exit code: %d", *e.ExitCode)
		}
	case runsheet.EndStopped, runsheet.EndStuck, runsheet.EndPreempted, runsheet.EndTimeLimit, runsheet.EndCancelled:
		if e.ExitCode != nil && e.Signal != "" {
			say("it has an exit code and a signal")
		}
	case runsheet.EndLost, runsheet.EndVoid, runsheet.EndError:
		if e.ExitCode != nil || e.Signal != "" {
			say("nobody saw the command end (%s), and yet there is an exit code or a signal", e.Kind)
		}
		if e.Kind == runsheet.EndError && e.Cause.Text == "" {
			say("the command could not be started, and nothing says why")
		}
	default:
		say("%q is no kind of end that this version knows", e.Kind)
	}
	if e.ExitCode != nil && (*e.ExitCode < 0 || *e.ExitCode > 255) {
		say("no command exits with %d", *e.ExitCode)
	}
	if e.PeakMemory < 0 || e.CPU < 0 || e.Wall < 0 {
		say("a negative measurement: memory %d, CPU %g, time %g", e.PeakMemory, e.CPU, e.Wall)
	}
	if e.Progress != nil && (e.Progress.Completed < 0 || e.Progress.Total < 0) {
		say("a negative progress: %d of %d", e.Progress.Completed, e.Progress.Total)
	}
	if e.Progress != nil && e.Progress.EarlyStoppedAt != 0 && !e.Progress.EarlyStopped {
		say("a progress that stopped early at %d, and yet did not stop early", e.Progress.EarlyStoppedAt)
	}
	return wrong
}
