package record

import (
	"path/filepath"

	"runsheet"
)

// Foreign returns the claim of an attempt in the work dir of a run where it is another sheet's, made by another command,
// and nil where it is not: two sheets have chosen one place. A sheet that was changed, renamed or removed is no other
// one. In a project that was moved or copied with its work dirs, the sheet that the claim means is the one that lies
// there as it lay where the claim was written; what is returned names that one.
func Foreign(sys System, run runsheet.Run, c *runsheet.Claim) *runsheet.Claim {
	if c == nil || run.Sheet == "" || c.Sheet == run.Sheet || c.Identity == run.Command {
		return nil
	}
	theirs := c.Sheet
	if rel, err := filepath.Rel(c.WorkDir, c.Sheet); err == nil {
		theirs = filepath.Join(run.WorkDir, rel)
	}
	if !Another(sys, run.Sheet, theirs) {
		return nil
	}
	there := *c
	there.Sheet = theirs
	return &there
}

// Another says whether two paths are of two files that are both there.
func Another(sys System, a, b string) bool {
	if a == b {
		return false
	}
	x, aerr := numberOf(sys, a)
	y, berr := numberOf(sys, b)
	return aerr == nil && berr == nil && x != y
}

func numberOf(sys System, path string) (uint64, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return 0, err
	}
	return sys.FS.Number("foreign", path)
}
