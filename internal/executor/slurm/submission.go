package slurm

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"runsheet"
	"runsheet/internal/record"
)

// leadMost is the most that --signal takes.
const leadMost = 65535 * time.Second

// submission is what sbatch is told, but for the script and its arguments. tasks are the attempts of one batch, ascending
// by their numbers; alone says that the batch has no other, and goes as a job that is no array.
func submission(entry runsheet.PoolEntry, tasks []runsheet.Launch, alone bool) []string {
	c, r := tasks[0].Claim, tasks[0].Resources
	state := record.StateOf(c)
	limit := r.Time
	if limit == 0 {
		limit = entry.Time
	}
	args := []string{"--parsable",
		"--job-name=" + jobName(tasks[0]),
		"--comment=" + c.Batch,
		"--output=" + output(state, c.Batch, alone), "--open-mode=append",
		"--chdir=/", "--requeue", "--ntasks=1",
		"--signal=B:XCPU@" + strconv.Itoa(int(min(runsheet.LimitLead(c.StopGrace, limit), leadMost).Seconds())),
	}
	if !alone {
		var numbers []int
		for _, t := range tasks {
			numbers = append(numbers, t.Claim.Task)
		}
		args = append(args, "--array="+formatTasks(numbers))
	}
	if entry.Partition != "" {
		args = append(args, "--partition="+entry.Partition)
	}
	if limit > 0 {
		args = append(args, "--time="+formatTime(limit))
	}
	if r.CPUs > 0 {
		args = append(args, "--cpus-per-task="+strconv.Itoa(r.CPUs))
	}
	if r.Memory > 0 {
		args = append(args, fmt.Sprintf("--mem=%dK", (r.Memory+1023)/1024))
	}
	switch {
	case entry.Gres != "":
		args = append(args, "--gres="+entry.Gres)
	case r.GPUs > 0:
		args = append(args, "--gres=gpu:"+strconv.Itoa(r.GPUs))
	}
	return append(args, entry.Options...) // the last word of sbatch's options counts
}

// output is where the words of jobs go, as --output takes it: of each task into a log of its own, which
// record.BatchLogPath names.
func output(state, batch string, alone bool) string {
	path := record.BatchLogPath(state, batch, 0)
	if alone {
		return strings.ReplaceAll(path, "%", "%%")
	}
	return strings.ReplaceAll(strings.TrimSuffix(path, "0.log"), "%", "%%") + "%a.log"
}

// jobName is what squeue shows a person: the name of the sheet, or its directory where the sheet has the name that most have.
func jobName(l runsheet.Launch) string {
	name := l.Sheet
	if name == "runsheet" || name == "" {
		name = filepath.Base(filepath.Dir(l.Claim.Sheet))
	}
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f {
			return '_'
		}
		return r
	}, name)
}

// formatTime renders a time limit as --time takes it, days-hours:minutes:seconds.
func formatTime(d time.Duration) string {
	s := int64((d + time.Second - 1) / time.Second)
	return fmt.Sprintf("%d-%02d:%02d:%02d", s/86400, s/3600%24, s/60%60, s%60)
}

// A refusal is one of four kinds.
type refused int

const (
	forGood refused = iota // the same again would be refused the same way
	forNow                 // there are too many jobs, others' and those that are over included
	ofOurs                 // there are too many of this user
	away                   // Slurm cannot be asked
)

// refusals are what sbatch says (slurm_errno.c of Slurm) where fewer jobs, or later ones, would be taken.
var refusals = []struct {
	words string
	kind  refused
}{
	{"GrpSubmit", forNow},               // AssocGrpSubmitJobsLimit, QOSGrpSubmitJobsLimit: of a group
	{"MaxSubmitJobsPerAccount", forNow}, // of a group as well
	{"MaxSubmit", ofOurs},               // AssocMaxSubmitJobLimit, QOSMaxSubmitJobPerUserLimit
	{"temporarily unable to accept job", forNow},
	{"Too many jobs", forNow},
	{"Maximum number of jobs", forNow},
	{"Resource temporarily unavailable", forNow},
	{"Unable to contact slurm controller", away},
	{"Unable to establish control", away},
	{"Socket timed out", away},
	{"Zero Bytes were transmitted", away},
	{"Connection refused", away},
	{"Connection reset", away},
	{"Slurm backup controller in standby", away},
	{"Slurm controller not responding", away},
	{"Unexpected message received", away},
	{"Communication connection failure", away},
	{"Munge", away},
	{"Protocol authentication error", away},
}

// policy is what sbatch says last of every limit of an accounting database.
const policy = "Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)"

// reason returns what was said, without what is said of every limit, where there is anything else.
func (r *refusal) reason() string {
	reason, _, _ := strings.Cut(r.text, "; "+policy)
	return reason
}

// classify says what a refusal means.
func classify(r *refusal) refused {
	for _, known := range refusals {
		if strings.Contains(r.text, known.words) {
			return known.kind
		}
	}
	// Whatever limit it was, the last line is the same, and the line before names it: QOSMaxWallDurationPerJobLimit, of
	// which a job that is too large will always hear.
	if before, ok := strings.CutSuffix(r.text, policy); ok {
		lines := strings.Split(strings.TrimSuffix(before, "; "), "; ")
		if name := lines[len(lines)-1]; name == "" || strings.Contains(name, " ") {
			return ofOurs
		}
		return forGood
	}
	if r.unsure {
		return away
	}
	return forGood
}
