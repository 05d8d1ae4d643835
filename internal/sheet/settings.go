package sheet

import (
	"math"
	"path"
	"regexp"
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

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// variable checks the name of an environment variable.
func (r *reader) variable(n *yaml.Node, name string) {
	switch {
	case !variableName.MatchString(name):
		r.wrong(n, "wrong name", "letters, digits and _, not beginning with a digit", "%q is no name of an environment variable", name)
	case strings.HasPrefix(name, "RUNSHEET_"):
		r.wrong(n, "wrong name", "choose another name", "%q is one of the variables that runsheet sets itself", name)
	}
}

func (r *reader) env(n *yaml.Node) map[string]string {
	env := make(map[string]string)
	for _, e := range r.mapping(n, "env", nil) {
		r.variable(e.keyNode, e.key)
		env[e.key], _ = r.text(e.value, e.key)
	}
	return env
}

func (r *reader) secrets(n *yaml.Node, env map[string]string) []string {
	var all []string
	for _, item := range r.sequence(n, "secrets") {
		name, ok := r.text(item, "a secret")
		if !ok {
			continue
		}
		if strings.Contains(name, "=") {
			r.add(r.at(item), "wrong name", "a secret is only named here: its value comes from the environment",
				"write the name alone, and export the value before you start runsheet")
			continue
		}
		r.variable(item, name)
		if _, both := env[name]; both {
			r.wrong(item, "wrong value", "take it out of env", "%s stands in env too, where its value is written down", name)
		}
		if slices.Contains(all, name) {
			r.wrong(item, "repeated value", "", "%s is named twice", name)
		}
		all = append(all, name)
	}
	return all
}

// pool reads `pool`. This version runs on this machine only.
func (r *reader) pool(n *yaml.Node) []runsheet.PoolEntry {
	var all []runsheet.PoolEntry
	for _, item := range r.sequence(n, "pool") {
		kind, at := item.Value, item
		entry := runsheet.PoolEntry{Kind: "local"}
		if item.Kind == yaml.MappingNode {
			if len(item.Content) == 0 {
				r.wrong(item, "wrong value", "", "an entry of the pool names a kind of host")
				continue
			}
			kind, at = follow(item.Content[0]).Value, follow(item.Content[0])
		} else if _, ok := r.text(item, "an entry of the pool"); !ok {
			continue
		}
		switch {
		case kind == "ssh" || kind == "slurm":
			r.wrong(at, "unsupported pool", "leave the entry out", "%s: this version runs on this machine only", kind)
			continue
		case kind != "local":
			r.wrong(at, "wrong value", suggest(kind, []string{"local"}), "the pool has no kind of host called %q", kind)
			continue
		case len(all) > 0:
			r.wrong(at, "repeated value", "", "this machine is in the pool already")
		}
		if item.Kind == yaml.MappingNode {
			for _, e := range r.mapping(item, "an entry of the pool", []string{"local"}) {
				if !isNull(e.value) {
					entry.GPUs = r.gpus(e.value)
				}
			}
		}
		all = append(all, entry)
	}
	if len(all) == 0 && len(r.list) == 0 {
		r.wrong(n, "wrong value", "leave pool out for this machine", "the pool is empty")
	}
	return all
}

func (r *reader) gpus(n *yaml.Node) []int {
	var all []int
	for _, e := range r.mapping(n, "local", []string{"gpus"}) {
		all = []int{}
		for _, item := range r.sequence(e.value, "gpus") {
			v, ok := r.integer(item, "a GPU", 0, 1023)
			if ok && slices.Contains(all, int(v)) {
				r.wrong(item, "repeated value", "", "GPU %d is named twice", v)
			}
			all = append(all, int(v))
		}
	}
	return all
}

// printable checks that a text can stand on one line of a terminal.
func (r *reader) printable(n *yaml.Node, owner, s string) {
	if s == "" || strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c >= 0x7f && c < 0xa0 }) {
		r.wrong(n, "wrong value", "", "%s cannot be %q", owner, s)
	}
}
