package tracker

import (
	"cmp"
	"path"
	"slices"
	"strconv"
	"strings"

	"runsheet"
	"runsheet/internal/record"
)

const (
	maxRunLogs   = 8  // of the latest attempts
	maxOtherLogs = 16 // of a stranger's, the ones that changed last
)

// session is what one attempt of ours left besides the training code's own files.
type session struct {
	dir string // of the attempt, relative to the work dir
	log string // its run.log
}

// sessions returns the latest attempts whose evidence lies in the work dir, the newest first. Those whose evidence was
// set aside, and all before them, say nothing of what is there now.
func (ev *Evidence) sessions() []session {
	attempts := record.AttemptsDir(".")
	entries, err := ev.List(attempts)
	if err != nil {
		return nil // its records cannot be read: whoever reads those says so
	}
	var out []session
	for _, e := range slices.Backward(entries) {
		n, err := strconv.Atoi(e.Name)
		if err != nil || !e.Dir {
			continue
		}
		dir := record.AttemptDir(".", n)
		aside := record.EvidenceDir(dir)
		ev.WitnessIdentity(aside)
		if st, err := ev.Look(aside); err != nil || st.Kind != Absent || len(out) == maxRunLogs {
			break
		}
		out = append(out, session{dir, record.LogPath(dir)})
	}
	return out
}

// logFiles returns the logs in which lines may say the progress, the one that counts most first: what the sheet names,
// the output of our attempts, and only where neither says anything (strangers) what looks like a log in the work dir.
func (ev *Evidence) logFiles(spec runsheet.ProgressSpec) (ours, strangers func() ([]string, error)) {
	ours = func() ([]string, error) {
		var out []string
		if spec.Log != "" {
			named, err := ev.Glob(spec.Log)
			if err != nil {
				return nil, err
			}
			out = append(out, ev.byChange(named)...)
		}
		for _, s := range ev.sessions() {
			out = append(out, s.log)
		}
		return out, nil
	}
	strangers = func() ([]string, error) {
		var out []string
		for _, dir := range []string{".", "logs"} {
			entries, err := ev.List(dir)
			if err != nil {
				return nil, err
			}
			for _, e := range entries {
				if !e.Dir && looksLikeLog(e.Name) {
					out = append(out, path.Join(dir, e.Name))
				}
			}
		}
		out = ev.byChange(out)
		return out[:min(len(out), maxOtherLogs)], nil
	}
	return ours, strangers
}

// looksLikeLog says whether a file of that name may be the output of a program.
func looksLikeLog(name string) bool {
	switch ext := path.Ext(name); ext {
	case ".log", ".out", ".err":
		return true
	case ".txt":
		return strings.Contains(strings.ToLower(name), "log") || strings.HasPrefix(name, "std")
	}
	return false
}

// byChange sorts paths by when they changed last, the latest first.
func (ev *Evidence) byChange(rels []string) []string {
	slices.SortStableFunc(rels, func(a, b string) int {
		x, _ := ev.Look(a)
		y, _ := ev.Look(b)
		return cmp.Or(cmp.Compare(y.MTime, x.MTime), cmp.Compare(b, a))
	})
	return rels
}

// Glob returns the paths below the work dir that match a pattern of path.Match, segment by segment, in order. The
// directories that were listed are witnesses, so that what appears later is noticed.
func (ev *Evidence) Glob(pattern string) ([]string, error) {
	found := []string{"."}
	segments := strings.Split(path.Clean(pattern), "/")
	for i, seg := range segments {
		last := i == len(segments)-1
		var below []string
		for _, dir := range found {
			entries, err := ev.List(dir)
			if err != nil {
				return nil, err
			}
			for _, e := range entries {
				if ok, err := path.Match(seg, e.Name); err == nil && ok && (last || e.Dir) {
					below = append(below, path.Join(dir, e.Name))
				}
			}
		}
		found = below
	}
	return found, nil
}
