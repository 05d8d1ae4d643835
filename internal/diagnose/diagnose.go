package diagnose

import (
	"fmt"
	"regexp"
	"strings"

	"runsheet"
)

// Ended is how an attempt ended.
type Ended struct {
	Kind       runsheet.EndKind // what ended it; empty is EndExit or EndSignal, by the fields below
	ExitCode   *int             // nil: a signal ended it, or nobody knows
	Signal     string           // as "SIGKILL"; empty: none
	OOM        bool             // the kernel says that it killed one of its processes for want of memory
	Incomplete string           // what the evidence says where the work is not complete, as "19 of 20 epochs"
}

const (
	reach     = 60 // lines between the end of a traceback and the end of the log: summaries of launchers and loggers
	reachDied = 12 // the same where a signal ended the process: it had no time to say much after
	lastWords = 15 // lines in which a message without a traceback counts
)

// Why says why an attempt failed, from how it ended and the last part of its log, which may begin anywhere, even in
// the middle of a character, and hold anything. The cause is the zero value where there was no failure: it exited 0
// and nothing is incomplete, a person stopped it, or it never began.
func Why(e Ended, tail []byte) runsheet.Cause {
	switch e.Kind {
	case runsheet.EndStopped, runsheet.EndVoid:
		return runsheet.Cause{}
	case runsheet.EndStuck:
		return runsheet.Cause{Kind: runsheet.CauseStuck, Text: "ended for want of progress" + at(e)}
	case runsheet.EndLost:
		return runsheet.Cause{Kind: runsheet.CauseLost, Text: "its supervisor was gone" + at(e)}
	}
	lines := split(tail)
	if e.ExitCode != nil && *e.ExitCode == 0 && e.Signal == "" {
		return incomplete(e, lines)
	}
	for _, r := range batch {
		if s := lastMatch(lastLines(lines, reach), r.re); s != "" {
			return runsheet.Cause{Kind: r.kind, Text: text(strings.Trim(s, "* "))}
		}
	}
	if e.OOM {
		return runsheet.Cause{Kind: runsheet.CauseOOMKilled, Text: "killed by the kernel: out of memory"}
	}
	sig := e.signal()
	if sig != "" {
		return died(e, sig, lines)
	}
	code := -1
	if e.ExitCode != nil {
		code = *e.ExitCode
	}
	if c, ok := notStarted(code, lines); ok {
		return c
	}
	lines, c, ok := hydra(lines)
	if ok {
		return c
	}
	if c, ok := decisive(lines, reach); ok {
		if strings.HasPrefix(c.Text, "KeyboardInterrupt") {
			c = runsheet.Cause{Kind: runsheet.CauseSignal, Text: "interrupted (SIGINT)"}
		}
		return c
	}
	if c, ok := said(lines); ok {
		return c
	}
	switch {
	case e.ExitCode == nil:
		return runsheet.Cause{Kind: runsheet.CauseExit, Text: text("nobody knows how it ended" + tellLast(lines))}
	default:
		return runsheet.Cause{Kind: runsheet.CauseExit, Text: text(fmt.Sprintf("exit code %d%s", code, tellLast(lines)))}
	}
}

func at(e Ended) string {
	if e.Incomplete == "" {
		return ""
	}
	return " at " + Clean(e.Incomplete)
}

// incomplete is for commands that exit 0. Where the log ends with a failure all the same, as behind `| tee`, that is
// the cause.
func incomplete(e Ended, lines []string) runsheet.Cause {
	if e.Incomplete == "" {
		return runsheet.Cause{}
	}
	c := runsheet.Cause{Kind: runsheet.CauseIncomplete, Text: "exited 0" + at(e)}
	if f, ok := decisive(lines, 2); ok {
		c = runsheet.Cause{Kind: f.Kind, Text: c.Text + ": " + f.Text, Where: f.Where}
	} else if _, f, ok := hydra(lastLines(lines, reach)); ok && strings.HasPrefix(lines[len(lines)-1], hydraLast) {
		c = runsheet.Cause{Kind: f.Kind, Text: c.Text + ": " + f.Text}
	} else if s := lastMatch(lastLines(lines, 3), nanLoss); s != "" {
		c = runsheet.Cause{Kind: runsheet.CauseNaN, Text: c.Text + ": " + s}
	}
	c.Text = text(c.Text)
	return c
}

// said looks for messages without a traceback in the last lines.
func said(lines []string) (runsheet.Cause, bool) {
	last := lastLines(lines, lastWords)
	for _, r := range shell {
		if s := lastMatch(last, r.re); s != "" {
			return runsheet.Cause{Kind: r.kind, Text: text(s)}, true
		}
	}
	for _, r := range rules {
		n := lastWords
		switch r.kind {
		case runsheet.CauseMissingFile, runsheet.CauseImport, runsheet.CauseNaN:
			n = 3 // often a mere warning, or a number among others
		}
		if s := lastMatch(lastLines(lines, n), r.re); s != "" && !warning.MatchString(s) {
			return runsheet.Cause{Kind: r.kind, Text: text(s)}, true
		}
	}
	if s := lastMatch(lastLines(lines, 3), nanValue); s != "" {
		return runsheet.Cause{Kind: runsheet.CauseNaN, Text: text(s)}, true
	}
	return runsheet.Cause{}, false
}

// warning matches lines that say of themselves that they do not matter.
var warning = regexp.MustCompile(`(?i)\bwarn(?:ing)?\b|^I\d{4} |\b(?:INFO|DEBUG)\b|\bignor(?:ed|ing)\b|\bskipping\b|\bretrying\b`)

var (
	notFound      = regexp.MustCompile(`: (?:command )?not found$|: No such file or directory$|: not found$|error while loading shared libraries`)
	notExecutable = regexp.MustCompile(`: Permission denied$|: [iI]s a directory$|cannot execute|Exec format error|bad interpreter`)
)

// notStarted is for the two exit codes that shells keep for commands that cannot be started (POSIX.1-2017, 2.8.2).
func notStarted(code int, lines []string) (runsheet.Cause, bool) {
	re := notFound
	switch code {
	case 126:
		re = notExecutable
	case 127:
	default:
		return runsheet.Cause{}, false
	}
	s := lastMatch(lastLines(lines, 5), re)
	if s == "" {
		return runsheet.Cause{}, false
	}
	kind := runsheet.CauseCommand
	if classify(s) == runsheet.CauseImport {
		kind = runsheet.CauseImport
	}
	return runsheet.Cause{Kind: kind, Text: text(s)}, true
}

// tellLast returns the last line of a log, to stand behind something else.
func tellLast(lines []string) string {
	for i := len(lines) - 1; i >= 0; i-- {
		if s := Clean(lines[i]); s != "" {
			return ": " + s
		}
	}
	return ", and the log is empty"
}
