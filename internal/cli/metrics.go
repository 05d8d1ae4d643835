package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"runsheet"
	"runsheet/internal/diagnose"
	"runsheet/internal/observe"
	"runsheet/internal/report"
)

// metricsHint says where metrics were looked for, and what to do about it, where runs are finished and none of them has any, or
// none has one that the sheet names.
func metricsHint(env Env, s runsheet.Snapshot) {
	if absent, there := report.Absent(s); len(absent) > 0 {
		env.say("  no finished run has %s: they have %s", diagnose.Clean(strings.Join(absent, ", ")), diagnose.Clean(strings.Join(there, ", ")))
		return
	}
	var finished []runsheet.Observed
	for _, o := range s.Runs {
		if o.Status != runsheet.Finished && o.Status != runsheet.Outdated {
			continue
		}
		if p := o.Final(); p != nil && len(p.Metrics) > 0 {
			return
		}
		finished = append(finished, o)
	}
	if len(finished) == 0 {
		return
	}
	first := finished[0].Run
	text := "metrics are read from what runs write into their work dirs, and from what they print: looked into " + first.Shown
	if n := len(finished) - 1; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	if t := first.Progress.Tracker; t != "" && t != "auto" {
		text += " with `tracker: " + t + "`"
	}
	env.say("  %s", diagnose.Clean(text))
	all := observe.FindElsewhere(context.Background(), env.Disk, finished)
	for _, e := range all {
		env.say("  hint: %s", diagnose.Clean(wayIn(env, e)))
	}
	if len(all) == 0 {
		env.say("  hint: write them there, or print them; docs/trackers.md says what is recognised, and how `progress` in the sheet reads any other file")
	}
}

// wayIn says how a framework comes to write into the work dirs.
func wayIn(env Env, e observe.Elsewhere) string {
	text := fmt.Sprintf("%s wrote into %s", e.Framework, shownPath(env, e.Seen))
	if e.Seen == "" {
		text = fmt.Sprintf("%s uses %s", e.Script, e.Framework)
	}
	text += ": " + e.Option + " has it write into the work dir"
	if !e.Cwd {
		return text
	}
	text += ", and so has `cwd: \"{work_dir}\"` in the sheet"
	if e.Script != "" && !filepath.IsAbs(e.Script) {
		text += ", with {sheet_dir}/" + e.Script + " in the command"
	}
	return text
}
