package sheet

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
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
