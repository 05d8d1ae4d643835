package record

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"runsheet"
)

// DirName is the name of our directory in a work dir, and beside a sheet.
const DirName = ".runsheet"

// The names of the records.
const (
	claimName   = "claim.json"
	startName   = "start.json"
	endName     = "end.json"
	aliveName   = "alive"
	logName     = "run.log"
	attemptsDir = "attempts"
	requestsDir = "requests"
)

// The bytes of `alive`.
const (
	// SupervisorByte is held by the supervisor, close-on-exec, until the end is durable.
	SupervisorByte = 0
	// CommandByte is held by the command and by whatever inherits its descriptors.
	CommandByte = 1
)

// Dir returns our directory in a work dir.
func Dir(workDir string) string { return filepath.Join(workDir, DirName) }

// ProgressPath returns the cache of the progress of a work dir.
func ProgressPath(workDir string) string { return filepath.Join(workDir, DirName, "progress.json") }

// ProgressLockPath returns the lock of that cache; it is never replaced.
func ProgressLockPath(workDir string) string {
	return filepath.Join(workDir, DirName, "progress.lock")
}

// AttemptsDir returns the directory that holds the attempts of a work dir.
func AttemptsDir(workDir string) string { return filepath.Join(workDir, DirName, attemptsDir) }

// AttemptDir returns the directory of attempt n, n >= 1.
func AttemptDir(workDir string, n int) string {
	return filepath.Join(AttemptsDir(workDir), number(n))
}

// RequestsDir returns the directory that holds what people asked of a run.
func RequestsDir(workDir string) string { return filepath.Join(workDir, DirName, requestsDir) }

// ClaimPath returns the claim of an attempt.
func ClaimPath(attemptDir string) string { return filepath.Join(attemptDir, claimName) }

// StartPath returns the start of an attempt.
func StartPath(attemptDir string) string { return filepath.Join(attemptDir, startName) }

// EndPath returns the end of an attempt.
func EndPath(attemptDir string) string { return filepath.Join(attemptDir, endName) }

// LogPath returns the log that the command of an attempt writes.
func LogPath(attemptDir string) string { return filepath.Join(attemptDir, logName) }

// AlivePath returns the lock file by which an attempt shows that it lives.
func AlivePath(attemptDir string) string { return filepath.Join(attemptDir, aliveName) }

// EvidenceDir returns where the evidence that an attempt made is set aside once a fresh one takes its place.
func EvidenceDir(attemptDir string) string { return filepath.Join(attemptDir, "evidence") }

// StateDir returns the directory beside a sheet that holds its journal and its launcher's lock.
func StateDir(sheetDir, sheetPath string) string {
	name := filepath.Base(sheetPath)
	if filepath.Base(filepath.Dir(sheetPath)) == DirName {
		name = strings.TrimSuffix(name, filepath.Ext(name)) + ".state" // an inline sheet lies there itself, under its name
	}
	return filepath.Join(sheetDir, DirName, name)
}

// StateOf returns the directory beside the sheet of a claim that holds its journal.
func StateOf(c runsheet.Claim) string {
	dir := filepath.Dir(c.Sheet)
	if filepath.Base(dir) == DirName {
		dir = filepath.Dir(dir)
	}
	return StateDir(dir, c.Sheet)
}

// DiffPath returns what the changes since a commit are kept as, by the name that claims have for them, in a sheet's state
// directory.
func DiffPath(stateDir, name string) string {
	return filepath.Join(stateDir, "code", name+".diff")
}

// JournalPath returns the journal in a sheet's state directory.
func JournalPath(stateDir string) string { return filepath.Join(stateDir, "journal.jsonl") }

// LauncherLockPath returns the lock of the one launcher of a sheet.
func LauncherLockPath(stateDir string) string { return filepath.Join(stateDir, "launcher.lock") }

// workDirOf returns the work dir that an attempt directory lies in.
func workDirOf(attemptDir string) string {
	return filepath.Dir(filepath.Dir(filepath.Dir(attemptDir)))
}

// number renders the number of an attempt or request; six digits keep listings in order.
func number(n int) string { return fmt.Sprintf("%06d", n) }

// parseNumber is the inverse of number; ok is false for any other text.
func parseNumber(s string) (n int, ok bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n > 0 && number(n) == s
}

// ReportedPath returns where the command of an attempt may write its progress by itself: RUNSHEET_PROGRESS.
func ReportedPath(attemptDir string) string { return filepath.Join(attemptDir, "reported.json") }

// MeasuredPath returns where the supervisor of an attempt keeps what the sheet's command for progress printed last.
func MeasuredPath(attemptDir string) string { return filepath.Join(attemptDir, "measured.json") }

// SuperviseLogPath returns where the supervisor of an attempt says what went wrong with itself.
func SuperviseLogPath(attemptDir string) string { return filepath.Join(attemptDir, "supervise.log") }

// SetupLogPath returns what the sheet's setup printed last, in a sheet's state directory.
func SetupLogPath(stateDir string) string { return filepath.Join(stateDir, "setup.log") }

// LauncherLogPath returns what launchers in the background said, in a sheet's state directory.
func LauncherLogPath(stateDir string) string { return filepath.Join(stateDir, "launcher.log") }

// PublishedPath returns where the progress document of a work dir is written before it gets its public name.
func PublishedPath(workDir string) string {
	return filepath.Join(workDir, DirName, "progress.published")
}

// BatchPath returns the list of the attempts that were put into a queue with one submission, in a sheet's state
// directory.
func BatchPath(stateDir, batch string) string {
	return filepath.Join(stateDir, "batches", batch+".json")
}

// BatchLogPath returns what the job of one task of a submission said before its supervisor took over, and what its node
// said of it.
func BatchLogPath(stateDir, batch string, task int) string {
	return filepath.Join(stateDir, "batches", batch+"."+strconv.Itoa(task)+".log")
}

// SharedLogPath returns where older versions had the words of all tasks of a submission.
func SharedLogPath(stateDir, batch string) string {
	return filepath.Join(stateDir, "batches", batch+".log")
}

// BatchHeldPath returns why the scheduler has not taken some attempts of a submission yet, in its words.
func BatchHeldPath(stateDir, batch string) string {
	return filepath.Join(stateDir, "batches", batch+".held")
}

// BatchJobsPath returns what the scheduler called the jobs of a submission, a line for each time that some were taken.
func BatchJobsPath(stateDir, batch string) string {
	return filepath.Join(stateDir, "batches", batch+".jobs")
}

// BinaryPath returns where the copy of this program lies that jobs of a sheet run, named after the hash of its contents.
func BinaryPath(stateDir, hash string) string {
	return filepath.Join(stateDir, "bin", "runsheet-"+hash)
}
