package check

import (
	"path/filepath"

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
		case path == record.SetupLogPath(dir), path == record.LauncherLogPath(dir):
			c.file(f, path, uid)
		case !isTemp(name):
			c.strange(f, path)
		case !held:
			c.leftover(f, path)
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
}

// journal compares a journal with the records. It is read before them: whatever it tells of had been written by then.
func (c *checker) journal(f *findings, path string) {
	events, err := journal.Read(c.disk, path)
	if err != nil {
		do := durable.Hint(err)
		if do == "" {
			do = "restore access to it"
		}
		f.broken(path, do, "%v", err)
		return // what follows the damage is not known, so nothing can be held against the records
	}
	for _, a := range collect(f, path, events) {
		c.compare(f, path, a)
	}
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
			if bySlot[where] != nil {
				f.broken(path, "look at both logs of that run, and doubt its results if both ran",
					"attempt %d of %s was claimed twice, with different nonces", e.Attempt, e.Run)
			}
			if before := last[e.WorkDir]; before != nil {
				before.later = true
			}
			all = append(all, a)
			byNonce[e.Nonce], bySlot[where], last[e.WorkDir] = a, a, a
		case journal.Ended:
			if a := byNonce[e.Nonce]; a != nil && a.end == nil {
				a.end = &e
			}
		}
	}
	return all
}

// compare holds the records of an attempt against what the journal says of it.
func (c *checker) compare(f *findings, path string, a *journaled) {
	e := a.claim
	dir := record.AttemptDir(e.WorkDir, e.Attempt)
	v, err := record.LookAt(c.sys, e.WorkDir, e.Attempt)
	if err != nil {
		return // told where the run is looked at
	}
	recorded := v.Claim != nil && v.Claim.Nonce == e.Nonce
	switch {
	case recorded && a.end == nil && v.End != nil && a.later:
		f.note(path, "nothing needs to be done", "the end of attempt %d of %s is missing, though it has one and a later attempt is claimed", e.Attempt, e.Run)
	case recorded && a.end != nil && v.End == nil:
		f.broken(dir, "an acknowledged end was lost: restore it from a backup; if nothing of the attempt lives, `runsheet run` records a new one",
			"the journal tells of its end (%s), and there is no record of that", a.end.End)
	case recorded && a.end != nil && v.End.Kind != a.end.End:
		f.broken(record.EndPath(dir), damagedRecord, "it says %q, and the journal says %q", v.End.Kind, a.end.End)
	case !recorded && a.end == nil && v.Claim != nil:
		f.broken(dir, "`runsheet run` looks for what is left of the attempt, and goes on once it is gone",
			"the journal tells of attempt %d with another nonce and without an end: it may still live", e.Attempt)
	case !recorded && a.end == nil:
		f.broken(dir, "`runsheet run` looks for what is left of the attempt, and goes on once it is gone",
			"the records of attempt %d of %s are gone, and the journal has no end of it: it may still live", e.Attempt, e.Run)
	}
}
