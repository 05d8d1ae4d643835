package sheet

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"runsheet"
	"runsheet/internal/shell"
)

// name returns the name of a run: k=v,k=v. A single run without parameters has the sheet's.
func (d *document) name(dr draft, runs int) string {
	if len(dr.named) == 0 && (dr.slug == "" || runs == 1) {
		return shell.Escape(d.sheet.Name)
	}
	var parts []string
	if dr.slug != "" {
		parts = append(parts, dr.slug)
	}
	for _, p := range dr.named {
		parts = append(parts, p.Key+"="+shell.Escape(p.Value))
	}
	return strings.Join(parts, ",")
}

// run fills in the templates of a draft.
func (d *document) run(dr draft, runs int) (runsheet.Run, bool) {
	run := runsheet.Run{Sheet: d.sheet.Path, Name: d.name(dr, runs), Params: dr.params, Progress: dr.progress, Resources: dr.resources, Pool: dr.pool}
	if dr.command == nil {
		return run, false // said already
	}
	values := map[string]shell.Value{"name": {Kind: shell.Escaped, Text: run.Name}}
	for _, p := range dr.params {
		if c, ok := d.found[p.Value]; ok && p.Key == "config" {
			c.values(values)
		} else if p.Key != "command" {
			values[p.Key] = shell.Value{Text: p.Value}
		}
	}
	if !d.defined(dr.workDir, values, "work_dir") {
		return run, false
	}
	if !d.place(&run, dr, values) {
		return run, false
	}
	shown := run.Shown
	if strings.HasPrefix(shown, "-") {
		shown = "./" + shown // no option
	}
	values["work_dir"] = shell.Value{Text: shown}
	values["sheet_dir"] = shell.Value{Text: d.sheet.Dir}
	resume := shell.Value{Kind: shell.Raw}
	if d.resume != nil {
		if !d.defined(d.resume, values, "resume") {
			return run, false
		}
		text, err := d.resume.Command(values)
		if err != nil {
			d.shellError("wrong value", err, d.resume.at)
			return run, false
		}
		resume.Text = text
		values["resume"] = shell.Value{Kind: shell.Raw}
	}
	if !d.defined(dr.command, values, "the command") {
		return run, false
	}
	var err error
	run.Command, err = dr.command.Command(values)
	run.Resumed = run.Command
	if err == nil && resume.Text != "" && d.uses["resume"] {
		values["resume"] = resume
		run.Resumed, err = dr.command.Command(values)
	}
	if err != nil {
		d.shellError("wrong value", err, dr.command.at)
		return run, false
	}
	run.Command, run.Resumed = trimmed(run.Command), trimmed(run.Resumed)
	if !d.activation(&run, values) {
		return run, false
	}
	if !d.measure(&run, values) {
		return run, false
	}
	d.size += int64(len(run.Command) + len(run.Resumed) + len(run.Name) + len(run.WorkDir))
	return run, true
}

// activation fills in what runs before the command. It is no part of what a result is outdated by: like env and setup it
// says what a host needs for the command, not what is run, and a host may need other modules than the one before.
func (d *document) activation(run *runsheet.Run, values map[string]shell.Value) bool {
	if d.activate == nil {
		return true
	}
	delete(values, "resume")
	if !d.defined(d.activate, values, "activate") {
		return false
	}
	var err error
	if run.Activate, err = d.activate.Command(values); err != nil {
		d.shellError("wrong value", err, d.activate.at)
		return false
	}
	d.size += int64(len(run.Activate))
	return true
}

// measure fills in the command that prints the progress of a run, if there is one.
func (d *document) measure(run *runsheet.Run, values map[string]shell.Value) bool {
	text := run.Progress.Command
	if text == "" {
		return true
	}
	delete(values, "resume")
	t := d.parse(text, func(offset int) position { return d.locate(d.measures[text], offset) })
	if t == nil || !d.defined(t, values, "the command of progress") {
		return false
	}
	var err error
	if run.Progress.Command, err = t.Command(values); err != nil {
		d.shellError("wrong value", err, t.at)
		return false
	}
	d.size += int64(len(run.Progress.Command))
	return true
}

// trimmed takes away the white space that an empty {resume} leaves at the end of a command, but not an escaped blank.
func trimmed(command string) string {
	short := strings.TrimRight(command, " \t\n")
	if strings.HasSuffix(short, "\\") {
		return command
	}
	return short
}

// place finds the work dir of a run.
func (d *document) place(run *runsheet.Run, dr draft, values map[string]shell.Value) bool {
	dir, at := "runs/"+run.Name, d.at(dr.node)
	if dr.workDir != nil {
		var err error
		at = dr.workDir.at(0)
		if dir, err = dr.workDir.Path(values); err != nil {
			d.shellError("wrong value", err, dr.workDir.at)
			return false
		}
	}
	for part := range strings.SplitSeq(dir, "/") {
		if len(part) > 255 {
			d.add(at, "name too long", fmt.Sprintf("a directory would be called %q..., with %d bytes; file systems allow 255", part[:40], len(part)),
				"set a work_dir that needs fewer of the parameters, like runs/{seed}")
			return false
		}
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(d.sheet.Dir, dir)
	}
	run.WorkDir = filepath.Clean(dir)
	run.Shown = run.WorkDir
	if rel, err := filepath.Rel(d.sheet.Dir, run.WorkDir); err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
		run.Shown = rel
	}
	if below(run.WorkDir, d.sheet.Dir) {
		d.add(at, "wrong work dir", fmt.Sprintf("the sheet itself lies in %s", run.WorkDir), "give every run a directory of its own, like runs/{name}")
		return false
	}
	return true
}

// below says whether path is dir or lies below it.
func below(dir, path string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

// defined says whether every placeholder of a template has a value.
func (d *document) defined(t *template, values map[string]shell.Value, owner string) bool {
	if t == nil {
		return true
	}
	all := true
	for _, p := range t.Placeholders() {
		if d.uses == nil {
			d.uses = make(map[string]bool)
		}
		d.uses[p.Name] = true
		if _, ok := values[p.Name]; ok {
			continue
		}
		all = false
		at := t.at(p.Offset)
		if d.undefined[at] {
			continue // many runs can have the same one
		}
		if d.undefined == nil {
			d.undefined = make(map[position]bool)
		}
		d.undefined[at] = true
		known := slices.Sorted(maps.Keys(values))
		tip := suggest(p.Name, known) + " (literal braces are written {{" + p.Name + "}})"
		switch {
		case p.Name == "resume" && owner == "the command":
			tip = "say what it stands for: add a line like `resume: --resume`"
		case (p.Name == "work_dir" || p.Name == "resume" || p.Name == "sheet_dir"):
			tip = "it cannot be used there"
		case p.Name == "config" || strings.HasPrefix(p.Name, "config."):
			tip = "it needs a line like `configs: configs/**/*.py`"
		}
		d.add(at, "undefined placeholder", fmt.Sprintf("nothing is called {%s} in %s", p.Name, owner), tip)
	}
	return all
}
