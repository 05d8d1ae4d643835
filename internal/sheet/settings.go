package sheet

import (
	"math"
	"path"
	"slices"
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
		}
	}
	return p
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
		}
	}
	return base
}

// progress reads `progress` over what base says.
func (r *reader) progress(n *yaml.Node, base runsheet.ProgressSpec) runsheet.ProgressSpec {
	var total *yaml.Node
	for _, e := range r.mapping(n, "progress", progressKeys) {
		switch e.key {
		case "tracker":
			base.Tracker = r.choice(e.value, "tracker", trackers...)
		case "epochs", "total":
			if total != nil {
				r.wrong(e.keyNode, "wrong value", "leave one of them out", "epochs and total are two names for one number")
			}
			total = e.value
			base.Total, _ = r.integer(e.value, e.key, 1, math.MaxInt64)
			base.Epochs = e.key == "epochs"
		case "unit":
			base.Unit, _ = r.text(e.value, "unit")
			r.printable(e.value, "unit", base.Unit)
		case "files":
			base.Files = nil
			for _, item := range r.sequence(e.value, "files") {
				if s, ok := r.text(item, "a file"); ok && r.below(item, "a file of an epoch", s) {
					base.Files = append(base.Files, s)
				}
			}
		case "log":
			if s, ok := r.text(e.value, "log"); ok && r.below(e.value, "log", s) {
				base.Log = s
			}
			if _, err := path.Match(base.Log, ""); err != nil {
				r.wrong(e.value, "wrong value", "", "log is a pattern of file names, and %q is none: %v", base.Log, err)
			}
		case "early_stopping":
			base.EarlyStopping = r.earlyStopping(e.value)
		}
	}
	return base
}

// below checks that a path stays below the work dir.
func (r *reader) below(n *yaml.Node, owner, s string) bool {
	if s == "" || path.IsAbs(s) || slices.Contains(strings.Split(s, "/"), "..") {
		r.wrong(n, "wrong value", "", "%s lies below the work dir, and %q does not", owner, s)
		return false
	}
	return true
}

func (r *reader) earlyStopping(n *yaml.Node) *runsheet.EarlyStopping {
	var e runsheet.EarlyStopping
	var patience, metrics bool
	for _, entry := range r.mapping(n, "early_stopping", earlyKeys) {
		switch entry.key {
		case "patience":
			patience = true
			v, _ := r.integer(entry.value, "patience", 1, math.MaxInt32)
			e.Patience = int(v)
		case "metrics":
			metrics = true
			e.Metrics = r.metrics(entry.value)
		}
	}
	if follow(n).Kind == yaml.MappingNode && (!patience || !metrics) {
		r.wrong(n, "missing key", "write it like {patience: 10, metrics: {accuracy: max}}", "early_stopping needs patience and metrics")
	}
	return &e
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
