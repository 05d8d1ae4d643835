package slurm

import (
	"slices"
	"strings"

	"runsheet"
)

// never is an error of sbatch that stays what it is until somebody changes the sheet or the cluster.
type never struct{ error }

// Is says that it is runsheet.ErrRefused.
func (never) Is(target error) bool { return target == runsheet.ErrRefused }

func (n never) Unwrap() error { return n.error }

// vain are reasons of squeue(1), "JOB REASON CODES", that do not pass while the job, and what it was submitted for, stay as
// they are. Slurm takes such a job where it does not enforce its limits at once, and has it wait for ever.
var vain = []string{
	"PartitionTimeLimit", "PartitionNodeLimit", "PartitionMinNodes", "AccountNotAllowed", "QOSNotAllowed", "InvalidAccount", "InvalidQOS",
	"BadConstraints", "DependencyNeverSatisfied", "MaxMemPerLimit",
}

// inVain says whether a job that waits for this reason will never be started, as things are. The limits of associations and
// QOS are for good where they are those of one job: AssocMaxWallDurationPerJobLimit, QOSMaxCpuPerNode, QOSMinGRES.
func inVain(reason string) bool {
	reason = strings.Trim(reason, "()")
	if slices.Contains(vain, reason) || strings.HasPrefix(reason, "QOSMin") {
		return true
	}
	limit := strings.TrimSuffix(reason, "Limit")
	return (strings.HasPrefix(limit, "QOSMax") || strings.HasPrefix(limit, "AssocMax")) &&
		(strings.HasSuffix(limit, "PerJob") || strings.HasSuffix(limit, "PerNode"))
}
