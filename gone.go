package runsheet

import (
	"slices"
	"strings"
)

// Gone are the finished runs that a sheet no longer has: their results are there, and it does not count them.
type Gone struct {
	Runs     []string // their names, sorted
	WorkDirs []string // of each its work dir, as a person would write it
	// Renamed is how many of them the sheet has under a name in which the parameter Was is called Is.
	Renamed int
	Was, Is string
	// Moved is how many of them the sheet has by the same name in another work dir: Elsewhere, of the first of these.
	Moved     int
	Elsewhere string
}

// Missing returns the finished runs whose work dirs the sheet does not use any more, and how they differ from its runs. Runs that its
// `exclude` takes away do not count. done has the sheet's finished runs, by name: their results under an older name are not missed.
func Missing(sheet *Sheet, finished []Run, done map[string]bool) Gone {
	at := map[string]string{} // the work dirs of the sheet's runs, by name
	for _, r := range sheet.Runs {
		at[r.Name] = r.Shown
	}
	skipped := map[string]bool{}
	for _, name := range sheet.Skipped {
		skipped[name] = true
	}
	var g Gone
	finished = slices.Clone(finished)
	slices.SortFunc(finished, func(a, b Run) int { return strings.Compare(a.Name, b.Name) })
	for _, r := range finished {
		if skipped[r.Name] {
			continue
		}
		g.Runs, g.WorkDirs = append(g.Runs, r.Name), append(g.WorkDirs, r.Shown)
		if dir, ok := at[r.Name]; ok {
			if g.Moved++; g.Moved == 1 {
				g.Elsewhere = dir
			}
		}
	}
	g.renamed(sheet, done)
	return g
}

// renamed finds the one parameter that has another name now, if there is one.
func (g *Gone) renamed(sheet *Sheet, done map[string]bool) {
	var names []string
	for _, r := range sheet.Runs {
		names = append(names, r.Name)
	}
	was, is := onlyIn(g.Runs, names), onlyIn(names, g.Runs)
	if len(was) != 1 || len(is) != 1 {
		return
	}
	now := map[string]bool{}
	for _, name := range names {
		now[sortedName(name, "", "")] = !done[name]
	}
	for _, name := range g.Runs {
		if now[sortedName(name, was[0], is[0])] {
			g.Renamed++
		}
	}
	if g.Renamed > 0 {
		g.Was, g.Is = was[0], is[0]
	}
}

// onlyIn returns the parameters in some names of runs that none of the others has.
func onlyIn(names, others []string) (keys []string) {
	there := map[string]bool{}
	for _, name := range others {
		for part := range strings.SplitSeq(name, ",") {
			key, _, _ := strings.Cut(part, "=")
			there[key] = true
		}
	}
	for _, name := range names {
		for part := range strings.SplitSeq(name, ",") {
			if key, _, ok := strings.Cut(part, "="); ok && !there[key] {
				there[key] = true
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// sortedName returns a run's name with its parameters in order, and one of them called another name.
func sortedName(name, was, is string) string {
	parts := strings.Split(name, ",")
	for i, part := range parts {
		if key, value, ok := strings.Cut(part, "="); ok && key == was {
			parts[i] = is + "=" + value
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, ",")
}
