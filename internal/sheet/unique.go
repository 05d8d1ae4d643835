package sheet

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"runsheet"
)

// checkUnique finds runs of one name, and work dirs that are equal or lie in each other. origins[i] is what run i was
// made of.
func (d *document) checkUnique(origins []draft) {
	runs := d.sheet.Runs
	names := make(map[string]int, len(runs))
	for i, run := range runs {
		first, twice := names[run.Name]
		if !twice {
			names[run.Name] = i
			continue
		}
		d.add(d.at(origins[i].node), "repeated run", fmt.Sprintf("%q is there twice, first from line %d", run.Name, origins[first].node.Line),
			"leave one of them out, or give them a parameter in which they differ")
		if d.many() {
			return
		}
	}
	if len(names) < len(runs) {
		return // their work dirs say nothing new
	}
	order := make([]int, len(runs))
	for i := range order {
		order[i] = i
	}
	// With a slash at its end, a directory is followed at once by what lies in it.
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(runs[a].WorkDir+"/", runs[b].WorkDir+"/") })
	type clash struct{ a, b, more int }
	clashes := make(map[position]*clash)
	var places []position
	for i := 1; i < len(order); i++ {
		a, b := order[i-1], order[i]
		if !below(runs[a].WorkDir, runs[b].WorkDir) {
			continue
		}
		at := d.at(origins[b].node)
		if t := origins[b].workDir; t != nil {
			at = t.at(0)
		}
		if c := clashes[at]; c != nil {
			c.more++
			continue
		}
		clashes[at] = &clash{a: a, b: b}
		places = append(places, at)
	}
	for _, at := range places {
		c := clashes[at]
		a, b := runs[c.a], runs[c.b]
		msg := fmt.Sprintf("%q and %q would both work in %s", a.Name, b.Name, a.Shown)
		if a.WorkDir != b.WorkDir {
			msg = fmt.Sprintf("%s of %q lies in %s of %q", b.Shown, b.Name, a.Shown, a.Name)
		}
		if c.more > 0 {
			msg += fmt.Sprintf(", and %d more like it", c.more)
		}
		d.add(at, "shared work dir", msg, apart(a, b, origins[c.b].workDir))
	}
}

// apart says what would keep the work dirs of two runs apart.
func apart(a, b runsheet.Run, workDir *template) string {
	if workDir == nil {
		return "set a work_dir in which they differ"
	}
	used := make(map[string]bool)
	for _, p := range workDir.Placeholders() {
		used[p.Name] = true
		if strings.HasPrefix(p.Name, "config") {
			used["config"] = true
		}
	}
	var missing []string
	for _, p := range b.Params {
		if v, ok := a.Value(p.Key); (!ok || v != p.Value) && !used[p.Key] && p.Key != "command" {
			missing = append(missing, "{"+p.Key+"}")
		}
	}
	if len(missing) == 0 {
		return "put {name} into work_dir, which differs in every run"
	}
	return "put " + strings.Join(missing, " and ") + " into work_dir"
}
