package runsheet

import (
	"path"
	"strings"
)

// ForeignReason says why the work dir of a run is none of its own: the last attempt there has this claim. It is the same
// for all runs that share it, so that it need not be said of each.
func ForeignReason(run Run, c Claim) string {
	other := strings.TrimPrefix(c.Sheet, path.Dir(run.Sheet)+"/")
	return "its work dir holds attempts of another sheet, " + other + ", made by another command"
}

// ForeignHint says what to do about it.
func ForeignHint(run Run, c Claim) string {
	if inline(run.Sheet) || inline(c.Sheet) {
		return "give the command in a directory of its own; or, if it is to take the place of the other one, remove " + c.Sheet
	}
	own := path.Base(run.Sheet)
	line := "`work_dir: runs/" + stem(own) + "/{name}`"
	if run.Shown == "runs/"+run.Name {
		return "give its runs a place of their own: add " + line + " to " + own
	}
	return "give its runs a place of their own: change work_dir in " + own + ", as in " + line
}

// inline says whether a sheet was written by us for a command line: nobody adds a line to it.
func inline(sheet string) bool { return path.Base(path.Dir(sheet)) == ".runsheet" }

// stem returns the name of a sheet's file as a part of a work dir, in which nothing has a meaning to YAML or to us.
func stem(name string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' && r != '-' && r != '+' && r != '.' || '9' < r && r < 'A' || 'Z' < r && r < 'a' && r != '_' || 'z' < r {
			return '_'
		}
		return r
	}, strings.TrimSuffix(name, path.Ext(name)))
}
