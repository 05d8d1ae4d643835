package sheet

import (
	"cmp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"runsheet"
)

// pool reads `pool`: entries like `local`, `local: {gpus: [0]}` or `slurm: {partition: gpu}`.
func (r *reader) pool(n *yaml.Node) []runsheet.PoolEntry {
	var all []runsheet.PoolEntry
	names := map[string]bool{}
	for _, item := range r.sequence(n, "pool") {
		entry, at, ok := r.poolEntry(item)
		if !ok {
			continue
		}
		if entry.Kind == "local" && slices.ContainsFunc(all, func(e runsheet.PoolEntry) bool { return e.Kind == "local" }) {
			r.wrong(at, "repeated value", "", "this machine is in the pool already")
		} else if names[entry.Called] {
			r.wrong(at, "repeated value", "give one of them a name, as {name: big, partition: gpu}",
				"%s is in the pool already: its entries differ in their partitions or names", entry.Called)
		}
		names[entry.Called] = true
		all = append(all, entry)
	}
	if len(all) == 0 && len(r.list) == 0 {
		r.wrong(n, "wrong value", "leave pool out for this machine", "the pool is empty")
	}
	return all
}

// poolEntry reads one entry, and returns the node that names its kind.
func (r *reader) poolEntry(item *yaml.Node) (entry runsheet.PoolEntry, at *yaml.Node, ok bool) {
	kind, at := item.Value, item
	var value *yaml.Node
	if item.Kind == yaml.MappingNode {
		if len(item.Content) == 0 {
			r.wrong(item, "wrong value", "", "an entry of the pool names a kind of host")
			return entry, at, false
		}
		at = follow(item.Content[0])
		kind = at.Value
	} else if _, ok := r.text(item, "an entry of the pool"); !ok {
		return entry, at, false
	}
	kinds := []string{"local", "slurm"}
	switch {
	case kind == "ssh":
		r.wrong(at, "unsupported pool", "leave the entry out", "ssh: this version runs on this machine and on Slurm")
		return entry, at, false
	case !slices.Contains(kinds, kind):
		r.wrong(at, "wrong value", suggest(kind, kinds), "the pool has no kind of host called %q", kind)
		return entry, at, false
	}
	if item.Kind == yaml.MappingNode {
		for _, e := range r.mapping(item, "an entry of the pool", []string{kind}) {
			if !isNull(e.value) {
				value = e.value
			}
		}
	}
	if kind == "slurm" {
		return r.slurm(value), at, true
	}
	return r.local(value), at, true
}

// local reads what is said of this machine; n may be nil.
func (r *reader) local(n *yaml.Node) runsheet.PoolEntry {
	entry := runsheet.PoolEntry{Kind: "local", Called: "local"}
	if n == nil {
		return entry
	}
	for _, e := range r.mapping(n, "local", localKeys) {
		switch e.key {
		case "name":
			entry.Called = r.word(e.value, "name")
		case "gpus":
			entry.GPUs = r.gpus(e.value)
		case "jobs":
			v, _ := r.integer(e.value, "jobs", 1, 10000)
			entry.Jobs = int(v)
		}
	}
	return entry
}

func (r *reader) gpus(n *yaml.Node) []int {
	all := []int{}
	for _, item := range r.sequence(n, "gpus") {
		v, ok := r.integer(item, "a GPU", 0, 1023)
		if ok && slices.Contains(all, int(v)) {
			r.wrong(item, "repeated value", "", "GPU %d is named twice", v)
		}
		all = append(all, int(v))
	}
	return all
}

// ours are the options of sbatch that Runsheet sets itself, and those that would keep a job from being what it submits.
var ours = map[string]string{
	"array": "runs are submitted as arrays by themselves", "a": "runs are submitted as arrays by themselves",
	"comment": "it is how the jobs of runs are found again",
	"signal":  "it follows from stop_grace",
	"output":  "a run's output is in its run.log", "o": "a run's output is in its run.log",
	"error": "a run's output is in its run.log", "e": "a run's output is in its run.log",
	"input": "a command has no input", "i": "a command has no input",
	"wrap": "the command stands in the sheet", "parsable": "it is set", "test-only": "nothing would run",
	"wait": "nothing may wait for a job", "W": "nothing may wait for a job", "open-mode": "logs are appended to",
	"chdir": "a command runs in the sheet's directory", "D": "a command runs in the sheet's directory",
	"time": "it has a key of its own: time", "t": "it has a key of its own: time",
	"partition": "it has a key of its own: partition", "p": "it has a key of its own: partition",
	"gres": "it has a key of its own: gres",
	"help": "nothing would run", "h": "nothing would run", "usage": "nothing would run", "version": "nothing would run", "V": "nothing would run",
}

// slurm reads what is said of a cluster; n may be nil.
func (r *reader) slurm(n *yaml.Node) runsheet.PoolEntry {
	entry := runsheet.PoolEntry{Kind: "slurm", Name: "slurm", Called: "slurm"}
	if n == nil {
		return entry
	}
	name := ""
	for _, e := range r.mapping(n, "slurm", slurmKeys) {
		switch e.key {
		case "name":
			name = r.word(e.value, "name")
		case "partition":
			entry.Partition = r.word(e.value, "partition")
		case "time":
			entry.Time, _ = r.duration(e.value, "time", "")
		case "gres":
			entry.Gres = r.word(e.value, "gres")
		case "max_queued":
			v, _ := r.integer(e.value, "max_queued", 1, 100000)
			entry.Jobs = int(v)
		case "options":
			entry.Options = r.options(e.value)
		}
	}
	if called := cmp.Or(name, entry.Partition); called != "" {
		entry.Called, entry.Name = called, "slurm:"+called
	}
	return entry
}

// word reads what sbatch, or a run, calls something by.
func (r *reader) word(n *yaml.Node, owner string) string {
	s, ok := r.text(n, owner)
	if ok && (s == "" || strings.HasPrefix(s, "-") || strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c == 0x7f })) {
		r.wrong(n, "wrong value", "write it as one word that does not begin with a dash", "%s cannot be %q", owner, s)
	}
	return s
}

// options reads further options of sbatch, one argument each.
func (r *reader) options(n *yaml.Node) []string {
	var all []string
	for _, item := range r.sequence(n, "options") {
		s, ok := r.text(item, "an option of sbatch")
		if !ok {
			continue
		}
		r.printable(item, "an option of sbatch", s)
		name, _, _ := strings.Cut(strings.TrimLeft(s, "-"), "=")
		long := strings.HasPrefix(s, "--")
		if !long && len(name) > 1 {
			name = name[:1] // -tVALUE
		}
		why, taken := ours[name]
		switch {
		case !strings.HasPrefix(s, "-") || name == "":
			r.wrong(item, "wrong value", "write it as one argument of sbatch, like --account=lab or --exclusive", "%q is no option", s)
			continue
		case strings.ContainsAny(name, " \t"):
			r.wrong(item, "wrong value", "write it as one argument, like --account=lab", "%q has a blank before its value", s)
			continue
		case taken:
			r.wrong(item, "wrong value", "leave it out", "%s is not yours to set: %s", strings.SplitN(s, "=", 2)[0], why)
			continue
		}
		all = append(all, s)
	}
	return all
}
