package sheet

import (
	"strings"

	"go.yaml.in/yaml/v4"

	"runsheet"
)

// policy reads `policy` over the defaults.
func (r *reader) policy(n *yaml.Node) runsheet.Policy {
	p := runsheet.DefaultPolicy
	for _, e := range r.mapping(n, "policy", policyKeys) {
		switch e.key {
		case "jobs":
			if v, ok := r.integer(e.value, "jobs", 1, 10000); ok {
				p.Jobs = int(v)
			}
		case "retries":
			if v, ok := r.integer(e.value, "retries", 0, 1000); ok {
				p.Retries = int(v)
			}
		case "backoff":
			p.Backoff, _ = r.duration(e.value, "backoff", "")
		case "activity_window":
			p.ActivityWindow, _ = r.duration(e.value, "activity_window", "")
		case "stuck_after":
			p.StuckAfter, _ = r.duration(e.value, "stuck_after", "auto")
		case "on_stuck":
			p.OnStuck = runsheet.OnStuck(r.choice(e.value, "on_stuck", string(runsheet.RestartStuck), string(runsheet.LeaveStuck)))
		case "outdated_after":
			p.OutdatedAfter, _ = r.duration(e.value, "outdated_after", "never")
		case "outdated_before":
			p.OutdatedBefore = r.date(e.value, "outdated_before")
		case "rerun_outdated":
			p.RerunOutdated = r.boolean(e.value, "rerun_outdated")
		case "stop_grace":
			p.StopGrace, _ = r.duration(e.value, "stop_grace", "")
		case "host_lost_after":
			p.HostLostAfter, _ = r.duration(e.value, "host_lost_after", "never")
		case "min_free":
			p.MinFree = r.sizeOrNone(e.value, "min_free")
		case "idle":
			p.Idle = r.idle(e.value)
		}
	}
	return p
}

// sizeOrNone reads a size, or 0 for none.
func (r *reader) sizeOrNone(n *yaml.Node, owner string) int64 {
	if n.Kind == yaml.ScalarNode && n.Value == "0" {
		return 0
	}
	v, _ := r.size(n, owner)
	return v
}

// idle reads `idle` over the defaults. What it says of a machine holds for all runs, not only for those that ask for GPUs.
func (r *reader) idle(n *yaml.Node) runsheet.Idle {
	i := runsheet.DefaultPolicy.Idle
	for _, e := range r.mapping(n, "idle", idleKeys) {
		switch e.key {
		case "utilisation":
			v, _ := r.integer(e.value, "utilisation", 0, 100)
			i.Utilisation = float64(v) / 100
		case "memory":
			i.GPUMemory = r.sizeOrNone(e.value, "memory")
		case "cpu":
			v, _ := r.integer(e.value, "cpu", 0, 100)
			i.WithGPUs.CPU = float64(v) / 100
			i.Always.CPU = i.WithGPUs.CPU
		case "load":
			i.WithGPUs.Load = r.decimal(e.value, "load")
			i.Always.Load = i.WithGPUs.Load
		case "free":
			i.WithGPUs.Free = r.sizeOrNone(e.value, "free")
			i.Always.Free = i.WithGPUs.Free
		}
	}
	return i
}

// resources reads `resources` over what base says.
func (r *reader) resources(n *yaml.Node, base runsheet.Resources) runsheet.Resources {
	for _, e := range r.mapping(n, "resources", resourceKeys) {
		switch e.key {
		case "gpus":
			v, _ := r.integer(e.value, "gpus", 0, 1024)
			base.GPUs = int(v)
		case "cpus":
			v, _ := r.integer(e.value, "cpus", 0, 65536)
			base.CPUs = int(v)
		case "memory":
			base.Memory, _ = r.size(e.value, "memory")
		case "gpu_memory":
			base.GPUMemory, _ = r.size(e.value, "gpu_memory")
		case "time":
			base.Time, _ = r.duration(e.value, "time", "")
		}
	}
	return base
}

// metrics reads {accuracy: max} or {accuracy: {mode: max}}, in the order of the sheet.
func (r *reader) metrics(n *yaml.Node) []runsheet.MetricSpec {
	var all []runsheet.MetricSpec
	for _, e := range r.mapping(n, "metrics", nil) {
		r.printable(e.keyNode, "the name of a metric", e.key)
		mode := e.value
		if mode.Kind == yaml.MappingNode {
			mode = nil
			for _, inner := range r.mapping(e.value, "a metric", metricKeys) {
				mode = inner.value
			}
		}
		if mode == nil {
			r.wrong(e.value, "missing key", "write it like {mode: max}", "the metric %q has no mode", e.key)
			continue
		}
		all = append(all, runsheet.MetricSpec{Name: e.key, Mode: runsheet.Mode(r.choice(mode, "mode", string(runsheet.Max), string(runsheet.Min)))})
	}
	if len(all) == 0 && len(follow(n).Content) == 0 && follow(n).Kind == yaml.MappingNode {
		r.wrong(n, "wrong value", "write it like {accuracy: max}", "metrics names no metric")
	}
	return all
}

// printable checks that a text can stand on one line of a terminal.
func (r *reader) printable(n *yaml.Node, owner, s string) {
	if s == "" || strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c >= 0x7f && c < 0xa0 }) {
		r.wrong(n, "wrong value", "", "%s cannot be %q", owner, s)
	}
}
