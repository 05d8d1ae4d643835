package diagnose

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"runsheet"
)

// failure is one report of a failure in a log: a traceback, a panic.
type failure struct {
	line   string // the exception
	at     string // the line of the program that threw it, as "train.py:12"; empty: the report does not say
	more   string // what else it says; only for telling its kind
	end    int    // index after its last line
	caused bool   // the failure before it is its cause by the program's own word (raise ... from ...)
}

// traceback is the line that Python begins a traceback with, in the plain and in rich's framed form.
const traceback = "Traceback (most recent call last)"

var (
	pySyntax = regexp.MustCompile(`^(?:SyntaxError|IndentationError|TabError)(?:: |$)`)
	pyError  = regexp.MustCompile(`^[A-Za-z_][\w.]*(?:: |:?$)`)
	rustOld  = regexp.MustCompile(`^thread '.*?'(?: \(\d+\))? panicked at '(.*)', ([^ ]+:\d+):\d+`)
	rustNew  = regexp.MustCompile(`^thread '.*?'(?: \(\d+\))? panicked at ([^ ]+:\d+):\d+:$`)
	goPanic  = regexp.MustCompile(`^(?:panic: |fatal error: |runtime: out of memory)`)
	cppAbort = regexp.MustCompile(`^(?:terminate called after throwing an instance of|libc\+\+abi: terminating)`)
	javaFail = regexp.MustCompile(`^(?:Exception in thread "[^"]*" |Caused by: )([\w.$]+(?:: .*)?)`)
	julia    = regexp.MustCompile(`^ERROR: (?:LoadError: )?(.+)`)
	rHalted  = regexp.MustCompile(`^Execution halted`)
	rError   = regexp.MustCompile(`^Error(?: in .*)? ?: ?`)
)

// failures returns the reports in the lines, in their order.
func failures(lines []string) []failure {
	var out []failure
	caused := false
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		next := func(k int) string {
			if i+k < len(lines) {
				return lines[i+k]
			}
			return ""
		}
		switch {
		case strings.HasPrefix(line, "The above exception was the direct cause of"):
			caused = true
			continue
		case strings.Contains(line, traceback):
			if f, ok := python(lines, i); ok {
				f.caused = caused
				out = append(out, f)
				i = f.end - 1
			}
		case pySyntax.MatchString(line):
			out = append(out, failure{line: line, end: i + 1})
		case rustNew.MatchString(line):
			out = append(out, failure{line: "panicked: " + next(1), at: path.Base(rustNew.FindStringSubmatch(line)[1]), end: min(i+2, len(lines))})
		case rustOld.MatchString(line):
			m := rustOld.FindStringSubmatch(line)
			out = append(out, failure{line: "panicked: " + m[1], at: path.Base(m[2]), end: i + 1})
		case goPanic.MatchString(line):
			end := i + 1
			for end < len(lines) && isGoTrace(lines[end]) {
				end++
			}
			out = append(out, failure{line: line, at: goFrame(lines[i+1 : end]), end: end})
		case cppAbort.MatchString(line):
			f := failure{line: line, end: i + 1}
			if what, ok := strings.CutPrefix(strings.TrimSpace(next(1)), "what():"); ok {
				f.line, f.end = what, i+2
				if f.more = line; strings.TrimSpace(what) == "" {
					f.line = line
				}
			}
			out = append(out, f)
		case javaFail.MatchString(line):
			end := i + 1
			for end < len(lines) && strings.HasPrefix(strings.TrimSpace(lines[end]), "at ") {
				end++
			}
			out = append(out, failure{line: javaFail.FindStringSubmatch(line)[1], end: end})
			i = end - 1
		case julia.MatchString(line) && strings.HasPrefix(next(1), "Stacktrace:"):
			out = append(out, failure{line: julia.FindStringSubmatch(line)[1], end: len(lines)})
		case rHalted.MatchString(line):
			if s := lastMatch(lastLines(lines[:i], 6), rError); s != "" {
				out = append(out, failure{line: s, end: i + 1})
			}
		}
		caused = false
	}
	return out
}

func isGoTrace(s string) bool {
	return strings.HasPrefix(s, "\t") || strings.HasPrefix(s, "goroutine ") || strings.HasPrefix(s, "[signal ") ||
		strings.HasPrefix(s, "created by ") || strings.HasPrefix(s, "exit status ") || strings.HasSuffix(s, ")") ||
		strings.HasPrefix(s, "panic: ")
}

// python reads the traceback that begins at lines[i]: indented or framed lines, then the exception, whose message may
// have further lines.
func python(lines []string, i int) (failure, bool) {
	source := "" // the last line of code shown
	j := i + 1
	for j < len(lines) && (strings.ContainsAny(lines[j][:1], " \t+|") || strings.HasPrefix(lines[j], "│") || strings.HasPrefix(lines[j], "╰")) {
		if code := strings.TrimSpace(lines[j]); !strings.HasPrefix(code, "File \"") && strings.Trim(code, "^~ ") != "" {
			source = code
		}
		j++
	}
	if j == len(lines) || !pyError.MatchString(lines[j]) {
		return failure{}, false // cut off, or something else was printed in between
	}
	f := failure{line: lines[j], at: innermost(lines[i+1 : j]), end: j + 1}
	if strings.TrimSuffix(strings.TrimSpace(f.line), ":") == "AssertionError" && source != "" {
		f.line = "AssertionError: " + source // a bare assertion says what it is about only in its code
	}
	if strings.HasSuffix(f.line, ":") && f.end < len(lines) && !strings.Contains(lines[f.end], traceback) {
		f.line += " " + lines[f.end] // the message begins on the line after
		f.end++
	}
	for k, most := f.end, min(f.end+4, len(lines)); k < most; k++ {
		if strings.Contains(lines[k], traceback) || strings.HasPrefix(lines[k], "During handling") || strings.HasPrefix(lines[k], "The above exception") {
			break
		}
		if strings.HasPrefix(lines[k], " ") {
			f.more += "\n" + lines[k]
			if k == f.end {
				f.end++ // a line of the message
			}
		}
	}
	return f, true
}

// wrappers are exceptions that only say that a process of the same program failed, or that talking to it did: what it
// said itself comes before them.
var wrappers = regexp.MustCompile(`^(?:[\w.]*\.)?(?:ChildFailedError|CalledProcessError|ProcessRaisedException|ProcessExitedException` +
	`|DistBackendError|BrokenPipeError|ConnectionResetError|RayTaskError.*?)(?::|$)|^RuntimeError: DataLoader worker \(pid`)

// decisive returns the kind and the text of the failure that counts among those reported at the end of the lines, at
// most within lines before it.
func decisive(lines []string, within int) (runsheet.Cause, bool) {
	all := failures(lines)
	for len(all) > 0 && all[0].end < len(lines)-within {
		all = all[1:]
	}
	if len(all) == 0 {
		return runsheet.Cause{}, false
	}
	i := len(all) - 1
	for i > 0 && wrappers.MatchString(all[i].line) {
		i--
	}
	if wrappers.MatchString(all[i].line) {
		i = len(all) - 1
	}
	where := ""
	if !slices.ContainsFunc(all[:i+1], failure.passes) {
		where = all[i].at
	}
	for j := i; ; j-- {
		switch kind := classify(all[j].line + all[j].more); {
		case kind == runsheet.CauseNaN && j == i:
			return runsheet.Cause{Kind: kind, Text: text(all[j].line), Where: where}, true
		case kind != runsheet.CauseTraceback:
			return runsheet.Cause{Kind: kind, Text: text(all[j].line)}, true
		case !all[j].caused || j == 0:
			return runsheet.Cause{Kind: kind, Text: text(all[i].line), Where: where}, true
		}
	}
}
