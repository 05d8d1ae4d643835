package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"runsheet"
)

// space is what the hosts have left, and what is asked of them.
type space struct {
	now   time.Time
	hosts []*room
}

// lack is why a host has no room for an attempt now. The zero value says that it has.
type lack struct {
	why    string
	others bool // others than our attempts hold what is missing: only another look tells when they let go
	busy   bool // the work of others does, not that the host cannot be asked
	soon   bool // what an attempt of ours held was not looked at since
}

// room is one host and what our live attempts hold of it.
type room struct {
	runsheet.Host
	slots  int
	cpus   int
	memory int64
	taken  map[string]bool // devices, by their ids
	free   int64           // bytes that must be free on a GPU for a run that does not say

	refusals map[Ask]string // of all hosts
}

// newSpace returns the hosts with all that lives accounted for.
func newSpace(in Input) *space {
	s := &space{now: in.Now}
	for _, h := range in.Hosts {
		s.hosts = append(s.hosts, &room{Host: h, taken: map[string]bool{}, free: in.Policy.Idle.GPUMemory, refusals: in.Refusals})
	}
	for i, f := range in.Facts {
		if i >= len(in.Runs) {
			break
		}
		if f.Problem == "" && f.Live() {
			s.hold(f.Claim.Host, f.Claim.Devices, in.Runs[i].Resources)
		} else if t := in.tries(i); t.Open != "" {
			s.hold(t.Host, t.Devices, in.Runs[i].Resources)
		}
	}
	for _, f := range in.Strays {
		if f.Live() {
			s.hold(f.Claim.Host, f.Claim.Devices, runsheet.Resources{}) // the sheet that said what it asks for is gone
		}
	}
	return s
}

func (s *space) hold(host string, devices []string, r runsheet.Resources) {
	for _, h := range s.hosts {
		if h.Name == host {
			h.hold(devices, r)
			return
		}
	}
}

func (h *room) hold(devices []string, r runsheet.Resources) {
	h.slots++
	h.cpus += r.CPUs
	h.memory += r.Memory
	for _, d := range devices {
		h.taken[d] = true
	}
}

// place completes a launch with the first host that has room for it now; otherwise it waits, or is given up where no
// host could ever have room.
func (s *space) place(a runsheet.Action, run runsheet.Run) runsheet.Action {
	r := run.Resources
	if len(s.hosts) == 0 {
		return wait("waiting for a host: none can be asked now", s.now.Add(lookAgain))
	}
	var never, notNow []string
	var all lack
	for _, h := range s.hosts {
		if why := h.never(run); why != "" {
			never = append(never, h.Name+" "+why)
			continue
		}
		devices, lacks := h.fit(r)
		if lacks.why == "" {
			h.hold(devices, r)
			a.Host, a.Devices = h.Name, devices
			return a
		}
		notNow = append(notNow, lacks.why)
		all.others, all.busy, all.soon = all.others || lacks.others, all.busy || lacks.busy, all.soon || lacks.soon
	}
	if len(notNow) == 0 {
		a := giveUp(needs(r, never))
		a.NoHost = true
		return a
	}
	w := wait("waiting for "+strings.Join(slices.Compact(notNow), ", or "), time.Time{})
	switch {
	case all.soon:
		w.Until = s.now.Add(lookSoon)
	case all.others:
		w.Until = s.now.Add(lookAgain)
	}
	w.Crowded = all.busy
	return w
}

// Never says why no host could ever have room for an attempt of the run; empty: one could, or none is known.
func Never(run runsheet.Run, hosts []runsheet.Host) string {
	var never []string
	for _, h := range hosts {
		why := (&room{Host: h}).never(run)
		if why == "" {
			return ""
		}
		never = append(never, h.Name+" "+why)
	}
	if len(never) == 0 {
		return ""
	}
	return needs(run.Resources, never)
}

// needs says what an attempt asks for, and why no host has that.
func needs(r runsheet.Resources, never []string) string {
	return fmt.Sprintf("needs %s; %s", asks(r), strings.Join(never, ", "))
}

// never says why a host could not run an attempt even if it were idle; empty: it could.
func (h *room) never(run runsheet.Run) string {
	r := run.Resources
	switch {
	case !run.MayUse(h.Entry):
		return "is not in its pool"
	case h.refuses(r) != "":
		return "does not take it (" + h.refuses(r) + ")"
	case h.Slots < 1:
		return "takes no attempts"
	case h.Queue:
		return "" // it says itself what it has no room for, ever
	case r.GPUs > len(h.Devices) && len(h.Devices) == 0 && h.Blind == "":
		return "has no GPU"
	case r.GPUs > len(h.Devices) && h.Blind == "":
		return "has " + count(len(h.Devices), "GPU")
	case h.large(r) < r.GPUs && h.Blind == "":
		return "has " + count(h.large(r), "GPU") + " of " + bytes(r.GPUMemory)
	case h.CPUs > 0 && r.CPUs > h.CPUs:
		return "has " + count(h.CPUs, "CPU")
	case h.Memory > 0 && r.Memory > h.Memory:
		return "has " + bytes(h.Memory) + " of memory"
	}
	return ""
}

// refuses says why a host will never take what asks for these resources, by its own word; empty: it has not said so.
func (h *room) refuses(r runsheet.Resources) string {
	if len(h.refusals) == 0 {
		return ""
	}
	return h.refusals[Ask{h.Name, r}]
}

// large counts the GPUs that have as much memory as a run says that it needs.
func (h *room) large(r runsheet.Resources) (n int) {
	for _, d := range h.Devices {
		if d.Memory == 0 || d.Memory >= r.GPUMemory {
			n++
		}
	}
	return n
}

// fit returns the devices that an attempt would be given now, or why it has to wait.
func (h *room) fit(r runsheet.Resources) ([]string, lack) {
	switch {
	case h.Away != "":
		return nil, lack{why: fmt.Sprintf("%s: %s", h.Name, h.Away), others: true}
	case h.slots >= h.Slots:
		return nil, lack{why: fmt.Sprintf("a slot on %s: %d of %d taken", h.Name, h.slots, h.Slots)}
	case h.Queue:
		return nil, lack{}
	case r.CPUs > 0 && h.CPUs > 0 && r.CPUs > h.CPUs-h.cpus:
		return nil, lack{why: fmt.Sprintf("%s on %s: %d of %d taken", count(r.CPUs, "CPU"), h.Name, h.cpus, h.CPUs)}
	case r.Memory > 0 && h.Memory > 0 && r.Memory > h.Memory-h.memory:
		return nil, lack{why: fmt.Sprintf("%s of memory on %s: %s of %s taken", bytes(r.Memory), h.Name, bytes(h.memory), bytes(h.Memory))}
	case h.Busy != "":
		return nil, lack{why: h.Name + " to be idle: " + h.Busy, others: true, busy: true}
	}
	devices, l := h.idle(r)
	switch {
	case len(devices) < r.GPUs:
		l.why = fmt.Sprintf("%s on %s (%s)", count(r.GPUs, "GPU"), h.Name, l.why)
		return nil, l
	case r.GPUs > 0 && h.GPUsBusy != "":
		return nil, lack{why: h.Name + " to be idle: " + h.GPUsBusy, others: true, busy: true}
	}
	return devices, lack{}
}

// idle returns as many idle devices as an attempt asks for, or those that there are, and why the others are not idle.
func (h *room) idle(r runsheet.Resources) (devices []string, l lack) {
	var busy []string
	if r.GPUs > len(h.Devices) && h.Blind != "" {
		busy, l.others = append(busy, h.Blind), true
	}
	for _, d := range h.Devices {
		if len(devices) >= r.GPUs {
			break
		}
		need := r.GPUMemory
		if need <= 0 {
			need = h.free
			if d.Memory > 0 {
				need = min(need, d.Memory/10*9)
			}
		}
		switch {
		case h.taken[d.ID]:
			busy = append(busy, d.ID+": ours")
		case d.WasOurs:
			busy, l.soon = append(busy, d.ID+": ours until now"), true
		case d.Busy != "":
			busy, l.others, l.busy = append(busy, d.ID+": "+d.Busy), true, true
		case d.Free < need:
			busy, l.others, l.busy = append(busy, fmt.Sprintf("%s: %s of memory free, %s needed", d.ID, bytes(d.Free), bytes(need))), true, true
		case !slices.Contains(devices, d.ID):
			devices = append(devices, d.ID)
		}
	}
	l.why = strings.Join(busy, "; ")
	return devices, l
}

// asks renders what a run asks of its host.
func asks(r runsheet.Resources) string {
	var parts []string
	if r.GPUs > 0 {
		parts = append(parts, count(r.GPUs, "GPU"))
	}
	if r.CPUs > 0 {
		parts = append(parts, count(r.CPUs, "CPU"))
	}
	if r.Memory > 0 {
		parts = append(parts, bytes(r.Memory)+" of memory")
	}
	if len(parts) == 0 {
		return "a slot"
	}
	return strings.Join(parts, ", ")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func bytes(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }
