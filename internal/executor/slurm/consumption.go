package slurm

import (
	"context"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"runsheet"
)

// consumed are the fields that sacct is asked for: the job or a step of it, when it was started, how long it ran, its CPU
// time, the memory of its largest process, and what was asked for: cores, memory, minutes.
const consumed = "JobID,Start,ElapsedRaw,TotalCPU,MaxRSS,ReqCPUS,ReqMem,TimelimitRaw"

// Consumption returns what the accounting database says of jobs, by their names as start.json has them: of each of their
// executions, the oldest first. It is nil where there is none, or it does not answer.
func (e *Executor) Consumption(ctx context.Context, jobs []string) map[string][]runsheet.Consumption {
	c, err := e.configured(ctx)
	if err != nil || !c.accounting || len(jobs) == 0 {
		return nil
	}
	arrays := map[string]bool{}
	for _, job := range jobs {
		array, _, _ := strings.Cut(job, "_")
		arrays[array] = true
	}
	ctx, cancel := context.WithTimeout(ctx, accountPatience)
	defer cancel()
	out, err := e.command(ctx, "sacct", "--noheader", "--parsable2", "--duplicates",
		"--jobs="+strings.Join(slices.Sorted(maps.Keys(arrays)), ","), "--format="+consumed)
	if err != nil {
		return nil
	}
	return parseConsumption(out)
}

// parseConsumption reads what sacct printed in those fields: a line for each execution of a job, and after it one for each of
// its steps, "12_3.batch", of which alone the memory is known.
func parseConsumption(out string) map[string][]runsheet.Consumption {
	all := map[string][]runsheet.Consumption{}
	for line := range strings.Lines(out) {
		f := strings.Split(strings.TrimSpace(line), "|")
		if len(f) != 8 {
			continue
		}
		job, _, step := strings.Cut(f[0], ".")
		if peak := size(f[4]); step {
			if n := len(all[job]); n > 0 {
				last := &all[job][n-1]
				last.Peak = max(last.Peak, peak)
			}
			continue
		}
		began, err := time.ParseInLocation("2006-01-02T15:04:05", f[1], time.Local)
		if err != nil {
			continue // it waits
		}
		c := runsheet.Consumption{Began: began, CPU: cpuTime(f[3])}
		if n, err := strconv.ParseInt(f[2], 10, 32); err == nil {
			c.Wall = time.Duration(n) * time.Second
		}
		if n, err := strconv.Atoi(f[5]); err == nil {
			c.Requested.CPUs = n
		}
		c.Requested.Memory = size(f[6])
		if n, err := strconv.ParseInt(f[7], 10, 32); err == nil {
			c.Requested.Time = time.Duration(n) * time.Minute
		}
		all[job] = append(all[job], c)
	}
	return all
}

// size reads "130408K", "1.5G", and "100Mn" of an older Slurm, which is per node; 0: it is not known. Per core, "100Mc", it is
// not taken for what the whole job asked for.
func size(s string) int64 {
	s = strings.TrimSuffix(s, "n")
	unit := 1.0
	if i := strings.IndexAny(s, "KMGT"); i >= 0 {
		if i != len(s)-1 {
			return 0
		}
		unit = math.Pow(1024, float64(1+strings.IndexByte("KMGT", s[i])))
		s = s[:i]
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v >= 0 && v*unit < 1<<60) {
		return 0
	}
	return int64(v * unit)
}

// cpuTime reads "00:00.007", "01:02:03" and "2-01:02:03"; 0: it is not known.
func cpuTime(s string) time.Duration {
	whole, part, _ := strings.Cut(s, ".")
	d, ok := parseSpan(whole)
	if !ok {
		return 0
	}
	if f, err := strconv.ParseFloat("0."+part, 64); err == nil {
		d += time.Duration(f * float64(time.Second))
	}
	return d
}
