package tracker

import (
	"cmp"
	"fmt"
	"math"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"runsheet"
	"runsheet/internal/tracker/wandblog"
)

// wandB reads what Weights & Biases leaves on disk, online or offline: the log run-<id>.wandb in
// wandb/run-<date>_<time>-<id> or wandb/offline-run-..., of the newest run. wandb writes below the current directory
// unless WANDB_DIR says otherwise: the command begins with `WANDB_DIR={work_dir}`.
//
// The total is the configuration's max_steps where the history has the step of an optimizer beside it (transformers),
// or its epochs where the history tells the epoch; nothing else is surely a total. Otherwise the steps of the history are
// counted, which are the calls of log(). The exit record says that the program ended, with code 0 that it is done: it is
// written for an exception and Ctrl-C, too, with another code, and not at all after SIGKILL or SIGTERM.
//
// Traps: wandb-core writes a block of 32 KiB at once, and the rest some seconds later, so that a young log may hold
// nothing but its header; a run that was resumed offline counts its steps from 0 again, in a directory of its own.
//
// Checked against wandb 0.31.0.
type wandB struct{}

func (wandB) Name() string { return "wandb" }

func (wandB) Logs() string { return "" }

// Recognises says whether some run has said anything: for minutes, a young log holds nothing but its header.
func (wandB) Recognises(ev *Evidence, _ runsheet.ProgressSpec) bool {
	logs, err := ev.wandbLogs()
	if err != nil {
		return false
	}
	for _, rel := range logs {
		if run, err := ev.wandbHistory(rel, nil); err != nil || run.Rows > 0 || run.Exited {
			return true
		}
	}
	return false
}

const maxWandbRuns = 8 // of the latest

// wandbRun matches the name of a run's directory.
var wandbRun = regexp.MustCompile(`^(?:offline-)?run-(\d{8}_\d{6}-.+)$`)

// wandbLogs returns the logs of runs, the newest first.
func (ev *Evidence) wandbLogs() ([]string, error) {
	type found struct{ log, begun string }
	var logs []found
	at := func(dir, begun string) error {
		entries, err := ev.List(dir)
		for _, e := range entries {
			if !e.Dir && strings.HasPrefix(e.Name, "run-") && path.Ext(e.Name) == ".wandb" {
				logs = append(logs, found{path.Join(dir, e.Name), begun})
			}
		}
		return err
	}
	if err := at(".", ""); err != nil { // the work dir may be the directory of a run
		return nil, err
	}
	for _, dir := range []string{"wandb", "lightning_logs/wandb"} {
		if !ev.has(path.Dir(dir), path.Base(dir)) {
			continue
		}
		entries, err := ev.List(dir)
		if err != nil {
			return nil, err
		}
		var runs []found
		for _, e := range entries {
			if !e.Dir || !strings.Contains(e.Name, "run-") {
				continue
			}
			if m := wandbRun.FindStringSubmatch(e.Name); m != nil {
				runs = append(runs, found{path.Join(dir, e.Name), m[1]})
			}
		}
		slices.SortFunc(runs, func(a, b found) int { return cmp.Compare(b.begun, a.begun) })
		for _, run := range runs[:min(len(runs), maxWandbRuns)] {
			if err := at(run.log, run.begun); err != nil {
				return nil, err
			}
		}
	}
	slices.SortStableFunc(logs, func(a, b found) int { return cmp.Compare(b.begun, a.begun) })
	out := make([]string, 0, len(logs))
	for _, l := range logs {
		out = append(out, l.log)
	}
	return out, nil
}

// Read returns what the newest run says that has logged anything.
func (t wandB) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: t.Name(), Unit: unit(spec, "step")}
	if spec.Epochs {
		p.Unit = unit(spec, "epoch")
	}
	logs, err := ev.wandbLogs()
	if err != nil {
		return p, err
	}
	for i, rel := range logs {
		run, err := ev.wandbHistory(rel, nil)
		if err != nil {
			return p, err
		}
		if run.Rows == 0 && !(i == 0 && run.Exited) {
			continue // nothing of it is on disk yet
		}
		if run.Epochs.Any && run.Epochs.First > 0 && !run.Epochs.Share {
			for _, older := range logs[i+1:] { // before a resume
				if o, err := ev.wandbHistory(older, nil); err == nil && o.Epochs.Any && o.Epochs.First == 0 {
					run.Epochs.First = 0
				}
			}
		}
		byEpoch, err := run.tell(&p, spec, rel)
		// Of an older run, only what it reached still holds: the newest has begun.
		p.Finished = run.Exited && run.ExitCode == 0 && !run.NotComplete && i == 0
		if ev.recorder != nil && err == nil {
			_, err = ev.wandbHistory(rel, func(row *wandbRow) {
				if step, ok := run.point(row, byEpoch); ok {
					ev.Point(step, row.metrics)
				}
			})
		}
		return p, err
	}
	return p, nil
}

// wandbHistory is what the log of a run has said so far. JSON can hold it.
type wandbHistory struct {
	Log     wandblog.Log        `json:"log"`
	Config  map[string]int64    `json:"config,omitempty"` // what may be a total
	Rows    int64               `json:"rows"`
	Steps   map[string][2]int64 `json:"steps,omitempty"` // by what counts them: the first and the last
	Epochs  epochSeries         `json:"epochs,omitzero"`
	Paces   map[string]pace     `json:"paces,omitempty"`
	Values  runsheet.Metrics    `json:"values,omitempty"`  // the last ones of the history
	Summary runsheet.Metrics    `json:"summary,omitempty"` // those that never stood in the history

	Exited      bool  `json:"exited,omitzero"`
	ExitCode    int64 `json:"exit_code,omitzero"`
	NotComplete bool  `json:"not_complete,omitzero"`
}

// wandbRow is a row of the history.
type wandbRow struct {
	steps   map[string]int64
	epoch   float64 // NaN: none
	metrics runsheet.Metrics
}

// What counts the steps of a history: its rows, and the step of the optimizer as transformers and Lightning log it.
const (
	wandbStep     = "_step"
	hfStep        = "train/global_step"   // a count
	lightningStep = "trainer/global_step" // from 0
)

// wandbMaxSteps is the key of a configuration that says how many steps of the optimizer there will be.
const wandbMaxSteps = "max_steps"

// wandbHistory reads a log; row is called for each row of the history while it is read, nil: nobody wants them.
func (ev *Evidence) wandbHistory(rel string, row func(*wandbRow)) (*wandbHistory, error) {
	block := func(s *wandbHistory, data []byte) {
		s.Log.Block(data, func(record []byte) {
			if r, err := wandblog.Decode(record); err == nil {
				s.take(&r, row)
			}
		})
	}
	s, err := follow(ev, rel, format[wandbHistory]{key: "wandb/1", split: byRecord(wandblog.Split), take: block, peek: block})
	if err == nil && s.Log.Alien {
		err = ev.broken(rel, &syntaxError{what: "it does not begin as a log of wandb does (version 0)"})
	}
	return &s, err
}

func (s *wandbHistory) take(r *wandblog.Record, each func(*wandbRow)) {
	switch r.Kind {
	case wandblog.Config:
		for _, i := range r.Items {
			if i.Nested || i.Key != wandbMaxSteps && !slices.Contains(epochTotals, i.Key) {
				continue
			}
			v, ok := i.Number()
			delete(s.Config, i.Key) // it may be set to something else
			if n, whole := asCount(v); ok && whole && n > 0 && n <= maxEpochs {
				if s.Config == nil {
					s.Config = map[string]int64{}
				}
				s.Config[i.Key] = n
			}
		}
	case wandblog.Summary:
		for _, i := range r.Items {
			if _, known := s.Values[i.Key]; known || i.Key[0] == '_' {
				continue
			}
			if v, ok := i.Number(); ok && len(s.Summary) < maxMetrics {
				if s.Summary == nil {
					s.Summary = runsheet.Metrics{}
				}
				s.Summary[i.Key] = v
			}
		}
	case wandblog.Exit:
		s.Exited, s.ExitCode, s.NotComplete = true, r.ExitCode, r.NotComplete
	case wandblog.History:
		s.history(r, each)
	}
}

// history takes a row in.
func (s *wandbHistory) history(r *wandblog.Record, each func(*wandbRow)) {
	row := wandbRow{steps: map[string]int64{}, epoch: math.NaN(), metrics: runsheet.Metrics{}}
	if r.Step >= 0 && r.Step <= maxCount {
		row.steps[wandbStep] = r.Step
	}
	var at time.Time
	var epochKey string
	for _, i := range r.Items {
		v, ok := i.Number()
		if !ok {
			continue
		}
		switch i.Key {
		case "_timestamp":
			at, _ = wallTime(v)
		case wandbStep, hfStep, lightningStep:
			if n, ok := asCount(v); ok {
				row.steps[i.Key] = n
			}
		}
		if epochTag(i.Key) {
			row.epoch, epochKey = v, i.Key
		}
		if i.Key[0] != '_' && len(row.metrics) < maxMetrics {
			row.metrics[i.Key] = v
		}
	}
	s.Rows++
	if s.Values == nil {
		s.Values, s.Steps, s.Paces = runsheet.Metrics{}, map[string][2]int64{}, map[string]pace{}
	}
	for name, v := range row.metrics {
		delete(s.Summary, name)
		if _, known := s.Values[name]; known || len(s.Values) < maxMetrics {
			s.Values[name] = v
		}
	}
	for name, n := range row.steps {
		steps, known := s.Steps[name]
		if !known {
			steps[0] = n
		}
		s.Steps[name] = [2]int64{steps[0], n}
		if !at.IsZero() {
			p := s.Paces[name]
			p.see(at, n)
			s.Paces[name] = p
		}
	}
	if !math.IsNaN(row.epoch) {
		s.Epochs.see(epochKey, row.steps[wandbStep], row.epoch, at)
	}
	if each != nil {
		each(&row)
	}
}

// counter returns what counts the steps of the optimizer, or else of the history, and what is to be added to it for it
// to be a count.
func (s *wandbHistory) counter() (name string, add int64) {
	for _, name := range []string{hfStep, lightningStep, wandbStep} {
		if steps, ok := s.Steps[name]; ok {
			switch name {
			case hfStep:
				return name, 0
			case lightningStep:
				return name, 1
			}
			return name, base(steps[0])
		}
	}
	return "", 0
}

// totalEpochs returns how many epochs the configuration says there will be; 0: it does not, or says two things.
func (s *wandbHistory) totalEpochs() int64 {
	var total int64
	for key, n := range s.Config {
		if key == wandbMaxSteps {
			continue
		}
		if total != 0 && total != n {
			return 0
		}
		total = n
	}
	return total
}

// tell puts what the run says into a progress, and says whether that is counted in epochs.
func (s *wandbHistory) tell(p *runsheet.Progress, spec runsheet.ProgressSpec, rel string) (byEpoch bool, err error) {
	p.Metrics = runsheet.Metrics{}
	for _, m := range []runsheet.Metrics{s.Values, s.Summary} {
		for name, v := range m {
			if len(p.Metrics) < maxMetrics {
				p.Metrics[name] = v
			}
		}
	}
	name, add := s.counter()
	byStep := name == hfStep && s.Config[wandbMaxSteps] > 0
	epochs, told := s.Epochs.done()
	if spec.Epochs || spec.Total == 0 && !byStep && told && s.totalEpochs() > 0 {
		if !told {
			if s.Rows < 2 {
				return true, nil // too early: it may follow
			}
			return true, fmt.Errorf("the history in %s has no epoch; log one, or give `total` instead of `epochs` in the sheet", rel)
		}
		p.Completed, p.Unit = epochs, unit(spec, "epoch")
		if !byStep {
			p.Total = s.totalEpochs()
		}
		s.Epochs.Pace.tell(p)
		return true, nil
	}
	if name == "" {
		return false, nil
	}
	p.Completed = s.Steps[name][1] + add
	if byStep {
		p.Total = s.Config[wandbMaxSteps]
	}
	s.Paces[name].tell(p)
	return false, nil
}

// point returns where on the course of the metrics a row stands, counted as tell counts.
func (s *wandbHistory) point(row *wandbRow, epochs bool) (int64, bool) {
	if epochs {
		if !(row.epoch >= 0 && row.epoch <= maxEpochs) {
			return 0, false
		}
		if s.Epochs.First == 0 && !s.Epochs.Share {
			return int64(row.epoch) + 1, true
		}
		return int64(math.Ceil(row.epoch)), true
	}
	name, add := s.counter()
	n, ok := row.steps[name]
	return n + add, ok
}
