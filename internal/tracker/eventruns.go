package tracker

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	"runsheet"
)

const (
	maxEventDirs     = 64 // directories that are listed in search of event files
	maxEventSiblings = 24 // of one directory, the ones that changed last
	maxEventDepth    = 4  // levels below the work dir: logs/fit/20240131-120000/train
	maxOlderRuns     = 8
)

// eventPlaces are the names of directories in which training code keeps event files, or directories with these: in
// lower case.
var eventPlaces = map[string]bool{"runs": true, "lightning_logs": true, "logs": true, "log": true, "tb": true,
	"tensorboard": true, "tb_logs": true, "tf_logs": true, "tensorboard_logs": true, "tblogs": true, "logdir": true,
	"events": true, "summaries": true}

// outputPlaces are the names of directories in which the above are looked for.
var outputPlaces = map[string]bool{"out": true, "output": true, "outputs": true, "results": true}

// splits are the names of directories in which the parts of one run lie.
var splits = map[string]bool{"train": true, "validation": true, "val": true, "valid": true, "eval": true, "test": true}

// eventDirs returns the directories that hold event files, in order: the work dir, what training code is known to call
// them, and a few levels below these; wide: whatever they are called.
func (ev *Evidence) eventDirs(wide bool) ([]string, error) {
	var found []string
	left := maxEventDirs
	var walk func(dir string, depth int, all bool) error
	walk = func(dir string, depth int, all bool) error {
		if left--; left < 0 {
			return nil
		}
		entries, err := ev.List(dir)
		if err != nil {
			return err
		}
		holds := slices.ContainsFunc(entries, func(e Entry) bool { return !e.Dir && isEventFile(e.Name) })
		if holds {
			found = append(found, dir)
		}
		if depth == maxEventDepth {
			return nil
		}
		var below []string
		for _, e := range entries {
			name := strings.ToLower(e.Name)
			if e.Dir && name != "checkpoints" && (all || eventPlaces[name] || outputPlaces[name] || splits[name]) {
				below = append(below, path.Join(dir, e.Name))
			}
		}
		for _, rel := range ev.latest(below, maxEventSiblings) {
			if err := walk(rel, depth+1, all || eventPlaces[strings.ToLower(path.Base(rel))]); err != nil {
				return err
			}
		}
		return nil
	}
	err := walk(".", 0, wide)
	slices.Sort(found)
	return found, err
}

// latest returns the n paths that changed last, in order of their names. Of very many only the last by name are looked at.
func (ev *Evidence) latest(rels []string, n int) []string {
	if len(rels) <= n {
		return rels
	}
	rels = ev.byChange(slices.Clone(rels[max(0, len(rels)-maxLogFiles):]))[:min(n, maxLogFiles)]
	slices.Sort(rels)
	return rels
}

// eventRun is a run by its directory, and what its parts say.
type eventRun struct {
	root    string
	parts   []eventPart
	changed int64  // ns since 1970
	newest  string // the name of the file that was begun last
}

// eventPart is one directory of a run.
type eventPart struct {
	dir    string
	prefix string   // of its metrics
	said   *scalars // nil: not read
}

// eventRuns makes runs of directories with event files, the one that was written to last first.
func (ev *Evidence) eventRuns(dirs []string) []*eventRun {
	byRoot := map[string]*eventRun{}
	var runs []*eventRun
	for _, dir := range dirs {
		root, prefix := dir, ""
		if up, name := path.Dir(dir), path.Base(dir); dir != "." && (slices.Contains(dirs, up) || splits[name]) {
			root, prefix = up, name+"/"
			if _, ok := parseFloat(name); ok || name == "train" {
				prefix = "" // made by add_hparams, or the main part
			}
		}
		run := byRoot[root]
		if run == nil {
			run = &eventRun{root: root}
			byRoot[root] = run
			runs = append(runs, run)
		}
		run.parts = append(run.parts, eventPart{dir: dir, prefix: prefix})
		files, _ := ev.eventFiles(dir) // it was listed before
		for _, rel := range files {
			ev.Witness(rel) // it may become the one that was written to last
			st, _ := ev.Look(rel)
			run.changed = max(run.changed, st.MTime)
			run.newest = max(run.newest, path.Base(rel))
		}
	}
	slices.SortStableFunc(runs, func(a, b *eventRun) int {
		return cmp.Or(cmp.Compare(b.changed, a.changed), cmp.Compare(b.newest, a.newest), cmp.Compare(b.root, a.root))
	})
	return runs
}

// read reads the parts of a run, and says whether any says anything. point is called as events says.
// Where a file is broken, what could be read of all of them is told all the same.
func (r *eventRun) read(ev *Evidence, point func(step int64, m runsheet.Metrics)) (said bool, fault error) {
	var err error
	for i := range r.parts {
		part := &r.parts[i]
		tell := point
		if point != nil && part.prefix != "" {
			tell = func(step int64, m runsheet.Metrics) {
				for name, v := range m {
					point(step, runsheet.Metrics{part.prefix + name: v})
				}
			}
		}
		if part.said, err = ev.events(part.dir, tell); err != nil && !isBroken(err) {
			return false, err
		} else if err != nil && fault == nil {
			fault = err
		}
		said = said || part.said != nil && len(part.said.Values) > 0
	}
	return said, fault
}

// metrics returns the last values of all parts.
func (r *eventRun) metrics() runsheet.Metrics {
	out := runsheet.Metrics{}
	for _, part := range r.parts {
		if part.said == nil {
			continue
		}
		for name, v := range part.said.metrics(part.prefix) {
			if _, known := out[name]; known || len(out) < maxMetrics {
				out[name] = v
			}
		}
	}
	return out
}

// leading returns the tag whose steps tell the progress best, and the part that it stands in; nil if there is none.
func (r *eventRun) leading() (*scalars, string) {
	var best *scalars
	var tag string
	least := 0
	for _, part := range r.parts {
		if part.said == nil {
			continue
		}
		lead, ok := part.said.leading()
		if !ok {
			continue
		}
		n := rank(lead)
		if name := path.Base(part.dir); name != "train" && splits[name] {
			n += rankNone
		}
		if best == nil || n < least {
			best, tag, least = part.said, lead, n
		}
	}
	return best, tag
}

// epochs returns the epochs that the run tells; nil if it does not.
func (r *eventRun) epochs() *epochSeries {
	for _, part := range r.parts {
		if part.said != nil && part.said.Epochs.Any {
			return &part.said.Epochs
		}
	}
	return nil
}

// eventFile matches the names of event files: events.out.tfevents.<seconds>.<host>..., of CatBoost without all that.
var eventFile = regexp.MustCompile(`(?:^|\.)tfevents(?:\.\d|$)`)

func isEventFile(name string) bool {
	return strings.Contains(name, "tfevents") && eventFile.MatchString(name)
}
