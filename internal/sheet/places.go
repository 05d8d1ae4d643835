package sheet

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"runsheet"
)

// called returns what the sheet calls the entries of its pool.
func (d *document) called() (all []string) {
	for _, e := range d.sheet.Pool {
		all = append(all, e.Called)
	}
	return all
}

// places reads the entries of the pool that a run may use, as `pool: [gpu]` in an entry of `runs` names them.
func (d *document) places(n *yaml.Node) (names []string) {
	called := d.called()
	for _, item := range d.sequence(n, "pool") {
		s, ok := d.text(item, "an entry of the pool")
		switch {
		case !ok:
		case !slices.Contains(called, s):
			d.wrong(item, "wrong value", suggest(s, called), "the pool has no entry called %q", s)
		case slices.Contains(names, s):
			d.wrong(item, "repeated value", "", "%s is named twice", s)
		default:
			names = append(names, s)
		}
	}
	if len(names) == 0 && len(d.list) == 0 {
		d.wrong(n, "wrong value", "leave it out for all of them", "the run may use no entry of the pool")
	}
	return names
}

// placed has the runs whose parameter `pool` names an entry of the pool use that one alone. Where its values name none, it
// is a parameter like any other: so is what networks call pooling.
func (d *document) placed(drafts []draft) {
	called := d.called()
	var named, other *draft
	for i := range drafts {
		dr := &drafts[i]
		at := slices.IndexFunc(dr.params, func(p runsheet.Param) bool { return p.Key == "pool" })
		if at < 0 || !d.ownPool {
			continue
		}
		if value := dr.params[at].Value; !slices.Contains(called, value) {
			other = dr
		} else {
			named = dr
			if dr.pool == nil {
				dr.pool = []string{value}
			}
		}
	}
	if named != nil && other != nil {
		value, _ := runsheet.Run{Params: other.params}.Value("pool")
		d.add(d.at(other.node), "wrong value", fmt.Sprintf("the parameter pool names entries of the pool, and none is called %q", value),
			"there is: "+strings.Join(called, ", "))
	}
}
