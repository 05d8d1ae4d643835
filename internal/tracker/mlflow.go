package tracker

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"runsheet"
)

// mlFlow reads MLflow's file store: mlruns/<experiment>/<run>/ in the work dir, of the newest run, or a work dir that is
// the directory of a run. A line of metrics/<key> is a time in milliseconds, a value and a step, appended at once. The
// command begins with `MLFLOW_TRACKING_URI=file:{work_dir}/mlruns`. Since MLflow 3.7 the store is a database
// (mlflow.db) unless that is asked for, and newer versions want MLFLOW_ALLOW_FILE_STORE=true with it; a database is not
// read.
//
// Completed is the last step of the metric that tells most, counted from 1 where it began at step 0; or the epoch, where
// a metric `epoch` and a parameter like `epochs` say both what is done and what there is to do. The parameters
// max_steps (transformers, beside a metric `epoch`) and num_boost_round (xgboost and lightgbm) are totals, too. The run's
// meta.yaml says by its status that it is finished (3); failed (4) and killed (5) are not, and one that was killed by a
// signal is running (1) for ever. A child of another run is finished only when that is.
//
// Checked against mlflow 3.x, files in testdata/real.
type mlFlow struct{}

func (mlFlow) Name() string { return "mlflow" }

func (mlFlow) Logs() string { return "" }

const (
	mlflowFinished   = 3   // entities/run_status.py
	maxMlflowRuns    = 8   // whose meta.yaml is read, the ones that changed last
	maxMlflowMetrics = 100 // of one run
)

// Recognises says whether the newest run has said anything.
func (t mlFlow) Recognises(ev *Evidence, _ runsheet.ProgressSpec) bool {
	run, err := ev.mlflowRun()
	if err != nil || run == nil {
		return err != nil
	}
	metrics, err := ev.mlflowMetrics(run.dir)
	return err != nil || len(metrics) > 0 || run.status >= mlflowFinished
}

// mlflowMeta is what is read of a run's meta.yaml.
type mlflowMeta struct {
	dir    string // of the run
	id     string
	status int64 // 0: not said
	start  int64 // ms since 1970
}

// mlflowRun returns the newest run; nil if there is none.
func (ev *Evidence) mlflowRun() (*mlflowMeta, error) {
	if ev.has(".", "meta.yaml") && ev.has(".", "metrics") {
		return ev.mlflowMeta(".")
	}
	if !ev.has(".", "mlruns") {
		return nil, nil
	}
	experiments, err := ev.List("mlruns")
	if err != nil {
		return nil, err
	}
	var dirs []string
	for _, e := range experiments {
		if e.Dir {
			dirs = append(dirs, path.Join("mlruns", e.Name))
		}
	}
	var runs []string
	for _, dir := range ev.latest(dirs, maxEventSiblings) {
		entries, err := ev.List(dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.Dir && isHex32(e.Name) {
				runs = append(runs, path.Join(dir, e.Name))
			}
		}
	}
	var newest *mlflowMeta
	var torn error // of a run that was killed when it began: another one tells
	var tornAt int64
	for _, dir := range ev.latest(runs, maxMlflowRuns) {
		m, err := ev.mlflowMeta(dir)
		if isBroken(err) {
			st, _ := ev.Look(path.Join(dir, "meta.yaml")) // it was looked at
			torn, tornAt = err, max(tornAt, st.MTime)
			continue
		}
		if err != nil {
			return nil, err
		}
		if m != nil && (newest == nil || m.start > newest.start) {
			newest = m
		}
	}
	if newest == nil {
		return nil, torn
	}
	if st, _ := ev.Look(path.Join(newest.dir, "meta.yaml")); st.MTime < tornAt {
		ev.passOver(torn)
	}
	return newest, nil
}

func isHex32(name string) bool {
	return len(name) == 32 && strings.Trim(name, "0123456789abcdef") == ""
}

// mlflowMeta reads a run's meta.yaml; nil where there is none yet, or the run was deleted. It is replaced whole, but
// written in place when the run begins.
func (ev *Evidence) mlflowMeta(dir string) (*mlflowMeta, error) {
	rel := path.Join(dir, "meta.yaml")
	ev.Witness(rel)
	var meta *mlflowMeta
	moving, err := ev.steadily(rel, func() error {
		meta = nil
		if st, err := ev.Look(rel); err != nil || st.Kind == Absent {
			return err
		}
		data, err := ev.readAll(rel, maxDocument)
		if err != nil {
			if absent(err) {
				return nil
			}
			return err
		}
		if meta, err = parseMlflowMeta(data); err != nil {
			return ev.broken(rel, err)
		}
		return nil
	})
	if err != nil && moving {
		ev.moving = true
		return nil, fmt.Errorf("%w; it is still being written", err)
	}
	if meta != nil {
		meta.dir = dir
	}
	return meta, err
}

// parseMlflowMeta reads a meta.yaml, which is flat; nil for a run that was deleted. A last line without its end is left
// out: it may be the beginning of another.
func parseMlflowMeta(data []byte) (*mlflowMeta, error) {
	var m mlflowMeta
	deleted := false
	for line := range bytes.Lines(data) {
		text, whole := bytes.CutSuffix(line, []byte("\n"))
		key, value, ok := strings.Cut(string(text), ":")
		if !whole || !ok {
			continue
		}
		value = strings.Trim(value, " \r'\"")
		switch key {
		case "run_id", "run_uuid":
			m.id = value
		case "status":
			m.status, _ = parseCount(value)
		case "start_time":
			m.start, _ = parseCount(value)
		case "lifecycle_stage":
			deleted = value == "deleted"
		}
	}
	if m.status == 0 {
		return nil, &syntaxError{what: "it gives no status"}
	}
	if deleted {
		return nil, nil
	}
	return &m, nil
}

// mlflowMetrics returns the metrics of a run by name, the ones that tell most first.
func (ev *Evidence) mlflowMetrics(run string) ([]string, error) {
	var names []string
	var walk func(prefix string, depth int) error
	walk = func(prefix string, depth int) error {
		entries, err := ev.List(path.Join(run, "metrics", prefix))
		for _, e := range entries {
			name := path.Join(prefix, e.Name) // a / in a name makes a directory
			switch {
			case prefix == "" && e.Name == "system": // of the machine
			case !e.Dir:
				names = append(names, name)
			case depth < 4:
				if err := walk(name, depth+1); err != nil {
					return err
				}
			}
		}
		return err
	}
	err := walk("", 0)
	telling := func(name string) int {
		if epochTag(name) {
			return -1
		}
		return rank(name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(telling(a), telling(b)), cmp.Compare(a, b))
	})
	return names[:min(len(names), maxMlflowMetrics)], err
}

// mlflowMetric is what the file of one metric has said so far. JSON can hold it.
type mlflowMetric struct {
	Steps  *[2]int64        `json:"steps,omitempty"` // the first and the last
	Value  runsheet.Metrics `json:"value,omitempty"` // the last one, under the name ""
	Pace   pace             `json:"pace,omitempty"`
	Epochs epochSeries      `json:"epochs,omitzero"`
}

// mlflowValues reads the metrics of a run.
func (ev *Evidence) mlflowValues(run string, names []string) (*scalars, error) {
	all := scalars{Steps: map[string][2]int64{}, Values: runsheet.Metrics{}, Paces: map[string]pace{}}
	for _, name := range names {
		paced := rank(name) <= 1 || len(all.Paces) < maxEventPaces
		s, err := follow(ev, path.Join(run, "metrics", name), format[mlflowMetric]{
			key:   fmt.Sprintf("mlflow/1 %v", paced),
			split: byLine,
			take: func(s *mlflowMetric, line []byte) {
				at, v, step, ok := parseMlflowLine(line)
				if !ok {
					return
				}
				s.Value = runsheet.Metrics{"": v}
				if s.Steps == nil {
					s.Steps = &[2]int64{step, step}
				}
				s.Steps[1] = step
				if paced {
					s.Pace.see(at, step)
				}
				if epochTag(name) {
					s.Epochs.see(name, step, v, at)
				}
				ev.Point(step+base(s.Steps[0]), runsheet.Metrics{name: v})
			},
		})
		if err != nil {
			return nil, err
		}
		if s.Steps == nil {
			continue
		}
		all.Steps[name], all.Values[name] = *s.Steps, s.Value[""]
		if paced {
			all.Paces[name] = s.Pace
		}
		if s.Epochs.Any && !all.Epochs.Any {
			all.Epochs = s.Epochs
		}
	}
	return &all, nil
}

// parseMlflowLine reads a line of a metric: a time, a value, a step, which old versions left out, and the name and the
// digest of a data set where it was taken on one.
func parseMlflowLine(line []byte) (at time.Time, v float64, step int64, ok bool) {
	fields := strings.Fields(string(line[:min(len(line), 200)]))
	if len(fields) < 2 {
		return at, 0, 0, false
	}
	ms, ok := parseCount(fields[0])
	if !ok || ms > 1e14 {
		return at, 0, 0, false
	}
	if v, ok = parseFloat(fields[1]); !ok {
		return at, 0, 0, false
	}
	if len(fields) > 2 {
		if step, ok = parseCount(fields[2]); !ok {
			return at, 0, 0, false
		}
	}
	return time.UnixMilli(ms).UTC(), v, step, true
}

// mlflowParam returns a parameter of a run as a count; 0: it is none, or there is none.
func (ev *Evidence) mlflowParam(run, name string) int64 {
	if !ev.has(path.Join(run, "params"), name) {
		return 0
	}
	rel := path.Join(run, "params", name)
	data, err := ev.readAll(rel, 1<<10)
	if err != nil || len(data) == 0 {
		ev.Witness(rel)
		return 0
	}
	ev.WitnessIdentity(rel)           // it is never written again
	v, ok := parseFloat(string(data)) // transformers writes 3.0
	n, whole := asCount(v)
	if !ok || !whole || n > maxEpochs {
		return 0
	}
	return n
}

// Read returns what the newest run says.
func (t mlFlow) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: t.Name(), Unit: unit(spec, "step")}
	if spec.Epochs {
		p.Unit = unit(spec, "epoch")
	}
	run, err := ev.mlflowRun()
	if err != nil || run == nil {
		return p, err
	}
	names, err := ev.mlflowMetrics(run.dir)
	if err != nil {
		return p, err
	}
	said, err := ev.mlflowValues(run.dir, names)
	if err != nil {
		return p, err
	}
	if p.Finished, err = ev.mlflowFinished(run); err != nil {
		return p, err
	}
	p.Metrics = said.Values
	total := ev.mlflowEpochs(run.dir)
	steps := ev.mlflowParam(run.dir, "max_steps")
	epochs, told := said.Epochs.done()
	tag, led := said.leading()
	switch {
	case spec.Epochs && !told && led && said.Steps[tag][0] != said.Steps[tag][1]:
		return p, fmt.Errorf("the metrics in %s count steps only; log a metric `epoch`, or give `total` instead of `epochs` in the sheet", run.dir)
	case spec.Epochs || told && spec.Total == 0 && steps == 0 && total > 0:
		p.Completed, p.Total, p.Unit = epochs, total, unit(spec, "epoch")
		said.Epochs.Pace.tell(&p)
	case led:
		p.Completed = said.Steps[tag][1] + base(said.Steps[tag][0])
		if told && steps > 0 {
			p.Total = steps
		} else if rounds := ev.mlflowParam(run.dir, "num_boost_round"); !told && total == 0 {
			p.Total = rounds
		}
		said.Paces[tag].tell(&p)
	}
	return p, nil
}

// mlflowEpochs returns how many epochs the parameters of a run say there will be; 0: they do not, or say two things.
func (ev *Evidence) mlflowEpochs(run string) int64 {
	var total int64
	for _, name := range epochTotals {
		n := ev.mlflowParam(run, name)
		if n > 0 && total > 0 && n != total {
			return 0
		}
		total = max(total, n)
	}
	return total
}

// mlflowFinished says whether a run is finished: its own status says so, or that of its parent, if it has one.
func (ev *Evidence) mlflowFinished(run *mlflowMeta) (bool, error) {
	const tag = "mlflow.parentRunId"
	if run.status != mlflowFinished || !ev.has(path.Join(run.dir, "tags"), tag) {
		return run.status == mlflowFinished, nil
	}
	ev.Witness(path.Join(run.dir, "tags", tag))
	data, err := ev.readAll(path.Join(run.dir, "tags", tag), 1<<10)
	if err != nil || !isHex32(strings.TrimSpace(string(data))) {
		return false, err
	}
	parent, err := ev.mlflowMeta(path.Join(path.Dir(run.dir), strings.TrimSpace(string(data))))
	return parent != nil && parent.status == mlflowFinished, err
}
