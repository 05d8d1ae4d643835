package sheet

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"runsheet"
)

// filter is one entry of `exclude`: combinations that have one of the values for each of its keys.
type filter struct {
	node    *yaml.Node
	values  map[string]map[string]bool
	matched bool
}

func (f *filter) matches(params []runsheet.Param) bool {
	for _, p := range params {
		if set, ok := f.values[p.Key]; ok && !set[p.Value] {
			return false
		}
	}
	f.matched = true
	return true
}

// exclude reads `exclude` for the axes of a product.
func (r *reader) exclude(n *yaml.Node, axes product) []*filter {
	var all []*filter
	var names []string
	for _, a := range axes {
		names = append(names, a.key)
	}
	for _, item := range r.sequence(n, "exclude") {
		f := &filter{node: item, values: make(map[string]map[string]bool)}
		before := len(r.list)
		for _, e := range r.mapping(item, "an entry of exclude", nil) {
			i := slices.Index(names, e.key)
			if i < 0 {
				r.wrong(e.keyNode, "unknown axis", suggest(e.key, names), "%q is no axis of the matrix", e.key)
				continue
			}
			f.values[e.key] = make(map[string]bool)
			for _, v := range r.values(e.value, e.key) {
				f.values[e.key][v] = true
				if !slices.Contains(axes[i].values, v) {
					r.wrong(e.value, "excludes nothing", "values are compared as they are typed: "+shorten(axes[i].values),
						"%s has no value %q", e.key, v)
				}
			}
		}
		if item.Kind == yaml.MappingNode && len(item.Content) == 0 {
			r.wrong(item, "wrong value", "write it like {model: mlp, seed: 0}", "an empty entry would exclude everything")
		}
		if len(r.list) == before && len(f.values) > 0 {
			all = append(all, f)
		}
	}
	return all
}

func shorten(values []string) string {
	if len(values) > 8 {
		return strings.Join(values[:8], ", ") + ", ..."
	}
	return strings.Join(values, ", ")
}

// include reads `include`: each entry is a product of its own, in which the axes that it leaves out have all the
// values of the matrix.
func (r *reader) include(n *yaml.Node, axes product) ([]product, []*yaml.Node) {
	var all []product
	var nodes []*yaml.Node
	for _, item := range r.sequence(n, "include") {
		var own []axis
		for _, e := range r.mapping(item, "an entry of include", nil) {
			if r.parameter(e.keyNode, e.key) {
				own = append(own, axis{e.key, e.keyNode, r.values(e.value, e.key)})
			}
		}
		if len(own) == 0 {
			if item.Kind == yaml.MappingNode && len(item.Content) == 0 {
				r.wrong(item, "wrong value", "write it like {model: mlp, seed: 0}", "an empty entry adds nothing")
			}
			continue
		}
		p := slices.Clone(axes)
		for _, a := range own {
			if i := slices.IndexFunc(p, func(b axis) bool { return b.key == a.key }); i >= 0 {
				p[i] = a
			} else {
				p = append(p, a)
			}
		}
		all, nodes = append(all, p), append(nodes, item)
	}
	return all, nodes
}
