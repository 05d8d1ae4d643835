package diagnose

import (
	"regexp"

	"runsheet"
)

// signals are those that end processes, with their numbers on Linux (signal(7); the same on all of its architectures
// but alpha, mips, parisc and sparc) and what they mean in words.
var signals = map[int]struct{ name, words string }{
	1: {"SIGHUP", "terminal closed"}, 2: {"SIGINT", "interrupted"}, 3: {"SIGQUIT", "quit"},
	4: {"SIGILL", "illegal instruction"}, 5: {"SIGTRAP", "trap"}, 6: {"SIGABRT", "aborted"}, 7: {"SIGBUS", "bus error"},
	8: {"SIGFPE", "arithmetic error"}, 9: {"SIGKILL", "killed"}, 10: {"SIGUSR1", ""}, 11: {"SIGSEGV", "segmentation fault"},
	12: {"SIGUSR2", ""}, 13: {"SIGPIPE", "nobody read its output"}, 14: {"SIGALRM", "alarm"}, 15: {"SIGTERM", "terminated"},
	24: {"SIGXCPU", "CPU time limit"}, 25: {"SIGXFSZ", "file size limit"}, 31: {"SIGSYS", "forbidden system call"},
}

// signal returns the name of the signal that ended the attempt, or "". Shells exit with 128 and the number of the
// signal that ended their command.
func (e Ended) signal() string {
	if e.Signal == "" && e.ExitCode != nil {
		return signals[*e.ExitCode-128].name
	}
	return e.Signal
}

// killedLine is bash's word on a command that SIGKILL ended: "bash: line 1: 4711 Killed  python t.py", or just "Killed".
var killedLine = regexp.MustCompile(`(?:^|: line \d+:\s+\d+ |\s)Killed(?:\s|$)`)

// died is for attempts that a signal ended which was not ours.
func died(e Ended, sig string, lines []string) runsheet.Cause {
	words := ""
	for _, s := range signals {
		if s.name == sig && s.words != "" {
			words = " (" + s.words + ")"
		}
	}
	switch sig {
	case "SIGKILL":
		// Nobody but the kernel or a person sends it; the kernel more often, and only for want of memory.
		if s := lastMatch(lastLines(lines, 3), killedLine); s != "" && e.Signal == "" {
			return runsheet.Cause{Kind: runsheet.CauseOOMKilled, Text: "killed by SIGKILL, most likely by the kernel: out of memory"}
		}
	case "SIGABRT", "SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGTRAP":
		// The process did it to itself and may have said why.
		if c, ok := decisive(lines, reachDied); ok {
			c.Where = "" // what a signal ends may not end there again
			return c
		}
		if c, ok := said(lastLines(lines, 5)); ok {
			return c
		}
	case "SIGXFSZ":
		return runsheet.Cause{Kind: runsheet.CauseNoSpace, Text: "ended by SIGXFSZ (file size limit)"}
	}
	return runsheet.Cause{Kind: runsheet.CauseSignal, Text: text("ended by " + sig + words)}
}
