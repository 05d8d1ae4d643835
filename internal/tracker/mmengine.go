package tracker

import (
	"bytes"
	"errors"
	"path"
	"slices"
	"strings"
	"time"

	"runsheet"
)

// mmengine reads what OpenMMLab's MMEngine leaves (mmdet 3, mmseg 1, mmpretrain, ...): in its --work-dir, which is the
// work dir or work_dirs/<config> below it,
//
//	<time>/                     one of each launch, also of those that only test
//	    vis_data/scalars.json   JSON lines: rows of training with "iter", a count, and "epoch", the one under way, from 1; rows
//	                            of a validation with a "step" alone
//	    vis_data/config.py      the configuration: the total, and whether there is a validation
//	    <time>.log              the log of this launch alone
//	last_checkpoint             the path of epoch_<N>.pth or iter_<N>.pth
//
// The launches follow each other; one that resumes goes back to its checkpoint. Where the loop is by epoch, epochs are
// counted (iterations where the sheet's unit says so): those before the one under way, and that one with the row of its
// validation, or as soon as its steps are made and saved where another one follows or there is no validation.
// last_checkpoint is written before the validation of that epoch: it does not show that the last one is over. Where the
// loop is by iteration, iterations are counted, and there are no epochs.
//
// Stopping early is said by a line of EarlyStoppingHook in that log only, after which there is no further training.
//
// Checked against what mmengine 0.10.7 wrote in testdata/real/mmengine; of EarlyStoppingHook's three lines only "did not
// improve" was seen. Traps: the rows may be missing (without a LocalVisBackend), then the checkpoints tell it; the path
// in last_checkpoint may be of another machine; a Ctrl-C within the last validation leaves all checkpoints.
type mmengine struct{}

const (
	mmPointer   = "last_checkpoint"
	mmVis       = "vis_data"
	mmScalars   = "scalars.json"
	mmConfigPy  = "config.py"
	mmEpochFile = "epoch_"
	mmIterFile  = "iter_"
)

// mmWhere are the fields of a row that are no metrics.
var mmWhere = []string{"epoch", "iter", "step"}

func (mmengine) Name() string { return "mmengine" }

func (mmengine) Logs() string { return "" }

func (m mmengine) Recognises(ev *Evidence, _ runsheet.ProgressSpec) bool {
	_, launches := mmNewest(ev, func(dir string) []string { return m.launches(ev, dir) })
	return len(launches) > 0
}

func (m mmengine) parts(ev *Evidence) []string {
	return mmParts(ev, func(dir string) []string { return m.launches(ev, dir) })
}

// launches lists the directories of the last launches in a --work-dir, in order.
func (mmengine) launches(ev *Evidence, dir string) []string {
	entries, _ := ev.List(dir) // what cannot be listed is told by whoever reads there
	var out []string
	looked := 0
	for _, e := range slices.Backward(entries) {
		if !e.Dir || !mmStamped(e.Name) {
			continue
		}
		if looked++; looked > maxLaunches {
			break
		}
		if launch := path.Join(dir, e.Name); ev.has(launch, mmVis) || ev.has(launch, e.Name+".log") {
			out = append(out, launch)
		}
	}
	slices.Reverse(out)
	return out
}

// mmRows is what the rows of one launch say.
type mmRows struct {
	First   int64            `json:"first,omitzero"` // iteration that was told
	Iter    int64            `json:"iter,omitzero"`  // done; 0: nothing was trained
	Epoch   int64            `json:"epoch,omitzero"` // under way, from 1; 0: it counts none
	Whole   int64            `json:"whole,omitzero"` // epochs that are over, their validation included
	Metrics runsheet.Metrics `json:"metrics,omitempty"`
	Epochs  pace             `json:"epochs,omitempty"`
	Iters   pace             `json:"iters,omitempty"`
}

func (s *mmRows) line(line []byte, point func(int64, runsheet.Metrics)) {
	if len(line) == 0 || line[0] != '{' {
		return
	}
	r, err := parseRow(line)
	if err != nil {
		return
	}
	step, stepped := r.count("step")
	iter, trained := r.count("iter")
	var metrics runsheet.Metrics
	switch {
	case trained && iter > 0:
		if s.Iter = iter; s.First == 0 {
			s.First = iter
		}
		if epoch, ok := r.count("epoch"); ok && epoch > 0 {
			s.Epoch, s.Whole = epoch, epoch-1
		}
		metrics = mmRow(r, mmWhere...)
	case stepped && step > 0 && s.Iter > 0:
		if step >= s.Epoch { // the epoch, or with log_metric_by_epoch=False the iteration
			s.Whole = s.Epoch
		}
		metrics = mmRow(r, append(mmWhere, "time", "data_time")...) // which are told of the training
	default: // of a validation alone
		return
	}
	s.Metrics = merged(s.Metrics, metrics)
	point(s.Iter, metrics)
}

// mmLog is what the log of one launch says.
type mmLog struct {
	Trains bool  `json:"trains,omitzero"`
	Early  bool  `json:"early,omitzero"`
	Each   int64 `json:"each,omitzero"`  // iterations of an epoch
	Iters  int64 `json:"iters,omitzero"` // that there will be
}

func (s *mmLog) line(line []byte) {
	if bytes.IndexByte(line, '-') < 0 {
		return
	}
	text := string(line)
	_, text, ok := strings.Cut(text, " - INFO - ")
	if !ok {
		return
	}
	switch {
	case strings.HasPrefix(text, "Checkpoints will be saved to "):
		s.Trains = true
	case strings.HasPrefix(text, "Epoch(train)"), strings.HasPrefix(text, "Iter(train)"):
		s.Trains, s.Early = true, false
		last := text[:max(0, strings.IndexByte(text, '/'))]
		_, of, _ := strings.Cut(text, "/")
		of, _, whole := strings.Cut(of, "]")
		if n, ok := parseCount(of); ok && whole && last != "" {
			if text[0] == 'E' {
				s.Each = n
			} else {
				s.Iters = n
			}
		}
	case strings.HasPrefix(text, "the monitored metric did not improve in the last "),
		strings.HasPrefix(text, "Stopping threshold reached: "),
		strings.HasPrefix(text, "Monitored metric ") && strings.Contains(text, " is infinite. "):
		s.Early = true
	}
}

// mmPlan is what the configuration says.
type mmPlan struct {
	epochs, iters int64 // 0: not said
	validates     bool  // at the end
}

func mmPlanOf(text string) (mmPlan, bool) {
	var p mmPlan
	loop, ok := pySet(text, "train_cfg")
	if !ok {
		return p, false
	}
	args := pyArgs(loop)
	p.epochs, _ = parseCount(args["max_epochs"])
	p.iters, _ = parseCount(args["max_iters"])
	begin, _ := parseCount(args["val_begin"])
	val, ok := pySet(text, "val_cfg")
	p.validates = ok && strings.HasPrefix(val, "dict(") && begin <= max(p.epochs, p.iters)
	return p, p.epochs > 0 || p.iters > 0
}

func (m mmengine) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: m.Name(), Unit: unit(spec, "epoch")}
	dir, launches := mmNewest(ev, func(dir string) []string { return m.launches(ev, dir) })
	if len(launches) == 0 {
		return p, nil
	}
	var rows mmRows
	var log mmLog
	var metrics runsheet.Metrics
	trained := launches[len(launches)-1]
	var since int64 // checkpoints that are older are of another training
	for _, launch := range launches {
		scalars := path.Join(launch, mmVis, mmScalars)
		s, err := m.rows(ev, scalars)
		if err != nil {
			return p, err
		}
		l, err := m.log(ev, path.Join(launch, path.Base(launch)+".log"))
		if err != nil {
			return p, err
		}
		if s.Iter > 0 || l.Trains {
			log, trained = l, launch
		}
		if s.Iter > 0 {
			if s.First <= rows.First {
				metrics = nil // of another training, which this one does not go on with
			}
			rows, metrics = s, merged(metrics, s.Metrics)
			st, _ := ev.Look(scalars) // it was looked at
			since = ev.mmSince(path.Join(launch, mmVis, mmConfigPy), st.MTime)
		}
	}
	plan, err := m.plan(ev, dir, trained)
	if err != nil {
		return p, err
	}
	p.Metrics = metrics
	byEpoch := plan.epochs > 0 || plan.iters == 0 && log.Iters == 0 && (rows.Epoch > 0 || rows.Iter == 0)
	if spec.Epochs && !byEpoch {
		return p, errors.New("a training of MMEngine by iteration counts no epochs; give `total` instead of `epochs` in the sheet")
	}
	iterations := strings.HasPrefix(spec.Unit, "iter") || strings.HasPrefix(spec.Unit, "step")
	epochs, iters, err := m.saved(ev, dir, since)
	if err != nil {
		return p, err
	}
	if byEpoch && (spec.Epochs || !iterations) {
		p.Total, p.Completed = plan.epochs, max(rows.Whole, epochs)
		if log.Each > 0 && rows.Epoch > 0 && rows.Iter/log.Each >= rows.Epoch {
			p.Completed = max(p.Completed, rows.Epoch)
		}
		if plan.validates && p.Total > 0 && p.Completed >= p.Total && rows.Whole < p.Total {
			p.Completed = p.Total - 1 // the last validation is under way
		}
		rows.Epochs.tell(&p)
	} else {
		p.Unit, p.Total, p.Completed = unit(spec, "iteration"), plan.iters, max(rows.Iter, iters)
		if p.Total == 0 {
			p.Total = max(log.Iters, plan.epochs*min(log.Each, maxCount/max(plan.epochs, 1)))
		}
		rows.Iters.tell(&p)
	}
	if log.Early && (p.Total == 0 || p.Completed < p.Total) {
		p.EarlyStopped, p.EarlyStoppedAt = true, p.Completed
	}
	return p, nil
}

func (mmengine) rows(ev *Evidence, rel string) (mmRows, error) {
	return follow(ev, rel, format[mmRows]{
		key:   "mmengine/1",
		split: byLine,
		take:  func(s *mmRows, line []byte) { s.line(line, ev.Point) },
		done:  func(s *mmRows, at time.Time) { s.Iters.see(at, s.Iter); s.Epochs.see(at, s.Whole) },
	})
}

func (mmengine) log(ev *Evidence, rel string) (mmLog, error) {
	return follow(ev, rel, format[mmLog]{
		key: "mmengine/log/1", split: byLine,
		take: func(s *mmLog, line []byte) { s.line(line) },
	})
}

// plan reads the configuration of a launch, else those in its --work-dir.
func (mmengine) plan(ev *Evidence, dir, launch string) (mmPlan, error) {
	for _, rel := range append([]string{path.Join(launch, mmVis, mmConfigPy)}, ev.mmConfigs(dir)...) {
		text, err := ev.mmConfig(rel)
		if err != nil {
			return mmPlan{}, err
		}
		if p, ok := mmPlanOf(text); ok {
			return p, nil
		}
	}
	return mmPlan{}, nil
}

// saved returns the epoch and the iteration of the last checkpoint, where it is no older than since; 0: it is.
func (mmengine) saved(ev *Evidence, dir string, since int64) (epochs, iters int64, err error) {
	rel := path.Join(dir, mmPointer)
	if !ev.has(dir, mmPointer) {
		return 0, 0, nil
	}
	base := func(text string) string { return path.Base(strings.ReplaceAll(text, `\`, "/")) }
	text, err := ev.pointer(rel, func(text string) bool { return strings.HasSuffix(base(text), ".pth") })
	if err != nil {
		return 0, 0, err
	}
	if st, err := ev.Look(rel); err != nil || st.MTime < since {
		return 0, 0, err
	}
	epochs, _ = mmCheckpoint(base(text), mmEpochFile)
	iters, _ = mmCheckpoint(base(text), mmIterFile)
	return epochs, iters, nil
}
