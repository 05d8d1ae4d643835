package host

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"runsheet"
)

// Thresholds say when a GPU is idle for us. A zero value asks for nothing.
type Thresholds struct {
	Utilisation float64 // a GPU is busy from this mean utilisation on, in [0, 1]
	FreeMemory  int64   // and with less free memory than this, bytes; 0: whoever places a run compares Device.Free
	CPU         float64 // all GPUs are busy from this mean share of busy cores on, in [0, 1]
	Load        float64 // and from this load per core on
	MemoryLeft  int64   // and with less main memory than this left, bytes
}

// DefaultThresholds returns what holds unless something else is said: utilisation 50 %, CPU 80 %, a load of one per
// core, 4 GiB of main memory. Free memory of the GPU is left to the run that asks.
func DefaultThresholds() Thresholds {
	return Thresholds{Utilisation: 0.5, CPU: 0.8, Load: 1, MemoryLeft: 4 << 30}
}

// Devices judges the GPUs in a window of samples, the newest last: utilisation and CPU by their means, memory and
// processes as they were last. If the last sample could not see a GPU that an earlier one saw, it is busy, and the reason
// says why.
func Devices(window []Sample, t Thresholds) []runsheet.Device {
	if len(window) == 0 {
		return nil
	}
	machine := machineBusy(window, t)
	last := window[len(window)-1]
	known := known(window)
	out := make([]runsheet.Device, len(known))
	for i, g := range known {
		d := runsheet.Device{ID: strconv.Itoa(g.Index), Name: g.Name, Free: max(g.MemoryFree, 0)}
		switch {
		case find(last.GPUs, g.UUID) == nil:
			d.Free = 0
			d.Busy = "not seen any more"
			if last.GPUError != "" {
				d.Busy = last.GPUError
			}
		case g.MIG:
			d.Busy = "divided by MIG: its instances are not scheduled"
		default:
			d.Busy = gpuBusy(g, meanUtilisation(window, g.UUID), t)
			if d.Busy == "" {
				d.Busy = machine
			}
		}
		out[i] = d
	}
	return out
}

// known returns every GPU of the window as it was last seen, in the order of the last sample that saw any; those that
// it missed come after.
func known(window []Sample) []GPU {
	var out []GPU
	for i := len(window) - 1; i >= 0; i-- {
		for _, g := range window[i].GPUs {
			if find(out, g.UUID) == nil {
				out = append(out, g)
			}
		}
	}
	return out
}

func find(gpus []GPU, uuid string) *GPU {
	for i := range gpus {
		if gpus[i].UUID == uuid {
			return &gpus[i]
		}
	}
	return nil
}

// meanUtilisation returns the mean over the samples that know it, Unknown where none does.
func meanUtilisation(window []Sample, uuid string) float64 {
	return mean(window, func(s Sample) float64 {
		if g := find(s.GPUs, uuid); g != nil {
			return g.Utilisation
		}
		return Unknown
	})
}

func mean(window []Sample, value func(Sample) float64) float64 {
	sum, n := 0.0, 0
	for _, s := range window {
		if v := value(s); v != Unknown {
			sum += v
			n++
		}
	}
	if n == 0 {
		return Unknown
	}
	return sum / float64(n)
}

// gpuBusy says why a GPU is not idle, or "".
func gpuBusy(g GPU, utilisation float64, t Thresholds) string {
	reason := ""
	switch {
	case t.Utilisation > 0 && utilisation >= t.Utilisation:
		reason = fmt.Sprintf("utilisation %.0f %%", 100*utilisation)
	case t.FreeMemory > 0 && g.MemoryFree == Unknown:
		return "its free memory is not known"
	case t.FreeMemory > 0 && g.MemoryFree < t.FreeMemory:
		reason = fmt.Sprintf("%s free, %s asked for", size(g.MemoryFree), size(t.FreeMemory))
	case t.Utilisation > 0 && utilisation == Unknown && len(g.Processes) > 0:
		reason = "in use" // how much cannot be told
	default:
		return ""
	}
	if len(g.Processes) == 0 {
		return reason
	}
	who := make([]string, 0, 3)
	for i, p := range g.Processes {
		if i == 2 && len(g.Processes) > 3 {
			who = append(who, fmt.Sprintf("%d more", len(g.Processes)-i))
			break
		}
		who = append(who, p.String())
	}
	return reason + " (" + strings.Join(who, ", ") + ")"
}

// machineBusy says why no GPU of the machine is idle, or "".
func machineBusy(window []Sample, t Thresholds) string {
	last := window[len(window)-1]
	share := mean(window, func(s Sample) float64 { return s.CPU })
	switch {
	case t.CPU > 0 && share >= t.CPU:
		return fmt.Sprintf("the machine's CPU is %.0f %% busy", 100*share)
	case t.Load > 0 && last.CPUs > 0 && last.Load >= t.Load*float64(last.CPUs):
		return fmt.Sprintf("the machine's load is %.1f on %d cores", last.Load, last.CPUs)
	case t.MemoryLeft > 0 && last.MemoryFree < t.MemoryLeft:
		return fmt.Sprintf("the machine has %s of memory left", size(last.MemoryFree))
	}
	return ""
}

// Local returns this machine as a place for runs: at most jobs attempts at once, the GPUs those that the entry of the
// pool names, in its order, or all. One that it names and that is not there is busy for ever, with the reason.
func Local(window []Sample, jobs int, entry runsheet.PoolEntry, t Thresholds) runsheet.Host {
	h := runsheet.Host{Name: "localhost", Executor: "local", Slots: jobs}
	if len(window) == 0 {
		h.Blind = "it has not been looked at yet"
		return h
	}
	last := window[len(window)-1]
	h.Name, h.CPUs, h.Memory = last.Host, last.CPUs, last.Memory
	devices := Devices(window, t)
	if entry.GPUs == nil {
		h.Devices = devices
		if len(devices) == 0 {
			h.Blind = last.GPUError
		}
		return h
	}
	for _, index := range entry.GPUs {
		d := runsheet.Device{ID: strconv.Itoa(index), Busy: "there is no such GPU"}
		if last.GPUError != "" {
			d.Busy = last.GPUError
		}
		for _, have := range devices {
			if have.ID == d.ID {
				d = have
			}
		}
		h.Devices = append(h.Devices, d)
	}
	return h
}

func size(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }
