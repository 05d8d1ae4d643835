package sheet

import (
	"slices"

	"go.yaml.in/yaml/v4"

	"runsheet"
)

// draft is a run before its templates are filled in.
type draft struct {
	params           []runsheet.Param
	named            []runsheet.Param // those of params that are in its name
	slug             string           // what its name begins with; may be empty
	command, workDir *template        // workDir nil: runs/{name}
	progress         runsheet.ProgressSpec
	resources        runsheet.Resources
	pool             []string   // the entries of the pool that it may use; nil: all
	node             *yaml.Node // where it comes from
}

// expand turns the document into runs. Without any way of listing them, and without `runs`, the command is one run.
func (d *document) expand(root *yaml.Node, listed bool) {

	total := len(d.entries)
	for _, p := range append([]product{d.axes}, d.included...) {
		if total += p.size(); total > MaxRuns {
			d.wrong(root, "too many runs", "split the sheet", "a sheet has at most %d runs", MaxRuns)
			return
		}
	}
	drafts := make([]draft, 0, total)
	if len(d.axes) > 0 || !listed && len(d.entries) == 0 {
		for i := range d.axes.size() {
			params, excluded := d.axes.at(i), false
			for _, f := range d.filters {
				excluded = f.matches(params) || excluded
			}
			if dr := d.draft(params, root); excluded {
				d.sheet.Skipped = append(d.sheet.Skipped, d.name(dr, total))
			} else {
				drafts = append(drafts, dr)
			}
		}
		if len(d.axes) > 0 {
			d.sheet.Product = len(drafts)
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
	var least int64 // of text, so that a short sheet that asks for a lot is refused at once
	for _, dr := range drafts {
		if dr.command != nil {
			least += int64(len(dr.command.text))
		}
	}
	if least > maxText {
		d.tooLong(root)
		return
	}
	d.placed(drafts)
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
			d.tooLong(root)
			return
		}
	}
	d.checkUnique(origins)
}

func (d *document) tooLong(root *yaml.Node) {
	d.wrong(root, "too many runs", "split the sheet", "the commands of all runs together are longer than %d MiB", maxText>>20)
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
		case "pool":
			if follow(e.value).Kind != yaml.SequenceNode {
				param(e)
				continue
			}
			dr.pool = d.places(e.value)
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
