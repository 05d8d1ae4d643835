package report

import (
	"fmt"
	"path"

	"runsheet"
	"runsheet/internal/diagnose"
)

// Gone says which finished runs the sheet no longer has, and what can be done about it; empty: there are none.
func Gone(sheet *runsheet.Sheet, g runsheet.Gone) (text, hint string) {
	n := len(g.Runs)
	if n == 0 {
		return "", ""
	}
	text = fmt.Sprintf("%d finished runs are no longer in the sheet", n)
	if n == 1 {
		text = "1 finished run is no longer in the sheet"
	}
	file := path.Base(sheet.Path)
	switch {
	case g.Renamed > 0:
		text += fmt.Sprintf(": the parameter %s is called %s now", diagnose.Clean(g.Was), diagnose.Clean(g.Is))
		if g.Renamed < n {
			text += fmt.Sprintf(", and nothing else differs in %d of them", g.Renamed)
		}
		hint = fmt.Sprintf("call it %s again in %s, and they count; otherwise they are run anew by their new names", diagnose.Clean(g.Was), file)
	case g.Moved > 0:
		text += fmt.Sprintf(": %s lies in %s, and the sheet has %s", diagnose.Clean(g.Runs[0]), diagnose.Clean(g.WorkDirs[0]), diagnose.Clean(g.Elsewhere))
		hint = "make work_dir in " + file + " what it was, and they count; otherwise they are run anew"
	case n == 1:
		text += ": " + diagnose.Clean(g.Runs[0])
		hint = "its results stay in " + diagnose.Clean(g.WorkDirs[0])
	default:
		text += ": " + diagnose.Clean(g.Runs[0]) + " and others"
		hint = "their results stay where they are, as in " + diagnose.Clean(g.WorkDirs[0])
	}
	return text, hint
}
