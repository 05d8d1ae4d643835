package slurm

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"runsheet"
)

const (
	oneBatch = "0123456789abcdef0123456789abcdef"
	another  = "fedcba9876543210fedcba9876543210"
)

func TestParseQueue(t *testing.T) {
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.Local)
	const command = "/p/a|b/.runsheet/s.yaml/bin/job.sh /p/a|b/.runsheet/s.yaml/bin/runsheet-0 /p/a|b/.runsheet/s.yaml/batches/"
	jobs, active, err := parseQueue("PENDING|12|2-3,7%2||N/A|0:00|lab|normal|gpu|"+oneBatch+"|(null)|Resources\n"+
		"RUNNING|12|0|node1|2026-05-04T11:58:59|1:00|lab|normal|gpu|"+oneBatch+"|(null)|None\n"+
		"COMPLETED|12|1|node2|2026-05-04T11:00:00|1:00|lab|normal|gpu|"+oneBatch+"|(null)|None\n"+
		"RUNNING|9|N/A|node3|2026-05-02T09:00:00|2-01:30:00|lab|tight|gpu|"+another+"|(null)|None\n"+
		"PENDING|40|0-99||2026-05-05T00:00:00|0:00|other|normal|gpu|my | own|/p/train.sh|Priority\n"+
		"TIMEOUT|41|N/A|node1|2026-05-05T00:00:00|1:00:00|lab|normal|gpu|(null)|(null)|TimeLimit\n"+
		// submitted twice
		"COMPLETED|50|1|node2|2026-05-05T00:00:00|0:01|lab|normal|gpu|"+another+"|(null)|None\n"+
		"PENDING|51|1||2026-05-05T00:00:00|0:00|lab|normal|gpu|"+another+"|"+command+another+".json|Dependency|odd\n"+
		"COMPLETED|52|1|node2|2026-05-05T00:00:00|0:01|lab|normal|gpu|"+another+"|(null)|None\n"+
		// a site's comment, with the command and without its arguments
		"PENDING|60|4||2026-05-05T00:00:00|0:00|lab|normal|gpu|site|of ours|"+command+another+".json|None\n"+
		"PENDING|61|5-6||2026-05-05T00:00:00|0:00|lab|normal|gpu||/p/bin/job.sh|None\n", now)
	if err != nil {
		t.Fatal(err)
	}
	want := map[task]job{
		{oneBatch, 2}: {id: "12_2", state: "PENDING", reason: "Resources"}, {oneBatch, 3}: {id: "12_3", state: "PENDING", reason: "Resources"},
		{oneBatch, 7}: {id: "12_7", state: "PENDING", reason: "Resources"}, {oneBatch, 0}: {id: "12_0", state: "RUNNING", reason: "None", nodes: "node1"},
		{oneBatch, 1}:    {id: "12_1", state: "COMPLETED", reason: "None", nodes: "node2"},
		{another, whole}: {id: "9", state: "RUNNING", reason: "None", nodes: "node3", stood: 90 * time.Minute, kind: kind{"lab", "tight", "gpu"}},
		{another, 1}:     {id: "51_1", state: "PENDING", reason: "Dependency|odd"}, {another, 4}: {id: "60_4", state: "PENDING", reason: "None"},
		{"61", 5}: {id: "61_5", state: "PENDING", reason: "None"}, {"61", 6}: {id: "61_6", state: "PENDING", reason: "None"},
	}
	for place, j := range want {
		j.kind = cmp.Or(j.kind, kind{"lab", "normal", "gpu"})
		j.why = waitsFor(j, false)
		want[place] = j
	}
	if d := gocmp.Diff(want, jobs, gocmp.AllowUnexported(task{}, job{}, kind{})); d != "" {
		t.Error(d)
	}
	seen := snapshot{listed: active, since: 1000}
	for of, want := range map[kind]int{{}: 109, {account: "lab"}: 9, {qos: "tight"}: 1, {account: "other"}: 100, {account: "lab", partition: "cpu"}: 0} {
		if got := seen.active(of); got != 1000+want {
			t.Errorf("%d active of %v", got, of)
		}
	}
	for _, bad := range []string{"PENDING|1\n", "RUNNING|1|x||||||| " + oneBatch + "||\n", "RUNNING|1|5-2|||||||" + oneBatch + "||\n", "RUNNING|1|0-99999999|||||||||\n"} {
		if _, _, err := parseQueue(bad, now); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestTasks(t *testing.T) {
	for text, want := range map[string][]int{"7": {7}, "0-3,9": {0, 1, 2, 3, 9}, "0-8:4%3": {0, 4, 8}, "N/A": nil, "": nil} {
		if got, err := parseTasks(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		set := rapid.SliceOfNDistinct(rapid.IntRange(0, 60), 1, 30, rapid.ID[int]).Draw(t, "tasks")
		slices.Sort(set)
		got, err := parseTasks(formatTasks(set))
		if err != nil || !slices.Equal(got, set) {
			t.Fatalf("%v became %q and %v, %v", set, formatTasks(set), got, err)
		}
	})
}

func FuzzParseQueue(f *testing.F) {
	f.Add("PENDING|12|2-3,7%2||N/A|0:00|a|q|p|" + oneBatch + "|(null)|Resources\nRUNNING|9|N/A|node3|2026-05-02T09:00:00|2-01:30:00|a|q|p|x|job.sh a/" + another + ".json|None\n")
	f.Fuzz(func(t *testing.T, out string) {
		jobs, active, err := parseQueue(out, time.Now())
		if err == nil && active == nil || err != nil && jobs != nil {
			t.Fatalf("%v, %v, %v", jobs, active, err)
		}
	})
}

func TestVerdict(t *testing.T) {
	for state, want := range map[string]runsheet.EndKind{"TIMEOUT": runsheet.EndTimeLimit, "PREEMPTED": runsheet.EndPreempted,
		"NODE_FAIL": runsheet.EndLost, "CANCELLED": runsheet.EndCancelled, "OUT_OF_MEMORY": runsheet.EndCancelled, "": runsheet.EndLost, "FAILED": runsheet.EndLost} {
		if o := verdict(state, "node1"); o.Kind != want || o.Cause.Text == "" || o.Cause.Kind == "" {
			t.Errorf("%s: %+v, want %s", state, o, want)
		}
		if state != "" && phaseOf(state) != over {
			t.Errorf("%s is not over", state)
		}
	}
	for state, want := range map[string]phase{"PENDING": pending, "SUSPENDED": suspended, "RUNNING": running, "COMPLETING": running, "OF_A_LATER_RELEASE": running} {
		if got := phaseOf(state); got != want {
			t.Errorf("%s: %v", state, got)
		}
	}
}

func TestParseAccount(t *testing.T) {
	got := map[string]string{}
	for id, j := range parseAccount("12_0|CANCELLED by 1000|node2\n12_1|PREEMPTED|node1\n12_1|TIMEOUT|node3\n12_2|RUNNING|node1\n" +
		"12_3|NODE_FAIL|node1\n12_3|PENDING|None assigned\n12_[4-9]|PENDING|None assigned\n13|OUT_OF_MEMORY|node1\n14_[1-2,4]|CANCELLED by 0|None assigned\n15|CANCELLED by 0|None assigned\nrubbish\n||\n\n") {
		got[id] = j.state + " " + j.nodes
	}
	if d := gocmp.Diff(map[string]string{"12_0": "CANCELLED node2", "12_1": "TIMEOUT node3", "13": "OUT_OF_MEMORY node1",
		"14_1": "CANCELLED ", "14_2": "CANCELLED ", "14_4": "CANCELLED ", "15": "CANCELLED "}, got); d != "" {
		t.Error(d)
	}
}

// TestPause: what others have filled for a day is tried some times a minute at first, and twice a minute then.
func TestPause(t *testing.T) {
	now := time.Now()
	var p pause
	tries := map[time.Duration]int{}
	for at := now; at.Before(now.Add(24 * time.Hour)); at = p.until {
		p = p.longer(at)
		for _, d := range []time.Duration{time.Minute, 24 * time.Hour} {
			if at.Before(now.Add(d)) {
				tries[d]++
			}
		}
	}
	if n := tries[time.Minute]; n < 4 || n > 8 {
		t.Errorf("%d tries in the first minute", n)
	}
	if n := tries[24*time.Hour]; n > 24*120+8 {
		t.Errorf("%d tries in a day", n)
	}
}

// What sbatch of Slurm 22.05 said.
func TestClassify(t *testing.T) {
	const last = "Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)"
	for text, want := range map[string]refused{
		"AssocMaxSubmitJobLimit; " + last:      ofOurs,
		"QOSMaxSubmitJobPerUserLimit; " + last: ofOurs,
		last:                                   ofOurs,
		"Please read the manual; " + last:      ofOurs,
		"AssocGrpSubmitJobsLimit; " + last:     forNow,
		"QOSGrpSubmitJobsLimit; " + last:       forNow,
		"MaxSubmitJobsPerAccount; " + last:     forNow,
		"Slurm temporarily unable to accept job, sleeping and retrying":                                    forNow,
		"QOSMaxWallDurationPerJobLimit; " + last:                                                           forGood,
		"QOSMaxCpuPerJobLimit; " + last:                                                                    forGood,
		"invalid partition specified: nope; Batch job submission failed: Invalid partition name specified": forGood,
		"Batch job submission failed: Unable to contact slurm controller (connect failure)":                away,
	} {
		if got := classify(&refusal{command: "sbatch", text: text}); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}

func TestParseConfig(t *testing.T) {
	got := parseConfig("Configuration data as of 2026-01-02T03:04:05\nAccountingStorageType   = accounting_storage/none\nMaxArraySize            = 31\nMinJobAge               = 20 sec\nClusterName             = east\nSlurmctldHost[0]        = here\n")
	if got != (config{maxArray: 31, remembers: 20 * time.Second, cluster: "east"}) || got.batch() != 31 {
		t.Errorf("%+v", got)
	}
	if got := parseConfig("AccountingStorageType = accounting_storage/slurmdbd\n"); !got.accounting || got.batch() != 1000 {
		t.Errorf("%+v", got)
	}
	if got := parseConfig("MaxArraySize = 0\n"); got.batch() != 1 {
		t.Errorf("%+v", got)
	}
}

func TestSubmission(t *testing.T) {
	launch := func(task int, r runsheet.Resources) runsheet.Launch {
		return runsheet.Launch{Claim: runsheet.Claim{Batch: oneBatch, Task: task, Dir: "/p/my 50% lab", Sheet: "/p/my 50% lab/runsheet.yaml", StopGrace: 30 * time.Second}, Resources: r, Sheet: "runsheet"}
	}
	all := runsheet.Resources{GPUs: 2, CPUs: 4, Memory: 1<<30 + 1, Time: 90 * time.Minute}
	common := []string{"--parsable", "--job-name=my_50%_lab", "--comment=" + oneBatch,
		"--output=/p/my 50%% lab/.runsheet/runsheet.yaml/batches/" + oneBatch + ".%a.log", "--open-mode=append", "--chdir=/", "--requeue", "--ntasks=1", "--signal=B:XCPU@40"}
	for _, tt := range []struct {
		name  string
		entry runsheet.PoolEntry
		tasks []runsheet.Launch
		alone bool
		want  []string
	}{
		{"alone", runsheet.PoolEntry{}, []runsheet.Launch{launch(0, runsheet.Resources{})}, true, nil},
		{"part of an array", runsheet.PoolEntry{Partition: "gpu", Time: 24 * time.Hour}, []runsheet.Launch{launch(3, runsheet.Resources{})}, false,
			[]string{"--array=3", "--partition=gpu", "--time=1-00:00:00"}},
		{"all that a run asks for", runsheet.PoolEntry{Time: 24 * time.Hour, Options: []string{"--account=lab"}},
			[]runsheet.Launch{launch(0, all), launch(1, all), launch(5, all)}, false,
			[]string{"--array=0-1,5", "--time=0-01:30:00", "--cpus-per-task=4", "--mem=1048577K", "--gres=gpu:2", "--account=lab"}},
		{"gres of the pool", runsheet.PoolEntry{Gres: "gpu:a100:1"}, []runsheet.Launch{launch(0, runsheet.Resources{GPUs: 1})}, true, []string{"--gres=gpu:a100:1"}},
	} {
		common := slices.Clone(common)
		if tt.alone {
			common[3] = strings.Replace(common[3], "%a", "0", 1)
		}
		if d := gocmp.Diff(append(common, tt.want...), submission(tt.entry, tt.tasks, tt.alone)); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
}

func TestJobName(t *testing.T) {
	claim := runsheet.Claim{Dir: "/p/my lab", Sheet: "/p/my lab/runsheet.yaml"}
	for sheet, want := range map[string]string{"runsheet": "my_lab", "": "my_lab", "uci": "uci", "two words\n": "two_words_"} {
		if got := jobName(runsheet.Launch{Claim: claim, Sheet: sheet}); got != want {
			t.Errorf("%q: %q, not %q", sheet, got, want)
		}
	}
}

func TestEnvironment(t *testing.T) {
	ours := []string{"PATH=/bin", "SLURM_CONF=/c", "SLURM_JOB_ID=7", "SBATCH_PARTITION=x", "SBATCH_QOS=high", "SBATCH_ACCOUNT=lab", "SLURM_CLUSTERS=all", "SQUEUE_FORMAT=%i", "SBATCH_TIMELIMIT=", "HF_TOKEN=secret", "BASH_ENV=/rc"}
	for name, want := range map[string][]string{
		"squeue": {"PATH=/bin", "SLURM_CONF=/c", "HF_TOKEN=secret", "SLURM_BITSTR_LEN=0"},
		"sbatch": {"PATH=/bin", "SLURM_CONF=/c", "SBATCH_QOS=high", "SBATCH_ACCOUNT=lab", "HF_TOKEN=secret"},
	} {
		if d := gocmp.Diff(want, environment(ours, name)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	if d := gocmp.Diff([]string{"SBATCH_PARTITION", "SLURM_CLUSTERS"}, Unused(ours)); d != "" {
		t.Error(d)
	}
}

// TestSame: while other people's jobs come and go, what ours wait for changes all the time, and nothing of ours moves.
func TestSame(t *testing.T) {
	before := job{id: "12_0", state: "PENDING", reason: "Priority", why: "Priority"}
	for _, c := range []struct {
		change func(*job)
		want   bool
	}{
		{func(j *job) { j.reason, j.why = "Resources", "Resources" }, true},
		{func(j *job) { j.reason, j.why = "None", "" }, true},
		{func(j *job) { j.reason, j.why = "JobHeldUser", "held" }, false},
		{func(j *job) { j.reason = "launch failed requeued held" }, false},
		{func(j *job) { j.state, j.nodes = "RUNNING", "node1" }, false},
		{func(j *job) { j.state = "CANCELLED" }, false},
		{func(j *job) { j.id = "13_0" }, false},
	} {
		after := before
		c.change(&after)
		if got := after.same(before); got != c.want {
			t.Errorf("%+v: the same: %t", after, got)
		}
	}
}

func TestNotBegun(t *testing.T) {
	const drained = "2026-11-30T21:10:50|node1|Prolog error\n2026-11-30T22:10:50|node[2-3]|batch job complete failure\n2026-11-29T21:10:50|node4|disk\n"
	for _, c := range []struct{ drained, node, want string }{
		{drained, "", "Slurm drained node[2-3] last (batch job complete failure)"},
		{drained, "node1", "node1 could not begin it (Prolog error)"},
		{drained, "node9", "node9 could not begin it"},
		{"", "node9", "node9 could not begin it"},
		{"", "", ""},
		{"rubbish\n", "", ""},
	} {
		if got := notBegun(c.drained, c.node); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

// What sacct of Slurm 22.05 printed, and a requeued job, and one of an older release.
func TestParseConsumption(t *testing.T) {
	at := func(s string) time.Time {
		d, err := time.ParseInLocation("2006-01-02T15:04:05", s, time.Local)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	got := parseConsumption("1_0|2026-11-30T21:10:22|7|00:00.007||1|100M|525600\n1_0.batch|2026-11-30T21:10:22|7|00:00.007|130408K|1||\n" +
		"3|2026-11-30T21:10:50|3|00:01||2|2.5G|\n3.batch|2026-11-30T21:10:50|3|00:01|1K|2||\n3|2026-11-30T22:10:50|90061|1-01:01:01||2|2.5G|Partition_Limit\n" +
		"3.batch|2026-11-30T22:10:50|90061|1-01:01:01|12M|2||\n3.0|2026-11-30T22:10:50|90061|1-01:01:01|20M|2||\n" +
		"4|2025-11-30T21:10:22|5|00:00:05||4|100Mc|60\n5_[1-9]|Unknown|0|00:00:00||1|1M|1\nrubbish\n||||||||\n9.batch||||7K|||\n")
	want := map[string][]runsheet.Consumption{
		"1_0": {{Began: at("2026-11-30T21:10:22"), Requested: runsheet.Resources{CPUs: 1, Memory: 100 << 20, Time: 365 * 24 * time.Hour},
			CPU: 7 * time.Millisecond, Wall: 7 * time.Second, Peak: 130408 << 10}},
		"3": {{Began: at("2026-11-30T21:10:50"), Requested: runsheet.Resources{CPUs: 2, Memory: 5 << 29}, CPU: time.Second, Wall: 3 * time.Second, Peak: 1 << 10},
			{Began: at("2026-11-30T22:10:50"), Requested: runsheet.Resources{CPUs: 2, Memory: 5 << 29},
				CPU: 25*time.Hour + 61*time.Second, Wall: 90061 * time.Second, Peak: 20 << 20}},
		"4": {{Began: at("2025-11-30T21:10:22"), Requested: runsheet.Resources{CPUs: 4, Time: time.Hour}, CPU: 5 * time.Second, Wall: 5 * time.Second}},
	}
	if d := gocmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestTogether(t *testing.T) {
	got := together([]string{"7_3", "9", "7_1", "8_0", "7_2", "7_12"})
	if d := gocmp.Diff([]string{"9", "7_[1-3,12]", "8_[0]"}, got); d != "" {
		t.Error(d)
	}
}

func TestDiffer(t *testing.T) {
	for out, want := range map[string]bool{
		"PENDING|119|0-1,5-9||N/A|0:00|" + oneBatch + "|Resources,JobHeldAdmin,BeginTime\n":                     true,
		"PENDING|119|0-1,5-9||N/A|0:00|" + oneBatch + "|Resources\nRUNNING|1|2|node[1,3]|N/A|0:00|x|None\n":     false,
		"PENDING|119|0-1||N/A|0:00|" + oneBatch + "|ReqNodeNotAvail, UnavailableNodes:node[1,3]\n":              false,
		"PENDING|119|0-1||N/A|0:00|" + oneBatch + "|Resources,ReqNodeNotAvail, UnavailableNodes:node[1,3]\n":    true,
		"PENDING|119|0||N/A|0:00|a comment,With|a bar|Priority\nPENDING|120|0-1||N/A|0:00|" + oneBatch + "|A,B": true,
		"": false,
	} {
		if got := differ(out); got != want {
			t.Errorf("%s: %t", out, got)
		}
	}
}

func TestWaitsFor(t *testing.T) {
	for _, c := range []struct {
		reason string
		again  bool
		want   string
	}{
		{"(Resources)", false, "in Slurm's queue: Resources (job 7)"},
		{"None", false, "in Slurm's queue (job 7)"},
		{"BeginTime", false, "in Slurm's queue: BeginTime, it is not to begin yet (job 7)"},
		{"BeginTime", true, "in Slurm's queue: BeginTime, the pause before a job is started again (job 7)"},
		{"job requeued in held state", true, "in Slurm's queue: job requeued in held state, held until `scontrol release 7` (job 7)"},
		{"JobHeldUser", false, "in Slurm's queue: JobHeldUser, held until `scontrol release 7` (job 7)"},
	} {
		if got := waitsFor(job{id: "7", state: "PENDING", reason: c.reason}, c.again); got != c.want {
			t.Errorf("%s: %s", c.reason, got)
		}
	}
}
