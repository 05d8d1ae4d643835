package check

import (
	"errors"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/journal"
	"runsheet/internal/record"
)

// state looks at the directory beside a sheet that holds its journal and its launcher's lock.
func (c *checker) state(f *findings, dir string) {
	uid, ok := c.directory(f, filepath.Dir(dir), c.self())
	if !ok {
		return
	}
	if _, ok = c.directory(f, dir, uid); !ok {
		return
	}
	held := false
	for _, name := range c.names(f, dir) {
		switch path := filepath.Join(dir, name); {
		case path == record.JournalPath(dir):
			if _, ok := c.file(f, path, uid); ok {
				c.journal(f, path)
			}
		case path == record.LauncherLockPath(dir):
			if _, ok := c.file(f, path, uid); ok {
				held = c.launcher(f, dir, path)
			}
		case path == filepath.Dir(record.BatchPath(dir, "")), path == filepath.Dir(record.BinaryPath(dir, "")):
			c.jobs(f, path, uid)
		case path == record.SetupLogPath(dir), path == record.LauncherLogPath(dir):
			c.file(f, path, uid)
		case !isTemp(name):
			c.strange(f, path)
		case !held:
			c.leftover(f, path)
		}
	}
}

// jobs looks at a directory of what the jobs of a scheduler need.
func (c *checker) jobs(f *findings, dir string, uid int) {
	if _, ok := c.directory(f, dir, uid); !ok {
		return
	}
	for _, name := range c.names(f, dir) {
		if path := filepath.Join(dir, name); isTemp(name) {
			c.leftover(f, path)
		} else {
			c.file(f, path, uid)
		}
	}
}

// launcher makes sure that whoever holds the sheet can be named.
func (c *checker) launcher(f *findings, dir, path string) (held bool) {
	held, err := record.LauncherHeld(c.disk, dir)
	if err != nil && !absent(err) {
		f.broken(path, "restore access to it", "cannot be asked whether a launcher holds the sheet: %v", err)
	}
	if held && record.Holder(c.disk, c.sys.Procs, dir) == (runsheet.Process{}) {
		f.broken(path, "find the launcher (`lsof` on this file); it writes its name anew when it is started again",
			"a launcher holds the sheet, and its lock does not name it")
	}
	return held
}

// journaled is an attempt as the journal tells of it.
type journaled struct {
	claim journal.Event
	end   *journal.Event
	later bool // a later claim for the same work dir follows
	twice bool // another claim of the same number is told of
}

// journal compares a journal with the records. It is read before them: whatever it tells of had been written by then.
func (c *checker) journal(f *findings, path string) {
	events, err := journal.Read(c.disk, path)
	if err != nil {
		do := durable.Hint(err)
		switch {
		case errors.Is(err, durable.ErrTooLarge):
			do = "move it away: the records in the work dirs still hold"
		case do == "":
			do = "restore access to it"
		}
		f.broken(path, do, "%v", err)
		return // what follows the damage is not known, so nothing can be held against the records
	}
	if line := c.unsealed(path); line != nil {
		f.note(path, "the next `runsheet run` seals it", "its last line is no event, but %.40q: a crash left it, or somebody wrote into it", line)
	}
	strange := map[journal.Kind]bool{}
	for _, e := range events {
		if !e.Kind.Known() && !strange[e.Kind] {
			strange[e.Kind] = true
			f.note(path, "a later version of runsheet wrote it, or somebody changed the journal", "an event that this version does not know: %.40q", e.Kind)
		}
	}
	missing := map[string][]*journaled{} // by work dir
	for _, a := range collect(f, path, events) {
		if c.compare(f, path, a) {
			missing[a.claim.WorkDir] = append(missing[a.claim.WorkDir], a)
		}
	}
	c.missing(f, path, missing)
}

// unsealed returns the last complete line of a journal where it is no event.
func (c *checker) unsealed(path string) []byte {
	file, err := durable.OpenRegular(c.disk, label, path)
	if err != nil {
		return nil
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil
	}
	const most = 64 << 10 // the longest line that is written is far shorter
	tail := make([]byte, min(info.Size(), most))
	if _, err := file.ReadAt(tail, info.Size()-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return nil
	}
	return journal.Unsealed(tail)
}

// collect returns the attempts that a journal tells of, in the order of their claims.
func collect(f *findings, path string, events []journal.Event) []*journaled {
	type slot struct {
		workDir string
		attempt int
	}
	var all []*journaled
	byNonce := map[string]*journaled{}
	bySlot := map[slot]*journaled{}
	last := map[string]*journaled{} // by work dir
	for _, e := range events {
		switch e.Kind {
		case journal.Claimed:
			if e.Nonce == "" || e.WorkDir == "" || e.Attempt < 1 {
				f.broken(path, "somebody changed the journal: restore it from a backup", "the claim of %s at %s names no attempt", e.Run, e.At)
				continue
			}
			if byNonce[e.Nonce] != nil {
				continue // a launcher that came later repeats what it found
			}
			a := &journaled{claim: e}
			where := slot{e.WorkDir, e.Attempt}
			if other := bySlot[where]; other != nil {
				a.twice, other.twice = true, true
				f.broken(path, "look at both logs of that run, and doubt its results if both ran",
					"attempt %d of %s was claimed twice, with different nonces", e.Attempt, e.Run)
			}
			if before := last[e.WorkDir]; before != nil {
				before.later = true
			}
			all = append(all, a)
			byNonce[e.Nonce], bySlot[where], last[e.WorkDir] = a, a, a
		case journal.Ended:
			a := byNonce[e.Nonce]
			if a == nil {
				f.note(path, "somebody changed the journal, or took a part of it away", "it tells of the end of attempt %d of %s, and of no such claim", e.Attempt, e.Run)
			} else if a.end == nil {
				a.end = &e
				if e.WorkDir != "" {
					a.claim.WorkDir = e.WorkDir // where it was found to be over: the project was moved there, or copied
				}
			}
		}
	}
	return all
}

// compare holds the records of an attempt against what the journal says of it. It says whether there are none, although
// it ended.
func (c *checker) compare(f *findings, path string, a *journaled) (missing bool) {
	e := a.claim
	dir := record.AttemptDir(e.WorkDir, e.Attempt)
	if !answers(e.WorkDir) {
		return false // told where its run is looked at
	}
	v, err := record.LookAt(c.sys, e.WorkDir, e.Attempt)
	if err != nil || c.told(e.WorkDir, dir, v) {
		return false
	}
	recorded := v.Claim != nil && v.Claim.Nonce == e.Nonce
	switch {
	case recorded && a.end == nil && v.End != nil && a.later:
		f.note(path, "nothing needs to be done", "the end of attempt %d of %s is missing, though it has one and a later attempt is claimed", e.Attempt, e.Run)
	case recorded && a.end != nil && v.End == nil:
		if next, err := record.LookAt(c.sys, e.WorkDir, e.Attempt+1); err == nil && next.Claim != nil && c.workDirs[e.WorkDir] != "" {
			return false // told where the run is looked at: the next one was claimed without an end of this one
		}
		f.broken(dir, "an acknowledged end was lost: "+restore,
			"the journal tells of its end (%s), and there is no record of that", a.end.End)
	case recorded && a.end != nil && v.End.Kind != a.end.End && len(wrongEnd(*v.End)) == 0:
		f.broken(record.EndPath(dir), damagedRecord, "it says %q, and the journal says %q", v.End.Kind, a.end.End)
	case !recorded && a.end == nil && v.Claim != nil:
		f.broken(dir, "`runsheet run` looks for what is left of the attempt, and goes on once it is gone",
			"the journal tells of attempt %d with another nonce and without an end: it may still live", e.Attempt)
	case !recorded && a.end == nil:
		f.broken(dir, "`runsheet run` looks for what is left of the attempt, and goes on once it is gone",
			"the records of attempt %d of %s are gone, and the journal has no end of it: it may still live", e.Attempt, e.Run)
	case !recorded && v.Claim != nil && !a.twice && c.sameDir(a):
		f.broken(dir, damagedRecord, "the journal tells of attempt %d with another nonce", e.Attempt)
	case !recorded && v.Claim == nil:
		return a.end.End != runsheet.EndLost // its records may have been gone by then already
	}
	return false
}

// told says whether what is wrong with the claim of an attempt is told where its run is looked at: it is gone, and what
// follows it is not, or it is another run's.
func (c *checker) told(workDir, dir string, v record.View) bool {
	if c.workDirs[workDir] == "" {
		return false
	}
	if v.Claim != nil {
		return v.Claim.WorkDir != workDir && c.workDirs[v.Claim.WorkDir] != ""
	}
	for _, path := range []string{record.StartPath(dir), record.EndPath(dir)} {
		if _, err := c.disk.Lstat(label, path); err == nil {
			return true
		}
	}
	return false
}

// sameDir says whether our directory in the work dir of an attempt is still the one that it was claimed in. Who deletes
// that is understood: what is deleted is forgotten.
func (c *checker) sameDir(a *journaled) bool {
	born, ok := durable.Born(record.Dir(a.claim.WorkDir))
	return ok && !born.After(a.claim.At)
}

// missing tells of attempts that were acknowledged, and whose records are gone.
func (c *checker) missing(f *findings, path string, all map[string][]*journaled) {
	deleted, runs := 0, 0
	for _, workDir := range slices.Sorted(maps.Keys(all)) {
		var lost []string
		before := deleted
		for _, a := range all[workDir] {
			aside := record.AttemptDir(workDir, a.claim.Attempt) + setAside
			if _, err := c.disk.Lstat(label, aside); err == nil {
				continue // noted where the run is looked at
			}
			if c.sameDir(a) {
				lost = append(lost, filepath.Base(record.AttemptDir(workDir, a.claim.Attempt)))
			} else {
				deleted++
			}
		}
		if deleted > before {
			runs++
		}
		if len(lost) > 0 {
			dir := record.AttemptsDir(workDir)
			f.broken(dir, "restore it from a backup; without one `mkdir "+filepath.Join(dir, lost[0]+setAside)+"` says that it is gone for good",
				"acknowledged and gone: %s of %s", strings.Join(lost, ", "), all[workDir][0].claim.Run)
		}
	}
	if deleted > 0 {
		f.note(path, "nothing needs to be done: those runs begin anew, and the numbers of their attempts go on", "it tells of attempts whose .runsheet was deleted, replaced or moved (attempts: %d, work dirs: %d)", deleted, runs)
	}
}
