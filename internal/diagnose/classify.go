package diagnose

import (
	"regexp"
	"strings"

	"runsheet"
)

// rule says of what kind a failure is by its text. The first that matches counts, so the order is from the special
// to the general: an import error may name a missing file, a missing file is never an import.
type rule struct {
	kind runsheet.CauseKind
	re   *regexp.Regexp
}

// rules hold for lines that are known to report a failure.
var rules = []rule{
	{runsheet.CauseCUDAOutOfMemory, regexp.MustCompile(`(?i)\b(?:CUDA|HIP|XPU|GPU|MPS backend)(?: error: | driver error: | | runtime error: )out of memory` +
		`|CUDA_ERROR_OUT_OF_MEMORY|cudaErrorMemoryAllocation|hipErrorOutOfMemory|CU(?:BLAS|DNN|SOLVER|SPARSE)_STATUS_ALLOC_FAILED` +
		`|torch(?:\.cuda)?\.OutOfMemoryError|OOM when allocating tensor.*device:GPU` +
		`|RESOURCE_EXHAUSTED: .*(?:out of memory|failed to allocate|allocat)`)},
	{runsheet.CauseOutOfMemory, regexp.MustCompile(`(?:^|[._])MemoryError\b|_ArrayMemoryError|std::bad_alloc|[Cc]annot allocate memory|can't allocate memory` +
		`|java\.lang\.OutOfMemoryError|runtime: out of memory|\bOutOfMemoryError\(?\)?$|OOM when allocating tensor|cannot allocate vector of size` +
		`|memory allocation of \d+ bytes failed|Unable to allocate [\d.]+ [KMGTP]iB for an array`)},
	{runsheet.CauseNoSpace, regexp.MustCompile(`No space left on device|\bENOSPC\b|Disk quota exceeded|\bEDQUOT\b`)},
	{runsheet.CauseImport, regexp.MustCompile(`\b(?:ModuleNotFoundError|ImportError)\b|error while loading shared libraries: |Error: Cannot find module ` +
		`|there is no package called|no required module provides package|ArgumentError: Package \w+ not found|java\.lang\.(?:ClassNotFoundException|NoClassDefFoundError)`)},
	{runsheet.CauseMissingFile, regexp.MustCompile(`\bFileNotFoundError\b|No such file or directory|\bENOENT\b|java\.io\.FileNotFoundException|\(os error 2\)`)},
	{runsheet.CauseSyntax, regexp.MustCompile(`^(?:SyntaxError|IndentationError|TabError)\b`)},
	{runsheet.CauseNaN, nanLoss},
}

// nanLoss matches what training code says when it gives up for a loss that is no number.
var nanLoss = regexp.MustCompile(`(?i)\bloss\w*\b[^\d,;|]{0,60}?\b(?:nan|infinite|non-?finite)\b|\bnan\b.{0,20}?\bloss(?:es)?\b|minimum loss scale reached` +
	`|returned nan values in its|^AssertionError: .*(?:is_?nan|is_?finite|is_?inf)|\bloss\w*\b.{0,20}?\bis inf\b|invalid loss, terminating`)

// classify returns the kind of a line that reports a failure.
func classify(line string) runsheet.CauseKind {
	for _, r := range rules {
		if r.re.MatchString(line) {
			return r.kind
		}
	}
	return runsheet.CauseTraceback
}

// batch holds the words of batch systems about what they did to a job; each is the last word on it.
var batch = []rule{
	{runsheet.CauseTimeLimit, regexp.MustCompile(`CANCELLED AT .* DUE TO TIME LIMIT|PBS: job killed: walltime|^TERM_RUNLIMIT`)},
	{runsheet.CausePreempted, regexp.MustCompile(`CANCELLED AT .* DUE TO PREEMPTION|CANCELLED AT .* DUE TO JOB REQUEUE`)},
	{runsheet.CauseLost, regexp.MustCompile(`CANCELLED AT .* DUE TO NODE FAILURE`)},
	{runsheet.CauseOOMKilled, regexp.MustCompile(stepdMemory.String() + `|PBS: job killed: mem|^TERM_MEMLIMIT`)},
}

// stepdMemory matches what Slurm's daemon on a node says where it, or the kernel, ended something of a job for its memory.
// One of several daemons on a machine has its node in its name.
var stepdMemory = regexp.MustCompile(`slurmstepd\S*: error: .*(?:oom[-_]kill|out-of-memory handler|[Ee]xceeded (?:(?:job|step) )?memory limit)`)

// JobMemory returns what a node wrote into the output of a job where it ended the job's last execution for its memory, or
// the kernel did; empty where it says no such thing.
func JobMemory(output []byte) string {
	lines := split(output)
	for i := len(lines) - 1; i >= 0; i-- {
		if requeuedLine.MatchString(lines[i]) {
			lines = lines[i+1:] // what stands before is of an earlier execution
			break
		}
	}
	for _, line := range lines { // the first names the numbers
		if stepdMemory.MatchString(line) {
			_, words, _ := strings.Cut(line, "error: ")
			return text(words)
		}
	}
	return ""
}

// requeuedLine matches the last line of an execution after which Slurm starts the job again.
var requeuedLine = regexp.MustCompile(`CANCELLED AT .* DUE TO (?:NODE FAILURE|PREEMPTION|JOB REQUEUE)`)

// shell holds what shells and programs that are used from them say, without any traceback, when they fail. They count
// only in the last lines.
var shell = []rule{
	{runsheet.CauseSyntax, regexp.MustCompile(`^(?:\S*/)?(?:ba|da|z|k)?sh: .*(?:syntax error|[sS]yntax error: |unexpected EOF while looking for)`)},
	{runsheet.CauseUsage, regexp.MustCompile(`^\S+(?: \S+)?: error: (?:unrecognized arguments|the following arguments are required|argument |invalid choice|ambiguous option|one of the arguments|no such option)` +
		`|^flag provided but not defined: |^invalid value .* for flag |^(?:Error: )?unknown (?:shorthand )?flag: |^Error: (?:No such option|Missing option|Missing argument|Invalid value|Got unexpected extra argument)` +
		`|^error: (?:unexpected argument|the following required arguments|invalid value|unrecognized subcommand)` +
		`|unrecognized option '|invalid option -- '|FATAL Flags parsing error|^Could not override '`)},
}

// nanValue matches a loss that was logged. It is no failure by itself, but the best guess where nothing else is said.
var nanValue = regexp.MustCompile(`(?i)\bloss\w*["']?\s*[:= ]\s*-?nan\b`)
