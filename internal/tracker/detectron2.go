package tracker

import (
	"errors"
	"path"
	"slices"
	"strings"
	"time"

	"runsheet"
)

// detectron2 reads what Detectron2 leaves in OUTPUT_DIR, which is the work dir or output below it:
//
//	metrics.json      JSON lines (in spite of its name) with "iteration", counted from 0: every 20 iterations and at the last
//	config.yaml       SOLVER.MAX_ITER, or train.max_iter of a LazyConfig: the total
//	last_checkpoint   the name of the model that was saved last: model_<N>.pth with N from 0, or model_final.pth
//
// The iteration of the last row of the training counts; what is logged behind the loop has one more, and may be written
// where the training crashed, too. A training that goes on appends, and goes back to its checkpoint. It is finished with
// model_final.pth, which is saved after the last iteration and before the last evaluation. It never stops early, and
// counts no epochs.
//
// Read of detectron2 (utils/events.py, engine/hooks.py, engine/defaults.py) and written by hand after it in
// testdata/detectron2: not checked against a run of it. Traps: metrics of one iteration may stand in two rows;
// a metrics.json of other tools is one object; a LazyConfig without anything nested in train is dumped on one line
// ({...}), and its total is not found.
type detectron2 struct{}

const (
	d2Metrics = "metrics.json"
	d2Config  = "config.yaml"
	d2Pointer = "last_checkpoint"
	d2Final   = "model_final.pth"
)

// d2Dirs are where OUTPUT_DIR may lie; "./output" is where it lies unless the configuration says otherwise.
var d2Dirs = []string{".", "output"}

// d2Keys are some names of which every row of the training has one.
var d2Keys = []string{"total_loss", "data_time", "eta_seconds", "lr"}

func d2Trained(r row) bool {
	return slices.ContainsFunc(d2Keys, func(k string) bool { _, ok := r.num[k]; return ok })
}

func (detectron2) Name() string { return "detectron2" }

func (detectron2) Logs() string { return "" }

func (d detectron2) Recognises(ev *Evidence, _ runsheet.ProgressSpec) bool {
	_, _, ok := d.find(ev)
	return ok
}

// find returns the directory of the training and its total, and whether there is one.
func (d detectron2) find(ev *Evidence) (string, int64, bool) {
	for _, dir := range d2Dirs {
		if dir != "." && !ev.has(".", dir) {
			continue
		}
		rows := ev.has(dir, d2Metrics)
		if !rows && !d2Begun(ev, dir) {
			continue
		}
		total, configured := int64(0), false
		if ev.has(dir, d2Config) {
			keys, _ := ev.yaml(path.Join(dir, d2Config), "SOLVER.MAX_ITER", "train.max_iter") // then it says nothing
			for _, v := range keys {
				total, configured = parseCount(v)
			}
		}
		if rows {
			r, err := parseRow(ev.firstLine(path.Join(dir, d2Metrics)))
			_, counts := r.count("iteration")
			if err != nil && !configured || err == nil && !counts {
				continue
			}
			if configured || d2Trained(r) {
				return dir, total, true
			}
			continue
		}
		if configured {
			return dir, total, true
		}
	}
	return "", 0, false
}

// d2Begun says whether a directory has a log or a model, as no source tree with a configuration has.
func d2Begun(ev *Evidence, dir string) bool {
	entries, _ := ev.List(dir) // what cannot be listed is told by whoever reads there
	return slices.ContainsFunc(entries, func(e Entry) bool { return e.Name == "log.txt" || e.Name == d2Final || d2Model(e.Name) > 0 })
}

// d2Model returns how many iterations were done when a model was saved; 0: the name is of none.
func d2Model(name string) int64 {
	digits, ok := strings.CutPrefix(name, "model_")
	digits, is := strings.CutSuffix(digits, ".pth")
	if n, count := parseCount(digits); ok && is && count && n < maxCount {
		return n + 1
	}
	return 0
}

// d2State is what the rows say.
type d2State struct {
	Count   int64            `json:"count,omitzero"` // iterations that are done
	Metrics runsheet.Metrics `json:"metrics,omitempty"`
	Pace    pace             `json:"pace,omitempty"`
}

func (s *d2State) line(line []byte, point func(int64, runsheet.Metrics)) {
	if len(line) == 0 || line[0] != '{' {
		return
	}
	r, err := parseRow(line)
	if err != nil {
		return
	}
	n, ok := r.count("iteration")
	if !ok || n >= maxCount {
		return
	}
	delete(r.num, "iteration")
	if d2Trained(r) {
		s.Count = n + 1
	} else if n == s.Count {
		n-- // behind the loop
	}
	s.Metrics = merged(s.Metrics, r.num)
	point(n+1, r.num)
}

func (d detectron2) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: d.Name(), Unit: unit(spec, "iteration")}
	if spec.Epochs {
		return p, errors.New("Detectron2 counts iterations only; give `total` instead of `epochs` in the sheet")
	}
	dir, total, ok := d.find(ev)
	if !ok {
		return p, nil
	}
	rel := path.Join(dir, d2Metrics)
	s, err := follow(ev, rel, format[d2State]{
		key:   "detectron2/1",
		split: byLine,
		take:  func(s *d2State, line []byte) { s.line(line, ev.Point) },
		done:  func(s *d2State, at time.Time) { s.Pace.see(at, s.Count) },
	})
	if err != nil {
		return p, err
	}
	p.Total, p.Completed, p.Metrics = total, s.Count, s.Metrics
	if p.Total > 0 {
		p.Completed = min(p.Completed, p.Total)
	}
	s.Pace.tell(&p)
	if !ev.has(dir, d2Pointer) {
		return p, nil
	}
	pointer := path.Join(dir, d2Pointer)
	name, err := ev.pointer(pointer, func(text string) bool { return strings.HasSuffix(text, ".pth") })
	if err != nil {
		return p, err
	}
	if name == d2Final {
		if s.Count == 0 {
			p.Completed = p.Total
		}
		// With a larger total it goes on.
		p.Finished = ev.has(dir, d2Final) && p.Completed >= max(p.Total, spec.Total)
		return p, nil
	}
	if s.Count == 0 {
		p.Completed = d2Model(name)
	}
	return p, nil
}
