package sheet

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"runsheet"
	"runsheet/internal/shell"
)

// document is a sheet as it was written, before it is expanded.
type document struct {
	reader
	files disk
	sheet runsheet.Sheet

	command, resume, workDir *template // nil: not there
	activate                 *template
	progress                 runsheet.ProgressSpec
	resources                runsheet.Resources
	axes                     product   // of the matrix, after the files of `configs` or the lines of `commands`
	filters                  []*filter // of `exclude`
	included                 []product
	includedAt               []*yaml.Node
	entries                  []*yaml.Node        // of `runs`
	found                    map[string]config   // by the value of the axis config
	texts                    map[string]template // by the value of the axis command
	ownPool                  bool                // it has a pool
	uses                     map[string]bool     // placeholders that a command has
	undefined                map[position]bool   // placeholders that were told
	size                     int64               // bytes of all commands and names so far
}

// template is a parsed template that knows where it stands.
type template struct {
	*shell.Template
	text string
	at   func(offset int) position
}

// parse reads the text of a template.
func (d *document) template(n *yaml.Node, owner string) *template {
	s, ok := d.text(n, owner)
	if !ok {
		return nil
	}
	return d.parse(s, func(offset int) position { return d.locate(n, offset) })
}

func (d *document) parse(s string, at func(int) position) *template {
	parsed, err := shell.Parse(s)
	if err != nil {
		d.shellError("wrong value", err, at)
		return nil
	}
	return &template{parsed, s, at}
}

// read reads the whole document; root is its top mapping.
func (d *document) read(root *yaml.Node) {
	if root.Kind != yaml.MappingNode {
		d.mapping(root, "a sheet", nil) // says so
		return
	}
	keys := make(map[string]entry)
	for _, e := range d.mapping(root, "the sheet", sheetKeys) {
		keys[e.key] = e
	}
	with := func(key string, do func(n *yaml.Node)) {
		if e, ok := keys[key]; ok {
			do(e.value)
		}
	}
	s := &d.sheet
	s.Policy = runsheet.DefaultPolicy
	s.Pool = []runsheet.PoolEntry{{Kind: "local", Called: "local"}}
	d.progress.Tracker = "auto"
	with("version", func(n *yaml.Node) { d.integer(n, "version", 1, 1) })
	with("name", func(n *yaml.Node) {
		s.Name, _ = d.text(n, "name")
		d.printable(n, "name", s.Name)
	})
	with("setup", func(n *yaml.Node) { s.Setup, _ = d.text(n, "setup") })
	with("policy", func(n *yaml.Node) { s.Policy = d.policy(n) })
	with("env", func(n *yaml.Node) { s.Env = d.env(n) })
	with("secrets", func(n *yaml.Node) { s.Secrets = d.secrets(n, s.Env) })
	with("pool", func(n *yaml.Node) { s.Pool, d.ownPool = d.pool(n), true })
	with("metrics", func(n *yaml.Node) { s.Metrics = d.metrics(n) })
	with("progress", func(n *yaml.Node) { d.progress = d.reader.progress(n, d.progress) })
	with("resources", func(n *yaml.Node) { d.resources = d.reader.resources(n, d.resources) })
	with("command", func(n *yaml.Node) { d.command = d.commandTemplate(n) })
	with("resume", func(n *yaml.Node) { d.resume = d.template(n, "resume") })
	with("activate", func(n *yaml.Node) { d.activate = d.template(n, "activate") })
	with("work_dir", func(n *yaml.Node) { d.workDir = d.workDirTemplate(n) })
	with("runs", func(n *yaml.Node) { d.entries = d.sequence(n, "runs") })
	if _, both := keys["commands"]; both {
		for _, other := range []string{"command", "configs"} {
			if e, ok := keys[other]; ok {
				d.wrong(e.keyNode, "wrong value", "leave one of them out", "commands and %s each say what is run", other)
				delete(keys, "commands")
			}
		}
	}
	with("configs", d.readConfigs)
	with("commands", d.readCommands)
	with("matrix", func(n *yaml.Node) { d.axes = append(d.axes, d.matrix(n)...) })
	with("exclude", func(n *yaml.Node) { d.filters = d.exclude(n, d.axes) })
	with("include", func(n *yaml.Node) { d.included, d.includedAt = d.include(n, d.axes) })
	_, commands := keys["commands"]
	if _, ok := keys["command"]; !ok && !commands && len(d.entries) == 0 {
		d.wrong(root, "missing key", "add a line like `command: python train.py --lr {lr} --out {work_dir}`", "the sheet has no command")
	}
	_, matrix := keys["matrix"]
	_, include := keys["include"]
	_, configs := keys["configs"]
	d.expand(root, matrix || include || configs || commands)
	with("repeat", func(n *yaml.Node) {
		s.Repeat, _ = d.text(n, "repeat")
		if s.Repeat != "" && !slices.Contains(s.Axes, s.Repeat) {
			d.wrong(n, "unknown axis", suggest(s.Repeat, s.Axes), "repeat names %q, which no run has as a parameter", s.Repeat)
		}
	})
	with("resume", func(n *yaml.Node) {
		if d.resume != nil && len(d.list) == 0 && !d.uses["resume"] {
			d.wrong(n, "unused key", "put {resume} where it belongs in the command, or leave resume out", "no command holds {resume}")
		}
	})
	with("env", d.checkEnv)
}

// commandTemplate reads the text of a command.
func (d *document) commandTemplate(n *yaml.Node) *template {
	t := d.template(n, "command")
	if t != nil && strings.TrimSpace(t.text) == "" {
		d.wrong(n, "wrong value", "", "the command is empty")
		return nil
	}
	return t
}

// workDirTemplate reads the text of a work_dir. What a shell would expand there would silently become the name of a
// directory.
func (d *document) workDirTemplate(n *yaml.Node) *template {
	t := d.template(n, "work_dir")
	switch {
	case t == nil:
	case t.text == "":
		d.wrong(n, "wrong value", "leave it out for runs/{name}", "work_dir is empty")
	case strings.HasPrefix(t.text, "~"):
		d.wrong(n, "wrong value", "write the path out", "a ~ is not expanded in work_dir")
	case strings.Contains(t.text, "$"):
		d.add(t.at(strings.Index(t.text, "$")), "wrong value", "variables are not expanded in work_dir", "write the path out")
	case slices.Contains(strings.Split(t.text, "/"), stateDir):
		d.wrong(n, "wrong value", "", "%s belongs to runsheet itself", stateDir)
	default:
		return t
	}
	return nil
}

// checkEnv finds placeholders in env, where they would silently stay as they are.
func (d *document) checkEnv(n *yaml.Node) {
	for _, e := range d.reader.mapping(n, "env", nil) {
		parsed, err := shell.Parse(e.value.Value)
		if err != nil {
			continue
		}
		for _, p := range parsed.Placeholders() {
			if slices.Contains(d.sheet.Axes, p.Name) {
				d.add(d.locate(e.value, p.Offset), "wrong value", fmt.Sprintf("{%s} is not filled in in env", p.Name),
					fmt.Sprintf("set it in the command: %s={%s} ...", e.key, p.Name))
			}
		}
	}
}

// shellError notes an error of a template.
func (d *document) shellError(what string, err error, at func(int) position) {
	if e, ok := err.(*shell.Error); ok {
		d.add(at(e.Offset), what, e.Msg, e.Tip)
		return
	}
	d.add(at(0), what, err.Error(), "")
}

// maxText bounds the text of all runs: a short sheet can ask for a lot.
const maxText = 128 << 20
