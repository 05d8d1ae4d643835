package diagnose

import (
	"regexp"
	"slices"
	"strings"

	"runsheet"
)

// hydraLast is what Hydra ends its report of a failure with, whatever failed. It says nothing of it.
const hydraLast = "Set the environment variable HYDRA_FULL_ERROR=1"

// hydraJob is what Hydra begins the report with where it was the program that failed, and not its configuration.
const hydraJob = "Error executing job with overrides:"

var (
	hydraMore    = regexp.MustCompile(`, set env var HYDRA_FULL_ERROR=1.*$`)
	hydraDetail  = regexp.MustCompile(`^\s|^See https?://|^Available options|^Config search path|^\d+\. |^To append|^Key '.*' is not in struct`)
	hydraGrammar = regexp.MustCompile(`^(?:mismatched input|extraneous input|token recognition error|no viable alternative at input|Ambiguous value for argument)\b`)
)

// hydraQuotes is what the messages of hydraGrammar mean, where a value holds what the grammar of overrides has a use for.
const hydraQuotes = `; Hydra reads = and , in a value itself: give it quotes of its own, as in 'hydra.run.dir="{work_dir}"'`

// hydra takes Hydra's last line out of the lines, and returns what it reported before it where that is no traceback.
func hydra(lines []string) ([]string, runsheet.Cause, bool) {
	end := len(lines)
	for ; end > 0 && !strings.HasPrefix(lines[end-1], hydraLast); end-- {
	}
	if end == 0 {
		return lines, runsheet.Cause{}, false
	}
	said := lastLines(lines[:end-1], reach)
	recent := end > len(lines)-reach
	lines = slices.DeleteFunc(slices.Clone(lines), func(s string) bool { return strings.HasPrefix(s, hydraLast) })
	kind := runsheet.CauseUsage // of the program's own options, or of its configuration
	for i := len(said) - 1; i >= 0; i-- {
		if strings.Contains(said[i], hydraJob) {
			said, kind = said[i+1:], runsheet.CauseTraceback
			break
		}
	}
	if !recent || slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, traceback) }) {
		return lines, runsheet.Cause{}, false
	}
	first := 0
	if kind == runsheet.CauseUsage {
		for first = len(said) - 1; first >= 0 && hydraDetail.MatchString(said[first]); first-- {
		}
	}
	if first < 0 || first >= len(said) {
		return lines, runsheet.Cause{}, false
	}
	s := hydraMore.ReplaceAllString(said[first], "")
	if first+1 < len(said) && (strings.HasSuffix(s, ":") || strings.HasPrefix(said[first+1], "To append")) {
		s += " " + said[first+1]
	}
	switch {
	case hydraGrammar.MatchString(s):
		s += hydraQuotes
	case strings.HasPrefix(s, "Error locating target"):
		kind = runsheet.CauseImport
	case kind == runsheet.CauseTraceback:
		kind = classify(s)
	}
	return lines, runsheet.Cause{Kind: kind, Text: text(s)}, true
}
