package runsheet

import (
	"regexp"
	"strings"
)

// sheetCommand finds commands about a sheet in a text for people. Backquotes show where they begin and end.
var sheetCommand = regexp.MustCompile("`runsheet (run|plan|status|logs|stop|retry|wait|report|check)( [^`]*)?`")

// Spelled completes the commands in a text for people: where the sheet has to be named, `runsheet logs x=1` becomes
// `runsheet logs -s s.yaml x=1`. So whoever writes a hint need not know how the sheet is named, and cannot forget it: every
// face spells what it shows.
func (s *Sheet) Spelled(text string) string {
	if s == nil || s.Typed == "" || !strings.Contains(text, "`runsheet ") {
		return text
	}
	return sheetCommand.ReplaceAllStringFunc(text, func(found string) string {
		parts := sheetCommand.FindStringSubmatch(found)
		verb, rest := parts[1], parts[2]
		switch {
		case verb == "run" && strings.HasPrefix(rest, " '"), // a command line in place of a sheet
			strings.HasPrefix(rest, " -s "), strings.Contains(rest, " --help"), strings.Contains(rest, " --fs"):
			return found
		case s.Path != "":
			return "`runsheet " + verb + " -s " + s.Typed + rest + "`"
		case verb == "status" || verb == "check": // of a directory without a sheet
			return "`runsheet " + verb + rest + " " + s.Typed + "`"
		}
		return found
	})
}
