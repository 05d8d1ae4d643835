package slurm

import "testing"

func TestInVain(t *testing.T) {
	for reason, want := range map[string]bool{
		"PartitionTimeLimit": true, "(PartitionTimeLimit)": true, "QOSMaxWallDurationPerJobLimit": true, "AssocMaxCpuPerJobLimit": true,
		"AssocMaxMemPerNode": true, "QOSMaxCpuMinutesPerJobLimit": true, "QOSMinGRES": true, "AccountNotAllowed": true, "DependencyNeverSatisfied": true,
		"": false, "None": false, "Resources": false, "Priority": false, "QOSMaxJobsPerUserLimit": false, "QOSMaxCpuPerUserLimit": false,
		"AssocGrpCpuLimit": false, "AssocMaxJobsLimit": false, "QOSGrpMemLimit": false, "ReqNodeNotAvail, UnavailableNodes:node3": false,
		"PartitionDown": false, "JobHeldUser": false, "BeginTime": false, "Dependency": false, "QOSMaxNodePerUserLimit": false,
	} {
		if got := inVain(reason); got != want {
			t.Errorf("%q: %v", reason, got)
		}
	}
}
