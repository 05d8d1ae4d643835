package sheet

import (
	"math"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"runsheet"
)

// progress reads `progress` over what base says.
func (r *reader) progress(n *yaml.Node, base runsheet.ProgressSpec) runsheet.ProgressSpec {
	var total *yaml.Node
	given := map[string]*yaml.Node{}
	for _, e := range r.mapping(n, "progress", progressKeys) {
		given[e.key] = e.keyNode
		switch e.key {
		case "tracker":
			base.Tracker = r.choice(e.value, "tracker", trackers...)
		case "epochs", "total":
			if total != nil {
				r.wrong(e.keyNode, "wrong value", "leave one of them out", "epochs and total are two names for one number")
			}
			total = e.value
			r.total(e, &base)
		case "unit":
			base.Unit, _ = r.text(e.value, "unit")
			r.printable(e.value, "unit", base.Unit)
		case "files":
			base.Files = r.texts(e.value, "files", "a file", func(n *yaml.Node, s string) bool { return r.below(n, "a file of files", s) })
		case "log":
			base.Log = r.glob(e.value, "log", base.Log)
		case "early_stopping":
			base.EarlyStopping = r.earlyStopping(e.value)
		case "file":
			base.File = r.glob(e.value, "file", base.File)
		case "pattern":
			base.Patterns = r.patterns(e.value)
		case "step":
			base.Step, _ = r.text(e.value, "step")
		case "first":
			first, _ := r.integer(e.value, "first", 0, 1)
			base.FromZero = first == 0
		case "metrics":
			base.Metrics = r.texts(e.value, "metrics", "a metric", func(*yaml.Node, string) bool { return true })
		case "command":
			if s, ok := r.text(e.value, "the command of progress"); ok {
				base.Command = s
				if r.measures == nil {
					r.measures = map[string]*yaml.Node{}
				}
				r.measures[s] = e.value
			}
		}
	}
	r.setUp(n, given, base)
	return base
}

// total reads `epochs` or `total`: a number, or for a tracker of any file the name of what holds it.
func (r *reader) total(e entry, base *runsheet.ProgressSpec) {
	base.Total, base.TotalFrom, base.Epochs = 0, "", e.key == "epochs"
	text, ok := r.text(e.value, e.key)
	if _, err := strconv.ParseFloat(text, 64); ok && err != nil && e.key == "total" && text != "" {
		base.TotalFrom = text
		return
	}
	if ok {
		base.Total, _ = r.integer(e.value, e.key, 1, math.MaxInt64)
	}
}

// needs says which keys of `progress` the trackers that have to be set up take, those that they cannot do without first.
var needs = map[string]struct{ must, may []string }{
	"regex":   {[]string{"pattern"}, []string{"file"}},
	"csv":     {[]string{"file", "step"}, []string{"first", "metrics"}},
	"jsonl":   {[]string{"file", "step"}, []string{"first", "metrics"}},
	"json":    {[]string{"file", "step"}, []string{"first", "metrics"}},
	"files":   {[]string{"files"}, nil},
	"command": {[]string{"command"}, nil},
}

// setUp checks that a tracker which has to be set up is, and that nothing is said to one that does not listen.
func (r *reader) setUp(n *yaml.Node, given map[string]*yaml.Node, spec runsheet.ProgressSpec) {
	set := map[string]bool{"pattern": len(spec.Patterns) > 0, "file": spec.File != "", "step": spec.Step != "", "first": spec.FromZero,
		"metrics": len(spec.Metrics) > 0, "command": spec.Command != "", "files": len(spec.Files) > 0}
	own := needs[spec.Tracker]
	for _, key := range own.must {
		if _, here := given[key]; !set[key] && !here {
			r.wrong(n, "missing key", "", "the tracker %s needs %s", spec.Tracker, strings.Join(own.must, " and "))
			return
		}
	}
	for _, key := range []string{"pattern", "file", "step", "first", "metrics", "command"} {
		if at, here := given[key]; here && !slices.Contains(own.must, key) && !slices.Contains(own.may, key) {
			var who []string
			for _, t := range trackers {
				if slices.Contains(needs[t].must, key) || slices.Contains(needs[t].may, key) {
					who = append(who, t)
				}
			}
			r.wrong(at, "wrong key", "leave it out, or name one of these trackers", "%s is for the trackers %s, not for %s", key, strings.Join(who, ", "), spec.Tracker)
		}
	}
	if at, here := given["total"]; here && spec.TotalFrom != "" && !slices.Contains([]string{"csv", "jsonl", "json"}, spec.Tracker) {
		r.wrong(at, "wrong value", "write a whole number", "total is the name of a column or key only for the trackers csv, jsonl and json, not for %s", spec.Tracker)
	}
}

// patterns reads one regular expression or several, of which one names the group completed.
func (r *reader) patterns(n *yaml.Node) []string {
	nodes := []*yaml.Node{n}
	if follow(n).Kind == yaml.SequenceNode {
		nodes = r.sequence(n, "pattern")
	}
	var out []string
	counts := false
	for _, node := range nodes {
		s, ok := r.text(node, "pattern")
		if !ok {
			return nil
		}
		re, err := regexp.Compile(s)
		if err != nil {
			r.wrong(node, "wrong value", "the syntax is RE2's; write it between single quotes", "pattern is no regular expression: %v", err)
			return nil
		}
		counts = counts || slices.Contains(re.SubexpNames(), "completed")
		out = append(out, s)
	}
	if !counts {
		r.wrong(n, "wrong value", `write it like 'step (?P<completed>\d+)/(?P<total>\d+) loss=(?P<loss>\S+)'`, "pattern has no group that is called completed")
	}
	return out
}

// glob reads a pattern of paths below the work dir.
func (r *reader) glob(n *yaml.Node, owner, base string) string {
	if s, ok := r.text(n, owner); ok && r.below(n, owner, s) {
		base = s
	}
	if _, err := path.Match(base, ""); err != nil {
		r.wrong(n, "wrong value", "", "%s is a pattern of file names, and %q is none: %v", owner, base, err)
	}
	return base
}

// texts reads a list of texts, leaving out those that do not pass.
func (r *reader) texts(n *yaml.Node, owner, each string, passes func(*yaml.Node, string) bool) []string {
	var out []string
	for _, item := range r.sequence(n, owner) {
		if s, ok := r.text(item, each); ok && passes(item, s) {
			out = append(out, s)
		}
	}
	return out
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
