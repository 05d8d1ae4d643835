package host

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"runsheet"
)

// devices judges the GPUs in a window of samples, the newest last: utilisation by its mean over the samples in which no
// attempt of ours was on the GPU, memory and processes as they were last. If the last sample could not see a GPU that an
// earlier one saw, it is busy, and the reason says why.
func devices(window []Sample, idle runsheet.Idle) []runsheet.Device {
	if len(window) == 0 {
		return nil
	}
	last := window[len(window)-1]
	known := known(window)
	out := make([]runsheet.Device, len(known))
	for i, g := range known {
		d := runsheet.Device{ID: strconv.Itoa(g.Index), Name: g.Name, Memory: max(g.Memory, 0), Free: max(g.MemoryFree, 0)}
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
			d.Busy = gpuBusy(g, meanUtilisation(window, g), idle.Utilisation)
			d.WasOurs = slices.Contains(last.OwnGPUs, d.ID)
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

// meanUtilisation returns the mean over the samples that know it and in which the GPU was not ours, Unknown where there is
// none: what an attempt of ours did there says nothing of what others do.
func meanUtilisation(window []Sample, of GPU) float64 {
	return mean(window, func(s Sample) float64 {
		if g := find(s.GPUs, of.UUID); g != nil && !slices.Contains(s.OwnGPUs, strconv.Itoa(of.Index)) {
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

// gpuBusy says why a GPU is not idle, or "". Whoever places a run compares what is free of its memory.
func gpuBusy(g GPU, utilisation, limit float64) string {
	reason := ""
	switch {
	case limit > 0 && utilisation >= limit:
		reason = fmt.Sprintf("utilisation %.0f %%", 100*utilisation)
	case limit > 0 && utilisation == Unknown && len(g.Processes) > 0:
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

// busy says why a machine does not keep to limits, or "". What is ours does not count.
func busy(window []Sample, limits runsheet.Limits) string {
	last := window[len(window)-1]
	share := mean(window, func(s Sample) float64 {
		if s.CPU == Unknown {
			return Unknown
		}
		return max(s.CPU-s.OwnCPU, 0)
	})
	load := max(last.Load-last.OwnLoad, 0)
	switch {
	case limits.CPU > 0 && share >= limits.CPU:
		return fmt.Sprintf("others keep %.0f %% of its cores busy, and %.0f %% is the limit", 100*share, 100*limits.CPU)
	case limits.Load > 0 && last.Cores > 0 && last.Load != Unknown && load >= limits.Load*float64(last.Cores):
		return fmt.Sprintf("the load of others is %.1f on %d cores, and %.1f is the limit", load, last.Cores, limits.Load*float64(last.Cores))
	case limits.Free > 0 && last.MemoryFree < limits.Free:
		return fmt.Sprintf("%s of memory are left, and %s is the least", size(last.MemoryFree), size(limits.Free))
	}
	return ""
}

// Local returns this machine as a place for runs: at most jobs attempts at once, the GPUs those that the entry of the
// pool names, in its order, or all. One that it names and that is not there is busy for ever, with the reason.
func Local(window []Sample, jobs int, entry runsheet.PoolEntry, idle runsheet.Idle) runsheet.Host {
	h := runsheet.Host{Name: "localhost", Executor: "local", Slots: jobs}
	if len(window) == 0 {
		h.Blind = "it has not been looked at yet"
		return h
	}
	last := window[len(window)-1]
	h.Name, h.CPUs, h.Memory = last.Host, last.CPUs, last.Memory
	h.Busy, h.GPUsBusy = busy(window, idle.Always), busy(window, idle.WithGPUs)
	devices := devices(window, idle)
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
