package tracker

import (
	"slices"

	"runsheet"
)

// fileCount counts the files that match the patterns of the sheet (`files`): each that is a regular file and not empty
// is one unit.
type fileCount struct{}

func (fileCount) Name() string { return "files" }

func (fileCount) Logs() string { return "" }

func (fileCount) Recognises(*Evidence, runsheet.ProgressSpec) bool { return false }

func (t fileCount) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: t.Name(), Unit: unit(spec, "file")}
	var found []string
	for _, pattern := range spec.Files {
		rels, err := ev.Glob(pattern)
		if err != nil {
			return p, err
		}
		found = append(found, rels...)
	}
	slices.Sort(found)
	var times []int64
	for _, rel := range slices.Compact(found) {
		st, err := ev.Look(rel)
		if err != nil {
			return p, err
		}
		if st.Kind == Regular && st.Size > 0 {
			p.Completed++
			times = append(times, st.MTime)
		} else {
			ev.Witness(rel) // it may be filled without a change of its directory
		}
	}
	slices.Sort(times)
	for _, at := range times[max(0, len(times)-recentEpochs):] {
		p.Recent = append(p.Recent, stampTime(at))
	}
	return p, nil
}
