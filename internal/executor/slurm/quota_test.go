package slurm

import (
	"testing"

	"runsheet"
)

// limitsShown is what `scontrol show assoc_mgr users=root flags=assoc,qos` of Slurm 22.05 printed, shortened.
const limitsShown = `Current Association Manager state

Association Records

ClusterName=test Account=root UserName= Partition= Priority=0 ID=1
    ParentAccount= Lft=1 DefAssoc=No
    GrpSubmitJobs=N(19) GrpWall=N(0.00)
    MaxJobs= MaxJobsAccrue= MaxSubmitJobs=5(0) MaxWallPJ=
ClusterName=test Account=root UserName=root(0) Partition= Priority=0 ID=2
    ParentAccount= Lft=10 DefAssoc=No
    MaxJobs= MaxJobsAccrue= MaxSubmitJobs=7(7) MaxWallPJ=
ClusterName=test Account=test UserName=root(0) Partition= Priority=0 ID=4
    ParentAccount= Lft=7 DefAssoc=Yes
    MaxJobs= MaxJobsAccrue= MaxSubmitJobs=8(8) MaxWallPJ=
ClusterName=test Account=test UserName=root(0) Partition=gpu Priority=0 ID=5
    ParentAccount= Lft=8 DefAssoc=Yes
    MaxJobs= MaxJobsAccrue= MaxSubmitJobs=2(2) MaxWallPJ=
ClusterName=test Account=other UserName=root(0) Partition= Priority=0 ID=6
    ParentAccount= Lft=3 DefAssoc=No
    MaxJobs= MaxJobsAccrue= MaxSubmitJobs= MaxWallPJ=
Current Association Manager state

QOS Records

QOS=normal(1)
    GrpJobs=N(0) GrpJobsAccrue=N(0) GrpSubmitJobs=N(3) GrpWall=N(0.00)
    User Limits
      0
        MaxJobsPU=N(0) MaxJobsAccruePU=N(0) MaxSubmitJobsPU=N(3)
QOS=tight(2)
    UsageRaw=0.000000
    Account Limits
      0
        MaxJobsPA=N(0) MaxJobsAccruePA=N(0) MaxSubmitJobsPA=9(9)
    User Limits
      1000
        MaxJobsPU=N(0) MaxJobsAccruePU=N(0) MaxSubmitJobsPU=3(1)
      0
        MaxJobsPU=N(0) MaxJobsAccruePU=N(0) MaxSubmitJobsPU=3(3)
        MaxTRESPU=cpu=N(0),mem=N(0)
QOS=loose(3)
    User Limits
      root(0)
        MaxJobsPU=N(0) MaxJobsAccruePU=N(0) MaxSubmitJobsPU=30(3)
`

func TestQuotas(t *testing.T) {
	all := parseQuotas(limitsShown, 0)
	if len(all) != 5 {
		t.Errorf("%+v", all)
	}
	for _, c := range []struct {
		ours  kind
		words string
		want  quota // none: nobody can tell
	}{
		{kind{}, "AssocMaxSubmitJobLimit", quota{kind{account: "test"}, true, 8, 8}},
		{kind{account: "root"}, "AssocMaxSubmitJobLimit", quota{kind{account: "root"}, false, 7, 7}},
		{kind{account: "other"}, "AssocMaxSubmitJobLimit", quota{}},
		{kind{partition: "gpu"}, "AssocMaxSubmitJobLimit", quota{}}, // two that are full
		{kind{}, "QOSMaxSubmitJobPerUserLimit", quota{kind{qos: "tight"}, false, 3, 3}},
		{kind{qos: "loose"}, "QOSMaxSubmitJobPerUserLimit", quota{kind{qos: "loose"}, false, 30, 3}},
		{kind{}, "", quota{}},
	} {
		if got, known := meant(all, c.ours, c.words); got != c.want || known != (c.want != quota{}) {
			t.Errorf("%+v %s: %+v", c.ours, c.words, got)
		}
	}
	if all := parseQuotas(limitsShown, 1000); len(all) != 1 || all[0].used != 1 {
		t.Errorf("of another user: %+v", all)
	}
}

func TestOption(t *testing.T) {
	for _, c := range []struct {
		options []string
		want    string
	}{{nil, ""}, {[]string{"--account=lab"}, "lab"}, {[]string{"-Alab", "--account=last"}, "last"}, {[]string{"--account=lab", "-Alast", "--exclusive"}, "last"}} {
		if got := option(runsheet.PoolEntry{Options: c.options}, "account", "A", ""); got != c.want {
			t.Errorf("%q: %s", c.options, got)
		}
	}
}
