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

// Look reads the newest request and the records of the last attempt, or of the one below it that lives although the last
// one was called off before it began. It changes nothing. A work dir without records is no
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
	for i, n := range slices.Backward(numbers) {
		ok, err := v.read(sys, workDir, n)
		if err != nil {
			return v, err
		}
		if !ok {
			continue
		}
		if v.End != nil && !v.began() {
			// Given up before it began. Where numbers were skipped, one below it may live all the same: see Claim.
			live, err := liveBelow(sys, workDir, numbers[:i])
			if err != nil {
				return v, err
			}
			if live.Claim != nil {
				live.Request = v.Request
				return live, nil
			}
		}
		return v, nil
	}
	return v, nil
}

// began says whether a supervisor let the attempt begin.
func (v View) began() bool { return v.Start != nil && !v.Start.Void }

// liveBelow returns the highest of the given attempts that was claimed and has no end; the zero view where there is
// none. It goes no further down than to the last one that began: at that time nothing below it lived, and what is
// claimed below it later is superseded.
func liveBelow(sys System, workDir string, numbers []int) (View, error) {
	for _, n := range slices.Backward(numbers) {
		v, err := LookAt(sys, workDir, n)
		if err != nil || v.Claim != nil && v.End == nil {
			return v, err
		}
		if v.began() {
			break
		}
	}
	return View{}, nil
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
		if v.Start.Nonce != claim.Nonce {
			return true, foreign(StartPath(dir), v.Start.Nonce)
		}
	}
	if slices.Contains(names, endName) {
		if v.End, err = readRecord(sys, "look", EndPath(dir), DecodeEnd); err != nil {
			return true, err
		}
		if v.End.Nonce != claim.Nonce {
			return true, foreign(EndPath(dir), v.End.Nonce)
		}
	}
	return true, nil
}

// foreign is the error for a record that is not of the attempt that was claimed there.
func foreign(path, nonce string) error {
	return fmt.Errorf("%s: %w: it is of another attempt, %.32q", path, ErrDamaged, nonce)
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
