package check

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
	"runsheet/internal/shell"
)

// setAside ends the name of an attempt's directory that a person has put away: nobody reads it any more, and its number
// is not missed.
const setAside = ".aside"

const (
	// restore is what to do where a record is lost.
	restore = "restore it from a backup; without one, and once nothing of the run lives, put " + setAside + " behind the name of the attempt's directory"
	// damagedRecord is what to do about a record that was changed after it was written.
	damagedRecord = "somebody changed it: " + restore
)

// askAgain is what to do where a request is lost.
func askAgain(workDir string) string {
	return "restore it from a backup, or move it away and " + asking(workDir)
}

// asking says how a person asks something of a run.
func asking(workDir string) string {
	run := shell.Argument(workDir)
	return "ask again, by `runsheet stop " + run + "` or `runsheet retry " + run + "`"
}

// attempt is what one look saw of one attempt.
type attempt struct {
	n     int
	dir   string
	claim *runsheet.Claim
	start *runsheet.Start
	end   *runsheet.End
	ended time.Time // when the end was written, by the file system

	// A record may be there without being readable.
	hasClaim, hasStart, hasEnd bool
}

// begun says whether a command may have run.
func (a *attempt) begun() bool { return a.hasStart && (a.start == nil || !a.start.Void) }

// attempt looks at attempt n; those above it were looked at before.
func (h *history) attempt(n int) {
	a := &attempt{n: n, dir: record.AttemptDir(h.workDir, n)}
	if _, ok := h.c.directory(h.f, a.dir, h.uid); !ok {
		return
	}
	h.readEnd(a)
	a.start, _, a.hasStart = look(h.c, h.f, record.StartPath(a.dir), h.uid, record.DecodeStart)
	a.claim, _, a.hasClaim = look(h.c, h.f, record.ClaimPath(a.dir), h.uid, record.DecodeClaim)
	h.order(a)
	if a.claim != nil {
		h.identity(a)
	}
	if a.start != nil {
		h.wellStarted(a)
	}
	if a.hasClaim && !a.hasEnd {
		h.unended(a) // may find an end that was written meanwhile
	}
	if a.hasEnd {
		h.overAndDone(a)
	}
	if a.end != nil {
		h.wellEnded(a)
	}
	h.otherFiles(a)
	if a.hasClaim {
		h.claimed, h.next = true, a.n
		if a.begun() {
			h.begun = a.n
		}
	}
}

func (h *history) readEnd(a *attempt) {
	var info fs.FileInfo
	if a.end, info, a.hasEnd = look(h.c, h.f, record.EndPath(a.dir), h.uid, record.DecodeEnd); info != nil {
		a.ended = info.ModTime()
	}
}

// order says which record lacks the one that goes before it.
func (h *history) order(a *attempt) {
	const do = "it was deleted: " + restore
	switch {
	case a.hasEnd && !a.hasClaim:
		h.f.broken(record.ClaimPath(a.dir), do, "missing, though the attempt has an end")
	case a.hasStart && !a.hasClaim:
		h.f.broken(record.ClaimPath(a.dir), do, "missing, though the attempt has a start")
	case a.hasEnd && !a.hasStart:
		h.f.broken(record.StartPath(a.dir), do, "missing, though the attempt has an end")
	}
}

var nonceForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

// identity compares what the claim says of itself with where it lies, and the other records with the claim.
func (h *history) identity(a *attempt) {
	path := record.ClaimPath(a.dir)
	if a.claim.Attempt != a.n {
		h.f.broken(path, damagedRecord, "it claims attempt %d, not %d", a.claim.Attempt, a.n)
	}
	if !nonceForm.MatchString(a.claim.Nonce) {
		h.f.broken(path, damagedRecord, "its nonce is not 32 hex digits: %q", a.claim.Nonce)
	} else if other, taken := h.nonces[a.claim.Nonce]; taken {
		h.f.broken(path, "one of the two is a copy: move it away", "attempts %d and %d have the same nonce", a.n, other)
	}
	h.nonces[a.claim.Nonce] = a.n
	for _, wrong := range wrongProcess(a.claim.By) {
		h.f.broken(path, damagedRecord, "who wrote it is missing: %s", wrong)
	}
	if a.start != nil && a.start.Nonce != a.claim.Nonce {
		h.f.broken(record.StartPath(a.dir), damagedRecord, "its nonce is not the claim's: it is of another attempt")
	}
	if a.end != nil && a.end.Nonce != a.claim.Nonce {
		h.f.broken(record.EndPath(a.dir), damagedRecord, "its nonce is not the claim's: it is of another attempt")
	}
	if a.claim.Request > h.newest {
		h.newest, h.by = a.claim.Request, a.n
	}
	other, known := h.c.workDirs[a.claim.WorkDir]
	if known && a.claim.WorkDir != h.workDir && !h.sameFile(a.claim.WorkDir, h.workDir) {
		h.f.broken(record.Dir(h.workDir), "put it back, or move it away", "its records are those of %s, another run of this sheet", other)
		return
	}
	// A path may lead here by another name; only a claim that leads elsewhere tells of a move.
	if claimed := record.AttemptDir(a.claim.WorkDir, a.claim.Attempt); claimed != a.dir && a.claim.Attempt == a.n && !h.sameFile(claimed, a.dir) {
		h.f.note(path, "nothing needs to be done unless it is a copy by mistake", "it was claimed for %s: the work dir was moved or copied", a.claim.WorkDir)
	}
}

// sameFile says whether two paths lead to one directory.
func (h *history) sameFile(a, b string) bool {
	stat := func(path string) fs.FileInfo {
		f, err := h.c.disk.Open(label, path, unix.O_PATH|unix.O_DIRECTORY, 0)
		if err != nil {
			return nil
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return nil
		}
		return info
	}
	one, two := stat(a), stat(b)
	return one != nil && two != nil && os.SameFile(one, two)
}

// unended judges an attempt without an end: it lives, or nobody has recorded yet that it is over. Or a later one was
// claimed although this one has no end, which is the rule that everything rests on.
func (h *history) unended(a *attempt) {
	var lives runsheet.Liveness
	var why string
	if a.claim != nil {
		lives, why = record.Probe(h.c.sys, a.dir, *a.claim, a.start)
		if lives != runsheet.LivenessAlive {
			// Its end may have been written since the records were read.
			if h.readEnd(a); a.hasEnd {
				return
			}
		}
	}
	h.lives = h.lives || lives != runsheet.LivenessGone
	if h.claimed {
		h.overtaken(a, lives)
		return
	}
	if a.claim != nil && a.claim.Batch != "" && lives != runsheet.LivenessOrphan {
		h.lives = true // whether its job waits, runs or is over is the scheduler's to say: `runsheet status` asks it
		return
	}
	const next = "nothing needs to be done: the next `runsheet run` records its end"
	switch lives {
	case runsheet.LivenessOrphan:
		h.f.note(a.dir, "`runsheet run` ends what is left and resumes the run", "its supervisor is gone without an end, processes of its command are not")
	case runsheet.LivenessUnknown:
		h.f.note(a.dir, "where it ran, `runsheet status` can tell; `runsheet retry --force "+shell.Argument(h.workDir)+"` lets go of it", "it has no end, and: %s", why)
	case runsheet.LivenessGone:
		switch {
		case a.begun():
			h.f.note(a.dir, next, "lost: its supervisor was killed before it could record the end")
		case h.young(a): // its supervisor is about to show itself, or its end about to be written
			h.lives = true
		case a.hasStart:
			h.f.note(a.dir, next, "it was called off before it began, and has no end yet")
		default:
			h.f.note(a.dir, next, "it was claimed and never began")
		}
	}
}

// young says whether the newest record of an attempt is so new that another may follow.
func (h *history) young(a *attempt) bool {
	at := a.claim.At
	if a.start != nil && a.start.At.After(at) {
		at = a.start.At
	}
	return h.c.sys.Clock.Now().Sub(at) < runsheet.StartGrace
}

// overtaken judges an attempt without an end that a later one was claimed after.
func (h *history) overtaken(a *attempt, lives runsheet.Liveness) {
	switch {
	case h.next != a.n+1 && (h.begun == 0 || !a.begun()):
		// Two launchers that did not know of each other, one of which counted on from its journal, may both claim;
		// then each sees the other, and at most one of the two begins.
		h.f.note(a.dir, "nothing needs to be done", "attempt %d was claimed beside it, and at most one of them began", h.next)
	case lives == runsheet.LivenessAlive, lives == runsheet.LivenessOrphan:
		h.f.broken(a.dir, "two attempts may be writing into this work dir: end this one by hand, and doubt its results",
			"attempt %d was claimed although this one has no end and still lives", h.next)
	default:
		h.f.broken(a.dir, "restore its end from a backup; without one, and once nothing of it lives, put "+setAside+" behind the name of its directory",
			"attempt %d was claimed although this one has no end", h.next)
	}
}

// wellStarted looks at the start by itself.
func (h *history) wellStarted(a *attempt) {
	path := record.StartPath(a.dir)
	for _, wrong := range wrongProcess(a.start.Process) {
		h.f.broken(path, damagedRecord, "its supervisor is missing: %s", wrong)
	}
	if a.start.Void && a.start.ProcessGroup != 0 {
		h.f.broken(path, damagedRecord, "it is void, and yet names the process group %d", a.start.ProcessGroup)
	}
	if a.start.ProcessGroup < 0 {
		h.f.broken(path, damagedRecord, "its process group is %d", a.start.ProcessGroup)
	}
	if !a.start.Void {
		h.alive(a)
	}
}

// alive makes sure that the lock file of an attempt that someone owned is there.
func (h *history) alive(a *attempt) {
	path := record.AlivePath(a.dir)
	if _, err := h.c.disk.Lstat(label, path); absent(err) {
		h.f.broken(path, "do not make a new one: if the attempt lives, its supervisor ends it by itself", "the lock file is missing; it is never unlinked")
	}
}

// fenceTime is how long a supervisor may take to notice that somebody else wrote its end, and to end what is left, the
// command's grace aside.
const fenceTime = 30 * time.Second

// overAndDone makes sure that nothing holds on to an attempt with an end.
func (h *history) overAndDone(a *attempt) {
	if !a.begun() {
		h.alive(a) // whoever gave it up took it first
	}
	lock, err := durable.OpenLockToProbe(h.c.disk, label, record.AlivePath(a.dir))
	if err != nil {
		if !absent(err) && !errors.Is(err, durable.ErrNotRegular) { // these are told elsewhere
			h.f.broken(record.AlivePath(a.dir), "restore access to it", "cannot be opened: %v", err)
		}
		return
	}
	defer lock.Close()
	for b, who := range map[int64]string{record.SupervisorByte: "its supervisor", record.CommandByte: "a process of its command"} {
		held, err := lock.Held(b)
		if err != nil {
			h.f.broken(record.AlivePath(a.dir), "`runsheet check` says what locks can do on this file system", "cannot be asked for its locks: %v", err)
			return
		}
		if !held {
			continue
		}
		h.lives = true
		// The lock is let go after the end was written, and a fenced supervisor has to notice first.
		grace := fenceTime
		if a.claim != nil {
			grace += a.claim.StopGrace
		}
		if h.c.sys.Clock.Now().Sub(a.ended) > grace {
			h.f.broken(record.AlivePath(a.dir), "find the process (`lsof` on this file) and end it: its run may have been started again",
				"the attempt has an end, and %s still lives", who)
		}
	}
}

// otherFiles looks at what else lies in the directory of an attempt.
func (h *history) otherFiles(a *attempt) {
	known := map[string]bool{}
	for _, p := range []string{record.ClaimPath(a.dir), record.StartPath(a.dir), record.EndPath(a.dir), record.ReportedPath(a.dir), record.MeasuredPath(a.dir)} {
		known[p] = true // looked at already, or the command's own
	}
	ours := map[string]bool{record.AlivePath(a.dir): true, record.LogPath(a.dir): true, record.SuperviseLogPath(a.dir): true}
	for _, name := range h.c.names(h.f, a.dir) {
		switch path := filepath.Join(a.dir, name); {
		case known[path]:
		case ours[path]:
			h.c.file(h.f, path, h.uid)
		case path == record.EvidenceDir(a.dir):
			h.c.directory(h.f, path, h.uid)
		case isTemp(name):
			h.temp = append(h.temp, path)
		default:
			h.c.strange(h.f, path)
		}
	}
}

// self returns who our directories must belong to.
func (c *checker) self() int { return os.Geteuid() }
