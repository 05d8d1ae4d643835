package record

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"runsheet"
)

// View is what the records of a work dir say at one moment. Its zero value is a work dir without records.
type View struct {
	Attempt int // the last one that was claimed; 0: none
	Claim   *runsheet.Claim
	Start   *runsheet.Start
	End     *runsheet.End
	Request *runsheet.Request // the newest; nil: none
}

// Look reads the newest request and the last attempt's records. It changes nothing. A work dir without records is no
// error; a record that cannot be read is one, and names the file.
func Look(sys System, workDir string) (View, error) {
	var v View
	err := sys.FS.Private("look", Dir(workDir), false)
	if errors.Is(err, fs.ErrNotExist) {
		return v, nil
	}
	if err != nil {
		return v, err
	}
	// The request before the claim: a stop is held against the attempts that did not know it, so it must not be newer
	// than they are.
	if v.Request, err = newestRequest(sys, workDir); err != nil {
		return v, err
	}
	numbers, err := attempts(sys, workDir)
	if err != nil {
		return v, err
	}
	for _, n := range slices.Backward(numbers) {
		ok, err := v.read(sys, workDir, n)
		if ok || err != nil {
			return v, err
		}
	}
	return v, nil
}

// LookAt reads the records of one attempt; the view is empty where it was never claimed.
func LookAt(sys System, workDir string, attempt int) (View, error) {
	var v View
	_, err := v.read(sys, workDir, attempt)
	return v, err
}

// read fills in attempt n and says whether it was claimed.
func (v *View) read(sys System, workDir string, n int) (bool, error) {
	dir := AttemptDir(workDir, n)
	names, err := sys.FS.List("look", dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !slices.Contains(names, claimName) {
		return false, nil // its claimer died, or is about to write it
	}
	claim, err := readRecord(sys, "look", ClaimPath(dir), DecodeClaim)
	if err != nil {
		return false, err
	}
	if claim.Attempt != n {
		return false, fmt.Errorf("%s: %w: it claims attempt %d", ClaimPath(dir), ErrDamaged, claim.Attempt)
	}
	v.Attempt, v.Claim = n, claim
	if slices.Contains(names, startName) {
		if v.Start, err = readRecord(sys, "look", StartPath(dir), DecodeStart); err != nil {
			return true, err
		}
	}
	if slices.Contains(names, endName) {
		if v.End, err = readRecord(sys, "look", EndPath(dir), DecodeEnd); err != nil {
			return true, err
		}
	}
	return true, nil
}

// attempts lists the numbers of the attempt directories, ascending.
func attempts(sys System, workDir string) ([]int, error) {
	return numbers(sys, AttemptsDir(workDir), "")
}

// Attempts lists the numbers of the attempts of a work dir, ascending, also of those that were never claimed.
func Attempts(sys System, workDir string) ([]int, error) { return attempts(sys, workDir) }

func numbers(sys System, dir, suffix string) ([]int, error) {
	names, err := sys.FS.List("look", dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []int
	for _, name := range names {
		if len(name) <= len(suffix) || name[len(name)-len(suffix):] != suffix {
			continue
		}
		if n, ok := parseNumber(name[:len(name)-len(suffix)]); ok {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out, nil
}
