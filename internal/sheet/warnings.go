package sheet

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// warnings finds what a sheet may say, and what is hardly meant.
func (d *document) warnings() {
	for _, a := range d.axes {
		if len(a.values) > 1 && !d.used(a.key) {
			d.warn(d.at(a.node), "unused axis", fmt.Sprintf("nothing holds {%s}: runs that differ in %s alone do the same", a.key, a.key),
				fmt.Sprintf("put {%s} into the command; or into work_dir, if they are to be repeated as they are", a.key))
		}
	}
	if d.command == nil {
		return
	}
	for _, run := range d.sheet.Runs {
		if m := hydraDir.FindStringSubmatch(run.Command); m != nil && strings.ContainsAny(m[2], "=,") {
			d.warn(d.command.at(0), "a value that Hydra reads", fmt.Sprintf("%s=%s holds = or , which mean something to Hydra", m[1], m[2]),
				fmt.Sprintf(`give it quotes that Hydra sees: '%s="{work_dir}"'; or set a work_dir without them, like runs/{seed}`, m[1]))
			return
		}
	}
}

// hydraDir matches an option of Hydra's that names a directory, in a command, without quotes of Hydra's own.
var hydraDir = regexp.MustCompile(`(?:^|[\s'])(hydra\.(?:run|sweep)\.(?:sub)?dir)=([^\s'"]+)`)

// used says whether a parameter stands in a command, a work dir or what these are made of. A run's name holds them all, and
// says of none what it does.
func (d *document) used(key string) bool {
	switch {
	case key == "command":
		return true
	case key == "config":
		return slices.ContainsFunc([]string{"config", "config.dir", "config.stem", "config.rel"}, func(k string) bool { return d.uses[k] })
	}
	return d.uses[key]
}

func (d *document) warn(at position, what, msg, tip string) {
	d.sheet.Warnings = append(d.sheet.Warnings, &Error{What: "warning: " + what, File: at.file, Line: at.line, Column: at.column, Msg: msg, Tip: tip})
}
