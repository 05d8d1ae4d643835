package sheet

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"runsheet"
)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// variable checks the name of an environment variable.
func (r *reader) variable(n *yaml.Node, name string) {
	switch {
	case !variableName.MatchString(name):
		r.wrong(n, "wrong name", "letters, digits and _, not beginning with a digit", "%q is no name of an environment variable", name)
	case strings.HasPrefix(name, "RUNSHEET_"):
		r.wrong(n, "wrong name", "choose another name", "%q is one of the variables that runsheet sets itself", name)
	}
}

func (r *reader) env(n *yaml.Node) map[string]string {
	env := make(map[string]string)
	for _, e := range r.mapping(n, "env", nil) {
		r.variable(e.keyNode, e.key)
		env[e.key], _ = r.text(e.value, e.key)
	}
	return env
}

func (r *reader) secrets(n *yaml.Node, env map[string]string) []string {
	var all []string
	for _, item := range r.sequence(n, "secrets") {
		name, ok := r.text(item, "a secret")
		if !ok {
			continue
		}
		if strings.Contains(name, "=") {
			r.add(r.at(item), "wrong name", "a secret is only named here: its value comes from the environment",
				"write the name alone, and export the value before you start runsheet")
			continue
		}
		r.variable(item, name)
		if _, both := env[name]; both {
			r.wrong(item, "wrong value", "take it out of env", "%s stands in env too, where its value is written down", name)
		}
		if slices.Contains(all, name) {
			r.wrong(item, "repeated value", "", "%s is named twice", name)
		}
		all = append(all, name)
	}
	return all
}

// pool reads `pool`. This version runs on this machine only.
func (r *reader) pool(n *yaml.Node) []runsheet.PoolEntry {
	var all []runsheet.PoolEntry
	for _, item := range r.sequence(n, "pool") {
		kind, at := item.Value, item
		entry := runsheet.PoolEntry{Kind: "local"}
		if item.Kind == yaml.MappingNode {
			if len(item.Content) == 0 {
				r.wrong(item, "wrong value", "", "an entry of the pool names a kind of host")
				continue
			}
			kind, at = follow(item.Content[0]).Value, follow(item.Content[0])
		} else if _, ok := r.text(item, "an entry of the pool"); !ok {
			continue
		}
		switch {
		case kind == "ssh" || kind == "slurm":
			r.wrong(at, "unsupported pool", "leave the entry out", "%s: this version runs on this machine only", kind)
			continue
		case kind != "local":
			r.wrong(at, "wrong value", suggest(kind, []string{"local"}), "the pool has no kind of host called %q", kind)
			continue
		case len(all) > 0:
			r.wrong(at, "repeated value", "", "this machine is in the pool already")
		}
		if item.Kind == yaml.MappingNode {
			for _, e := range r.mapping(item, "an entry of the pool", []string{"local"}) {
				if !isNull(e.value) {
					entry.GPUs = r.gpus(e.value)
				}
			}
		}
		all = append(all, entry)
	}
	if len(all) == 0 && len(r.list) == 0 {
		r.wrong(n, "wrong value", "leave pool out for this machine", "the pool is empty")
	}
	return all
}

func (r *reader) gpus(n *yaml.Node) []int {
	var all []int
	for _, e := range r.mapping(n, "local", []string{"gpus"}) {
		all = []int{}
		for _, item := range r.sequence(e.value, "gpus") {
			v, ok := r.integer(item, "a GPU", 0, 1023)
			if ok && slices.Contains(all, int(v)) {
				r.wrong(item, "repeated value", "", "GPU %d is named twice", v)
			}
			all = append(all, int(v))
		}
	}
	return all
}
