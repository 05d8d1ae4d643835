package supervise

import (
	"testing"
	"time"
)

// What slurmstepd of Slurm 22.05 wrote, and of an array's other task, and of a step of the same job.
const words = `slurmstepd-node1: error: *** JOB 15 ON node2 CANCELLED AT 2026-11-25T23:12:45 DUE TO JOB REQUEUE ***
slurmstepd-node1: error: *** JOB 16 ON node2 CANCELLED AT 2026-11-25T23:20:00 DUE TO PREEMPTION ***
slurmstepd-node1: error: *** JOB 15 ON node1 CANCELLED AT 2026-11-25T23:20:01 DUE TO NODE FAILURE, SEE SLURMCTLD LOG FOR DETAILS ***
slurmstepd-node1: error: *** JOB 17 ON node1 CANCELLED AT 2026-11-25T23:20:01 DUE TO TIME LIMIT ***
slurmstepd-node1: error: *** STEP 18.0 ON node1 CANCELLED AT 2026-11-25T23:20:01 DUE TO PREEMPTION ***
slurmstepd-node1: error: *** JOB 19 ON node1 CANCELLED AT yesterday DUE TO PREEMPTION ***
`

func TestLastWord(t *testing.T) {
	at := func(clock string) time.Time {
		when, err := time.Parse(time.DateTime, "2026-11-25 "+clock)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	for _, c := range []struct {
		job   string
		since time.Time
		want  string
	}{
		{"15", at("23:00:00"), "NODE FAILURE"},
		{"15", at("23:20:01"), "NODE FAILURE"},
		{"15", at("23:20:10"), ""},
		{"16", at("23:00:00"), "PREEMPTION"},
		{"16", at("23:30:00"), ""},
		{"17", at("23:00:00"), ""},
		{"18", at("23:00:00"), ""},
		{"19", at("23:00:00"), ""},
		{"1", at("23:00:00"), ""},
	} {
		if got := lastWord(words, c.job, c.since, time.UTC); got != c.want {
			t.Errorf("job %s since %v: %q, want %q", c.job, c.since, got, c.want)
		}
	}
	east := time.FixedZone("east", 3600)
	if got := lastWord(words, "15", at("23:00:00"), east); got != "" {
		t.Errorf("what was said an hour before it began is taken for its end: %q", got)
	}
}

func TestFailedSince(t *testing.T) {
	since := time.Unix(1000, 0)
	for node, want := range map[string]bool{
		"NodeName=n1 State=IDLE Weight=1 BootTime=900 SlurmdStartTime=950":                      false,
		"NodeName=n1 State=MIXED+DRAIN Weight=1 BootTime=900 SlurmdStartTime=950":               false,
		"NodeName=n1 State=IDLE Weight=1 BootTime=900 SlurmdStartTime=1001 LastBusyTime=1":      true,
		"NodeName=n1 State=IDLE Weight=1 BootTime=1001 SlurmdStartTime=950 Reason=BootTime=1 x": true,
		"NodeName=n1 State=DOWN+NOT_RESPONDING BootTime=900 SlurmdStartTime=950":                true,
		"NodeName=n1 State=DOWN* BootTime=None SlurmdStartTime=None":                            true,
		"NodeName=n1 State=IDLE* BootTime=900 SlurmdStartTime=950":                              true,
		"NodeName=n1 State=DOWN BootTime=900 SlurmdStartTime=950 Reason=Not responding":         true,
		"": false,
	} {
		if got := failedSince(node, since); got != want {
			t.Errorf("%s: %t", node, got)
		}
	}
}
