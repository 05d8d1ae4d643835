package plan

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"runsheet"
)

// TestFallThrough: a host that will never take a run is passed over for the run's next one. A run that waits in vain leaves the
// queue for another host, or stays where there is none. A run without any place is given up.
func TestFallThrough(t *testing.T) {
	queue := func(name string) runsheet.Host {
		return runsheet.Host{Name: "slurm:" + name, Entry: name, Slots: 9, Queue: true}
	}
	brief, long := queue("brief"), queue("long")
	full := long
	full.Slots = 0
	taken := long
	taken.Slots = 1
	waits := func(host string, never bool) runsheet.Facts {
		return runsheet.Facts{Attempt: 1, Claim: &runsheet.Claim{Attempt: 1, Identity: command, Host: "slurm:" + host, Batch: "b", At: ago(time.Hour)},
			Liveness: runsheet.LivenessAlive, Waiting: true, Why: "PartitionTimeLimit", Never: never}
	}
	unsubmitted := waits("brief", false)
	unsubmitted.Liveness, unsubmitted.Waiting = runsheet.LivenessGone, false
	running := waits("long", false)
	running.Waiting, running.Start, running.LastActivity = false, &runsheet.Start{At: ago(time.Hour)}, ago(time.Second)
	stopped := waits("brief", true)
	stopped.Request = &runsheet.Request{Number: 1, Kind: runsheet.RequestStop}
	refused := map[Ask]string{{"slurm:brief", runsheet.Resources{CPUs: 1}}: "too long"}
	both := map[Ask]string{{"slurm:brief", runsheet.Resources{CPUs: 1}}: "too long", {"slurm:long", runsheet.Resources{CPUs: 1}}: "no account"}
	const leaves = "end PartitionTimeLimit; slurm:long may start it"
	for _, c := range []struct {
		name     string
		hosts    []runsheet.Host
		pool     []string
		refusals map[Ask]string
		facts    []runsheet.Facts
		want     []string
	}{
		{"nothing is refused", []runsheet.Host{brief, long}, nil, nil, []runsheet.Facts{{}}, []string{"launch slurm:brief"}},
		{"refused", []runsheet.Host{brief, long}, nil, refused, []runsheet.Facts{{}}, []string{"launch slurm:long"}},
		{"others were refused", []runsheet.Host{brief, long}, nil, map[Ask]string{{"slurm:brief", runsheet.Resources{CPUs: 2}}: "too many"}, []runsheet.Facts{{}}, []string{"launch slurm:brief"}},
		{"refused everywhere", []runsheet.Host{brief, long}, nil, both, []runsheet.Facts{{}},
			[]string{"give up needs 1 CPU; slurm:brief does not take it (too long), slurm:long does not take it (no account)"}},
		{"in vain", []runsheet.Host{brief, long}, nil, nil, []runsheet.Facts{waits("brief", true)}, []string{leaves}},
		{"in vain, and the other has no place now", []runsheet.Host{brief, taken}, nil, nil, []runsheet.Facts{running, waits("brief", true)}, []string{"wait PartitionTimeLimit", leaves}},
		{"in vain, and the other has none ever", []runsheet.Host{brief, full}, nil, nil, []runsheet.Facts{waits("brief", true)}, []string{"wait PartitionTimeLimit"}},
		{"in vain, and the other refused it", []runsheet.Host{brief, long}, nil, map[Ask]string{{"slurm:long", runsheet.Resources{CPUs: 1}}: "no account"},
			[]runsheet.Facts{waits("brief", true)}, []string{"wait PartitionTimeLimit"}},
		{"in vain, and it may use no other", []runsheet.Host{brief, long}, []string{"brief"}, nil, []runsheet.Facts{waits("brief", true)}, []string{"wait PartitionTimeLimit"}},
		{"in vain, and a person stopped it", []runsheet.Host{brief, long}, nil, nil, []runsheet.Facts{stopped}, []string{"end being stopped by somebody: PartitionTimeLimit"}},
		{"it waits for something that comes", []runsheet.Host{brief, long}, nil, nil, []runsheet.Facts{waits("brief", false)}, []string{"wait PartitionTimeLimit"}},
		{"claimed, and then refused", []runsheet.Host{brief, long}, nil, refused, []runsheet.Facts{unsubmitted}, []string{"recover slurm:brief does not take it (too long)"}},
		{"it may use one", []runsheet.Host{brief, long}, []string{"long"}, nil, []runsheet.Facts{{}}, []string{"launch slurm:long"}},
		{"it may use one, which refuses it", []runsheet.Host{brief, long}, []string{"brief"}, refused, []runsheet.Facts{{}},
			[]string{"give up needs 1 CPU; slurm:brief does not take it (too long), slurm:long is not in its pool"}},
	} {
		in := Input{Hosts: c.hosts, Facts: c.facts, Refusals: c.refusals, Policy: runsheet.DefaultPolicy, Now: noon}
		for range c.facts {
			in.Runs = append(in.Runs, runsheet.Run{Command: command, Resources: runsheet.Resources{CPUs: 1}, Pool: c.pool})
		}
		got := told(Decide(in))
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}
