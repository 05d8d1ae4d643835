package plan

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"runsheet"
)

// TestBringBack: what waits in a queue leaves it where a host before it in the pool has room.
func TestBringBack(t *testing.T) {
	local := runsheet.Host{Name: "localhost", Executor: "local", Slots: 1, CPUs: 8}
	queue := runsheet.Host{Name: "slurm", Executor: "slurm", Slots: 100, Queue: true, Batch: 100}
	waits := func(host string) runsheet.Facts {
		return runsheet.Facts{Attempt: 1, Claim: &runsheet.Claim{Attempt: 1, Identity: command, Host: host, Batch: "b", At: ago(time.Hour)},
			Liveness: runsheet.LivenessAlive, Waiting: true, Why: "Resources"}
	}
	begun := func(host string) runsheet.Facts {
		f := waits(host)
		f.Waiting, f.Start, f.LastActivity = false, &runsheet.Start{At: ago(time.Hour)}, ago(time.Second)
		return f
	}
	requeued := begun("slurm")
	requeued.Waiting = true
	stopped := waits("slurm")
	stopped.Request = &runsheet.Request{Number: 1, Kind: runsheet.RequestStop}
	unsubmitted := waits("slurm")
	unsubmitted.Liveness, unsubmitted.Waiting = runsheet.LivenessGone, false
	away := local
	away.Away = "it cannot be asked"
	for _, c := range []struct {
		name  string
		hosts []runsheet.Host
		facts []runsheet.Facts
		cpus  int // of the last run
		want  []string
	}{
		{"the last one", []runsheet.Host{local, queue}, []runsheet.Facts{waits("slurm"), waits("slurm")}, 1, []string{"wait", "end: there is room on localhost"}},
		{"what was never submitted", []runsheet.Host{local, queue}, []runsheet.Facts{unsubmitted}, 1, []string{"end: there is room on localhost"}},
		{"one that fits", []runsheet.Host{local, queue}, []runsheet.Facts{waits("slurm"), waits("slurm")}, 16, []string{"end: there is room on localhost", "wait"}},
		{"what is pending comes first", []runsheet.Host{local, queue}, []runsheet.Facts{waits("slurm"), {}}, 1, []string{"wait", "launch localhost"}},
		{"no room", []runsheet.Host{local, queue}, []runsheet.Facts{begun("localhost"), waits("slurm")}, 1, []string{"wait", "wait"}},
		{"the queue comes first", []runsheet.Host{queue, local}, []runsheet.Facts{waits("slurm")}, 1, []string{"wait"}},
		{"away", []runsheet.Host{away, queue}, []runsheet.Facts{waits("slurm")}, 1, []string{"wait"}},
		{"it runs", []runsheet.Host{local, queue}, []runsheet.Facts{begun("slurm")}, 1, []string{"wait"}},
		{"it began before", []runsheet.Host{local, queue}, []runsheet.Facts{requeued}, 1, []string{"wait"}},
		{"it is to be stopped", []runsheet.Host{local, queue}, []runsheet.Facts{stopped, waits("slurm")}, 1, []string{"end", "end: there is room on localhost"}},
		{"a queue before a queue", []runsheet.Host{{Name: "fast", Slots: 9, Queue: true}, queue}, []runsheet.Facts{waits("slurm")}, 1, []string{"wait"}},
	} {
		in := Input{Hosts: c.hosts, Facts: c.facts, Policy: runsheet.DefaultPolicy, Now: noon}
		for range c.facts {
			in.Runs = append(in.Runs, runsheet.Run{Command: command, Resources: runsheet.Resources{CPUs: 1}})
		}
		in.Runs[len(in.Runs)-1].Resources.CPUs = c.cpus
		var got []string
		for i, a := range Decide(in) {
			s := string(a.Verb)
			switch {
			case a.Verb == runsheet.VerbLaunch:
				s += " " + a.Host
			case a.Verb == runsheet.VerbEnd && !c.facts[i].StopRequested():
				s += ": " + a.Reason
			}
			if a.Run != i {
				t.Errorf("%s: action %d is about run %d", c.name, i, a.Run)
			}
			got = append(got, s)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}
