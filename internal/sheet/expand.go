package sheet

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"runsheet"
	"runsheet/internal/shell"
)

// draft is a run before its templates are filled in.
type draft struct {
	params           []runsheet.Param
	named            []runsheet.Param // those of params that are in its name
	slug             string           // what its name begins with; may be empty
	command, workDir *template        // workDir nil: runs/{name}
	progress         runsheet.ProgressSpec
	resources        runsheet.Resources
	node             *yaml.Node // where it comes from
}

// expand turns the document into runs. Without any way of listing them, and without `runs`, the command is one run.
func (d *document) expand(root *yaml.Node, listed bool) {
	var drafts []draft
	total := len(d.entries)
	for _, p := range append([]product{d.axes}, d.included...) {
		if total += p.size(); total > MaxRuns {
			d.wrong(root, "too many runs", "split the sheet", "a sheet has at most %d runs", MaxRuns)
			return
		}
	}
	if len(d.axes) > 0 || !listed && len(d.entries) == 0 {
		for i := range d.axes.size() {
			params, excluded := d.axes.at(i), false
			for _, f := range d.filters {
				excluded = f.matches(params) || excluded
			}
			if !excluded {
				drafts = append(drafts, d.draft(params, root))
			}
		}
	}
	for _, f := range d.filters {
		if !f.matched && d.axes.size() > 0 {
			d.wrong(f.node, "excludes nothing", "leave the entry out", "no combination of the matrix is like this")
		}
	}
	for i, p := range d.included {
		for j := range p.size() {
			drafts = append(drafts, d.draft(p.at(j), d.includedAt[i]))
		}
	}
	for _, n := range d.entries {
		if dr, ok := d.entry(n); ok {
			drafts = append(drafts, dr)
		}
	}
	if len(drafts) == 0 && len(d.list) == 0 {
		d.wrong(root, "no runs", "", "nothing is left to be run")
	}
	d.sheet.Axes = axesOf(drafts)
	origins := make([]draft, 0, len(drafts))
	for _, dr := range drafts {
		if d.many() {
			return
		}
		if run, ok := d.run(dr, len(drafts)); ok {
			d.sheet.Runs, origins = append(d.sheet.Runs, run), append(origins, dr)
		}
		if d.size > maxText {
			d.wrong(root, "too many runs", "split the sheet", "the commands of all runs together are too long")
			return
		}
	}
	d.checkUnique(origins)
}

// draft makes a draft of a combination of the matrix.
func (d *document) draft(params []runsheet.Param, n *yaml.Node) draft {
	dr := draft{params: params, named: params, command: d.command, workDir: d.workDir, progress: d.progress, resources: d.resources, node: n}
	if d.texts != nil && params[0].Key == "command" {
		t := d.texts[params[0].Value]
		dr.command, dr.slug, dr.named = &t, Slug(t.text), params[1:]
	}
	return dr
}

// entry makes a draft of an entry of `runs`.
func (d *document) entry(n *yaml.Node) (draft, bool) {
	dr := draft{command: d.command, workDir: d.workDir, progress: d.progress, resources: d.resources, node: n}
	before := len(d.list)
	param := func(e entry) {
		if slices.ContainsFunc(dr.params, func(p runsheet.Param) bool { return p.Key == e.key }) {
			d.wrong(e.keyNode, "repeated key", "", "%q stands beside params and in it", e.key)
		}
		if v, ok := d.text(e.value, e.key); ok && d.parameter(e.keyNode, e.key) {
			dr.params = append(dr.params, runsheet.Param{Key: e.key, Value: v})
		}
	}
	own := false
	for _, e := range d.mapping(n, "an entry of runs", nil) {
		switch e.key {
		case "command":
			dr.command, own = d.commandTemplate(e.value), true
		case "work_dir":
			dr.workDir = d.workDirTemplate(e.value)
		case "progress":
			dr.progress = d.reader.progress(e.value, d.progress)
		case "resources":
			dr.resources = d.reader.resources(e.value, d.resources)
		case "params":
			for _, p := range d.mapping(e.value, "params", nil) {
				param(p)
			}
		default:
			param(e)
		}
	}
	dr.named = dr.params
	if len(dr.params) == 0 && own && dr.command != nil {
		dr.slug = Slug(dr.command.text)
		dr.params = []runsheet.Param{{Key: "command", Value: dr.command.text}}
	}
	if dr.command == nil && len(d.list) == before {
		d.wrong(n, "missing key", "give it a command, or the sheet one for all", "this run has no command")
	}
	return dr, len(d.list) == before
}

// axesOf returns the names of all parameters, in the order in which they first appear.
func axesOf(drafts []draft) []string {
	var all []string
	seen := make(map[string]bool)
	for _, dr := range drafts {
		for _, p := range dr.params {
			if !seen[p.Key] {
				seen[p.Key] = true
				all = append(all, p.Key)
			}
		}
	}
	return all
}

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
	run := runsheet.Run{Name: d.name(dr, runs), Params: dr.params, Progress: dr.progress, Resources: dr.resources}
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
	if run.Command, err = dr.command.Command(values); err == nil {
		values["resume"] = resume
		run.Resumed, err = dr.command.Command(values)
	}
	if err != nil {
		d.shellError("wrong value", err, dr.command.at)
		return run, false
	}
	d.size += int64(len(run.Command) + len(run.Resumed) + len(run.Name) + len(run.WorkDir))
	return run, true
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
		known := slices.Sorted(maps.Keys(values))
		tip := suggest(p.Name, known) + "; for a literal brace write {{" + p.Name + "}}"
		switch {
		case p.Name == "resume" && owner == "the command":
			tip = "say what it stands for: add a line like `resume: --resume`"
		case (p.Name == "work_dir" || p.Name == "resume" || p.Name == "sheet_dir"):
			tip = "it cannot be used there"
		case p.Name == "config" || strings.HasPrefix(p.Name, "config."):
			tip = "it needs a line like `configs: configs/**/*.py`"
		}
		d.add(t.at(p.Offset), "undefined placeholder", fmt.Sprintf("nothing is called {%s} in %s", p.Name, owner), tip)
	}
	return all
}
