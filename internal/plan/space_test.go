package plan

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"runsheet"
)

const gib = 1 << 30

// farm is a world of pending runs, one for each of what is asked for.
func farm(hosts []runsheet.Host, asks ...runsheet.Resources) Input {
	w := Input{Hosts: hosts, Policy: runsheet.DefaultPolicy, Now: noon}
	for range asks {
		w.Facts, w.Tries = append(w.Facts, runsheet.Facts{}), append(w.Tries, Tries{})
	}
	for _, r := range asks {
		w.Runs = append(w.Runs, runsheet.Run{Command: command, Resources: r})
	}
	return w
}

func live(host string, devices ...string) runsheet.Facts {
	return runsheet.Facts{Attempt: 1, Claim: &runsheet.Claim{At: ago(time.Minute), Identity: command, Host: host, Devices: devices},
		Start: &runsheet.Start{At: ago(time.Minute)}, Liveness: runsheet.LivenessAlive}
}

func gpus(ids ...string) (d []runsheet.Device) {
	for _, id := range ids {
		d = append(d, runsheet.Device{ID: id, Free: 24 * gib})
	}
	return d
}

// told renders actions as the verbs with where to or why.
func told(actions []runsheet.Action) (out []string) {
	for _, a := range actions {
		text := string(a.Verb) + " "
		if a.Verb == runsheet.VerbLaunch {
			text += a.Host
			for _, d := range a.Devices {
				text += " " + d
			}
		} else {
			text += a.Reason
		}
		if !a.Until.IsZero() {
			text += " until " + a.Until.Sub(noon).String()
		}
		out = append(out, text)
	}
	return out
}

// TestBusyHosts holds what runs wait for where a host or a GPU is busy: with the work of others, or with what was ours.
func TestBusyHosts(t *testing.T) {
	gpu, none := runsheet.Resources{GPUs: 1}, runsheet.Resources{}
	box := func(change func(*runsheet.Host)) []runsheet.Host {
		h := runsheet.Host{Name: "box", Slots: 4, CPUs: 8, Memory: 16 * gib, Devices: gpus("0", "1")}
		change(&h)
		return []runsheet.Host{h}
	}
	for _, c := range []struct {
		name    string
		world   Input
		idle    func(*runsheet.Idle)
		want    []string
		crowded bool
	}{
		{"for runs with GPUs", farm(box(func(h *runsheet.Host) { h.GPUsBusy = "too much load" }), gpu, none), nil,
			[]string{"wait waiting for box to be idle: too much load until 10s", "launch box"}, true},
		{"for all", farm(box(func(h *runsheet.Host) { h.Busy = "too much load" }), none), nil,
			[]string{"wait waiting for box to be idle: too much load until 10s"}, true},
		{"ours alone", farm(box(func(h *runsheet.Host) { h.Slots = 1 }), none, none), nil,
			[]string{"launch box", "wait waiting for a slot on box: 1 of 1 taken"}, false},
		{"away is not busy", farm(box(func(h *runsheet.Host) { h.Away = "no answer" }), none), nil,
			[]string{"wait waiting for box: no answer until 10s"}, false},
		{"ours until now", farm(box(func(h *runsheet.Host) { h.Devices[0].WasOurs, h.Devices[0].Free = true, 0; h.Devices = h.Devices[:1] }), gpu), nil,
			[]string{"wait waiting for 1 GPU on box (0: ours until now) until 1s"}, false},
		{"memory that the sheet asks for", farm(box(func(h *runsheet.Host) { h.Devices[0].Free, h.Devices[1].Free = 3*gib, 5*gib }), gpu, gpu),
			func(i *runsheet.Idle) { i.GPUMemory = 4 * gib },
			[]string{"launch box 1", "wait waiting for 1 GPU on box (0: 3.0 GiB of memory free, 4.0 GiB needed; 1: ours) until 10s"}, true},
		{"nine tenths of a small GPU", farm(box(func(h *runsheet.Host) {
			h.Devices[0].Memory, h.Devices[0].Free = 8*gib, 7*gib
			h.Devices[1].Memory, h.Devices[1].Free = 8*gib, 7*gib+gib/2
		}), gpu), nil, []string{"launch box 1"}, false},
		{"no GPU has as much", farm(box(func(h *runsheet.Host) { h.Devices[0].Memory, h.Devices[1].Memory = 8*gib, 24*gib }), runsheet.Resources{GPUs: 2, GPUMemory: 16 * gib}), nil,
			[]string{"give up needs 2 GPUs; box has 1 GPU of 16 GiB"}, false},
	} {
		if c.idle != nil {
			c.idle(&c.world.Policy.Idle)
		}
		actions := Decide(c.world)
		crowded := false
		for _, a := range actions {
			crowded = crowded || a.Crowded
		}
		if diff := cmp.Diff(c.want, told(actions)); diff != "" || crowded != c.crowded {
			t.Errorf("%s: crowded %t\n%s", c.name, crowded, diff)
		}
	}
}

func TestPlace(t *testing.T) {
	type R = runsheet.Resources
	box := func(slots int) []runsheet.Host {
		return []runsheet.Host{{Name: "box", Slots: slots, CPUs: 8, Memory: 16 * gib, Devices: gpus("0", "1")}}
	}
	for _, c := range []struct {
		name  string
		world Input
		more  func(*Input)
		want  []string
	}{
		{"slots in the order of the sheet", farm(box(2), R{}, R{}, R{}), nil,
			[]string{"launch box", "launch box", "wait waiting for a slot on box: 2 of 2 taken"}},
		{"what lives holds its slot", farm(box(2), R{}, R{}, R{}), func(w *Input) { w.Facts[2] = live("box") },
			[]string{"launch box", "wait waiting for a slot on box: 2 of 2 taken", "wait running"}},
		{"on its own host", farm(box(1), R{}, R{}), func(w *Input) { w.Facts[1] = live("other") }, []string{"launch box", "wait running"}},
		{"also what nobody can ask after", farm(box(1), R{}, R{}), func(w *Input) {
			w.Facts[1] = live("box")
			w.Facts[1].Liveness, w.Facts[1].Why = runsheet.LivenessUnknown, "another boot"
		}, []string{"wait waiting for a slot on box: 1 of 1 taken", "wait whether its attempt lives cannot be told: another boot"}},
		{"also what is gone without an end", farm(box(1), R{}, R{}), func(w *Input) {
			w.Facts[1] = live("box")
			w.Facts[1].Liveness = runsheet.LivenessGone
		}, []string{"wait waiting for a slot on box: 1 of 1 taken", "recover lost: its supervisor was killed"}},
		{"strays hold theirs", farm(box(1), R{}), func(w *Input) { w.Strays = []runsheet.Facts{live("box")} },
			[]string{"wait waiting for a slot on box: 1 of 1 taken"}},
		{"strays that ended hold none", farm(box(1), R{}), func(w *Input) {
			w.Strays = []runsheet.Facts{live("box")}
			w.Strays[0].End = &runsheet.End{}
		}, []string{"launch box"}},
		{"a claim that only the journal knows holds its slot", farm(box(1), R{}, R{}), func(w *Input) {
			w.Tries[1] = Tries{Open: "its records are gone", Host: "box"}
		}, []string{"wait waiting for a slot on box: 1 of 1 taken", "wait its records are gone"}},
		{"more live than slots", farm(box(1), R{}, R{}, R{}), func(w *Input) { w.Facts[1], w.Facts[2] = live("box"), live("box") },
			[]string{"wait waiting for a slot on box: 2 of 1 taken", "wait running", "wait running"}},
		{"the next host", farm(append(box(1), runsheet.Host{Name: "next", Slots: 1}), R{}, R{}, R{}), nil,
			[]string{"launch box", "launch next", "wait waiting for a slot on box: 1 of 1 taken, or a slot on next: 1 of 1 taken"}},

		{"devices go one by one", farm(box(4), R{GPUs: 1}, R{GPUs: 1}, R{GPUs: 1}), nil,
			[]string{"launch box 0", "launch box 1", "wait waiting for 1 GPU on box (0: ours; 1: ours)"}},
		{"a run that needs both lets a smaller one by", farm(box(4), R{GPUs: 2}, R{GPUs: 1}, R{}), func(w *Input) {
			w.Facts[2] = live("box", "1")
		}, []string{"wait waiting for 2 GPUs on box (1: ours)", "launch box 0", "wait running"}},
		{"a device of a stray", farm(box(4), R{GPUs: 1}), func(w *Input) { w.Strays = []runsheet.Facts{live("box", "0")} }, []string{"launch box 1"}},
		{"a device of the same name elsewhere", farm(box(4), R{GPUs: 1}), func(w *Input) { w.Strays = []runsheet.Facts{live("other", "0")} }, []string{"launch box 0"}},
		{"somebody else's", farm(box(4), R{GPUs: 1}, R{GPUs: 1}), func(w *Input) {
			w.Hosts[0].Devices[0].Busy = "alice: python 20 GiB"
			w.Hosts[0].Devices[1].Free = 8 * gib
		}, []string{"wait waiting for 1 GPU on box (0: alice: python 20 GiB; 1: 8.0 GiB of memory free, 12 GiB needed) until 10s",
			"wait waiting for 1 GPU on box (0: alice: python 20 GiB; 1: 8.0 GiB of memory free, 12 GiB needed) until 10s"}},
		{"less memory is enough", farm(box(4), R{GPUs: 1, GPUMemory: 8 * gib}), func(w *Input) {
			w.Hosts[0].Devices[0].Busy, w.Hosts[0].Devices[1].Free = "bob", 8*gib
		}, []string{"launch box 1"}},
		{"a list that names a device twice", farm([]runsheet.Host{{Name: "box", Slots: 2, Devices: gpus("0", "0", "1")}}, R{GPUs: 2}), nil, []string{"launch box 0 1"}},
		{"busy devices do not hold up who asks for none", farm(box(1), R{}), func(w *Input) { w.Hosts[0].Devices[0].Busy = "bob" }, []string{"launch box"}},

		{"CPUs", farm(box(4), R{CPUs: 5}, R{CPUs: 4}, R{CPUs: 3}), nil,
			[]string{"launch box", "wait waiting for 4 CPUs on box: 5 of 8 taken", "launch box"}},
		{"CPUs of what lives", farm(box(4), R{CPUs: 5}, R{CPUs: 4}), func(w *Input) { w.Facts[1] = live("box") },
			[]string{"wait waiting for 5 CPUs on box: 4 of 8 taken", "wait running"}},
		{"memory", farm(box(4), R{Memory: 10 * gib}, R{Memory: 7 * gib}, R{Memory: 6 * gib}), nil,
			[]string{"launch box", "wait waiting for 7.0 GiB of memory on box: 10 GiB of 16 GiB taken", "launch box"}},
		{"what asks for nothing fits in", farm(box(4), R{CPUs: 8, Memory: 16 * gib}, R{}), nil, []string{"launch box", "launch box"}},
		{"what is not known is not held against anybody", farm([]runsheet.Host{{Name: "box", Slots: 2}}, R{CPUs: 500, Memory: 1 << 60}, R{CPUs: 500}), nil,
			[]string{"launch box", "launch box"}},

		{"no GPU at all", farm([]runsheet.Host{{Name: "localhost", Slots: 2}}, R{GPUs: 2}, R{}), nil,
			[]string{"give up needs 2 GPUs; localhost has no GPU", "launch localhost"}},
		{"GPUs that cannot be seen just now", farm([]runsheet.Host{{Name: "box", Slots: 2, CPUs: 8, Blind: "nvidia-smi: no answer within 10s"}}, R{GPUs: 2}, R{GPUs: 1, CPUs: 9}, R{}), nil,
			[]string{"wait waiting for 2 GPUs on box (nvidia-smi: no answer within 10s) until 10s", "give up needs 1 GPU, 9 CPUs; box has 8 CPUs", "launch box"}},
		{"too few GPUs", farm(box(2), R{GPUs: 3}), nil, []string{"give up needs 3 GPUs; box has 2 GPUs"}},
		{"too much", farm(append(box(2), runsheet.Host{Name: "small", Slots: 1, CPUs: 64, Memory: 8 * gib}), R{CPUs: 16, Memory: 12 * gib}), nil,
			[]string{"give up needs 16 CPUs, 12 GiB of memory; box has 8 CPUs, small has 8.0 GiB of memory"}},
		{"no slots", farm(box(0), R{}), nil, []string{"give up needs a slot; box takes no attempts"}},
		{"only one of two hosts could ever", farm(append([]runsheet.Host{{Name: "small", Slots: 1}}, box(1)...), R{GPUs: 1}, R{GPUs: 1}), nil,
			[]string{"launch box 0", "wait waiting for a slot on box: 1 of 1 taken"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.more != nil {
				c.more(&c.world)
			}
			if diff := cmp.Diff(c.want, told(Decide(c.world))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
