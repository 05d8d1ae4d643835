package record

import (
	"bytes"
	"path/filepath"

	"runsheet"
)

// Foreign returns the claim of the last attempt in the work dir of a run, if that attempt was another sheet's and ran another
// command: the two sheets have chosen one place. Otherwise it returns nil. A sheet that was changed, renamed or removed is no
// other sheet. In a project that was moved or copied, the claim's sheet is looked for at the same place relative to the work
// dir, and the claim that is returned names it there.
func Foreign(sys System, run runsheet.Run, c *runsheet.Claim) *runsheet.Claim {
	if c == nil || run.Sheet == "" || c.Sheet == run.Sheet || c.MadeBy(run) {
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

// Another says whether two paths are of two files that are both there, for certain.
func Another(sys System, a, b string) bool {
	if a == b {
		return false
	}
	x, aerr := filepath.EvalSymlinks(a)
	y, berr := filepath.EvalSymlinks(b)
	if aerr != nil || berr != nil {
		return false
	}
	switch like, err := sys.FS.Like("foreign", x, y); {
	case err != nil:
		return false
	case like != Unclear:
		return like == TwoFiles
	}
	one, aerr := sys.FS.Read("foreign", x) // on a network, what they say tells
	other, berr := sys.FS.Read("foreign", y)
	return aerr == nil && berr == nil && !bytes.Equal(one, other)
}
