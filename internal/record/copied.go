package record

import (
	"errors"
	"io/fs"

	"runsheet"
)

// Copied says whether the records of an attempt are copies: those that they were made from are still in the work dir that
// the claim names, and whatever lives of the attempt works there. A directory that was moved is no copy, and neither is
// one that is reached by another path: the number of a file is the same by every path and mount.
//
// It returns an error where it cannot be told. For a work dir that is where it was, nothing is looked at.
func Copied(sys System, attemptDir string, c runsheet.Claim) (bool, error) {
	first := AttemptDir(c.WorkDir, c.Attempt)
	if first == attemptDir {
		return false, nil
	}
	theirs, err := readRecord(sys, "copied", ClaimPath(first), DecodeClaim)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return false, nil
	}
	if err != nil || theirs.Nonce != c.Nonce {
		return false, err
	}
	a, err := sys.FS.Number("copied", ClaimPath(first))
	if err != nil {
		return false, err
	}
	b, err := sys.FS.Number("copied", ClaimPath(attemptDir))
	return err == nil && a != b, err
}
