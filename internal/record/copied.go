package record

import (
	"errors"
	"io/fs"
	"slices"

	"runsheet"
	"runsheet/internal/proc"
)

// Likeness says what two paths lead to.
type Likeness int

// The answers. Where nobody can tell, two mounts may show one file, or two.
const (
	Unclear Likeness = iota
	OneFile
	TwoFiles
)

// Origin is what the records of an attempt are.
type Origin int

// The origins.
const (
	Original Origin = iota // where the attempt works, by whatever path
	Copied                 // copies: whatever lives of the attempt works elsewhere
	Doubtful               // the same records may be seen through another mount, whose locks say nothing here
)

// OriginOf says whether the records of an attempt are copies. That is asked where they lie outside the work dir that the claim
// names: those in there may be the originals, or the very same files. A directory that was moved is no copy, and neither is
// one that is reached by another path.
//
// Files are told apart by their numbers, and only on file systems that are known to keep them: through two mounts of FUSE one
// file has two, and each mount has locks of its own, so that a free byte proves nothing there. Such records are Doubtful, until
// the attempt has an end where it began.
//
// It returns an error where it cannot be told. For a work dir that is where it was, nothing is looked at.
func OriginOf(sys System, attemptDir string, c runsheet.Claim, s *runsheet.Start) (Origin, error) {
	first := AttemptDir(c.WorkDir, c.Attempt)
	if first == attemptDir {
		return Original, nil
	}
	theirs, err := readRecord(sys, "copied", ClaimPath(first), DecodeClaim)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		if s != nil && !s.Void && sys.Procs.Check(s.Process) == proc.Alive {
			return Doubtful, nil // it would hold the byte here, if this were its directory under another name
		}
		return Original, nil
	}
	if err != nil {
		return Doubtful, err
	}
	if theirs.Nonce != c.Nonce {
		return Original, nil
	}
	like, err := sys.FS.Like("copied", ClaimPath(first), ClaimPath(attemptDir))
	switch {
	case err != nil:
		return Doubtful, err
	case like == OneFile:
		return Original, nil
	case like == TwoFiles:
		return Copied, nil
	}
	names, err := sys.FS.List("copied", first)
	if err != nil {
		return Doubtful, err
	}
	if slices.Contains(names, endName) {
		return Copied, nil // or the same, of which nothing lives either: its end stands here as well then
	}
	return Doubtful, nil
}

// Doubt says why nobody can tell whether an attempt lives whose records are Doubtful.
func Doubt(c runsheet.Claim) string {
	return "these may be the records in " + c.WorkDir + ", seen through another mount, whose locks do not show here"
}
