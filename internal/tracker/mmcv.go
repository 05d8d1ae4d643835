package tracker

import (
	"bytes"
	"errors"
	"path"
	"strings"
	"time"

	"runsheet"
)

// mmcv reads what the runners of OpenMMLab's mmcv 1 leave (mmdet 2, mmseg 0, ...) in their --work-dir, which is the work
// dir or work_dirs/<config> below it:
//
//	<time>.log.json   of each launch: JSON lines with "mode" (train, val), "epoch", from 1, and "iter", within the epoch or, of
//	                  a runner by iteration, in all; the first line may be the configuration
//	<time>.log        its log: "workflow: [('train', 1)], max: 12 epochs" is the total, and says what is counted
//	<config>.py       the configuration: the total, where that log does not say it
//	epoch_<N>.pth, iter_<N>.pth
//
// An epoch is over with a row of a later one, a row of its validation, or its checkpoint, which is written before the
// validation. Iterations are counted exactly. The launches follow each other; one that resumes goes back. mmcv never
// stops early, and nothing but the total says that it is finished.
//
// Read of mmcv 1 (runner/hooks/logger/text.py, runner/epoch_based_runner.py) and written by hand after it in testdata/mmcv:
// not checked against a run of it. Trap: "iter" of a validation is the number of its batches.
type mmcv struct{}

const mmcvRows = ".log.json"

func (mmcv) Name() string { return "mmcv" }

func (mmcv) Logs() string { return "" }

func (m mmcv) Recognises(ev *Evidence, _ runsheet.ProgressSpec) bool {
	_, launches := mmNewest(ev, func(dir string) []string { return m.launches(ev, dir) })
	return len(launches) > 0
}

func (m mmcv) parts(ev *Evidence) []string {
	return mmParts(ev, func(dir string) []string { return m.launches(ev, dir) })
}

// launches lists the rows of the last launches in a --work-dir, in order.
func (mmcv) launches(ev *Evidence, dir string) []string {
	entries, _ := ev.List(dir) // what cannot be listed is told by whoever reads there
	var out []string
	for _, e := range entries {
		if at, ok := strings.CutSuffix(e.Name, mmcvRows); ok && !e.Dir && mmStamped(at) {
			out = append(out, path.Join(dir, e.Name))
		}
	}
	return out[max(0, len(out)-maxLaunches):]
}

// mmcvLimits is how much there is to do. Of epochs and iterations at most one is told.
type mmcvLimits struct {
	Epochs int64 `json:"epochs,omitzero"`
	Iters  int64 `json:"iters,omitzero"`
	Each   int64 `json:"each,omitzero"` // iterations of an epoch
}

// line takes a line of a log in.
func (l *mmcvLimits) line(line []byte) {
	switch {
	case bytes.Contains(line, []byte("workflow: ")):
		_, most, _ := strings.Cut(string(line), ", max: ")
		digits, of, _ := strings.Cut(most, " ")
		switch n, ok := parseCount(digits); {
		case ok && of == "epochs":
			*l = mmcvLimits{Epochs: n}
		case ok && of == "iters":
			*l = mmcvLimits{Iters: n}
		}
	case bytes.Contains(line, []byte("Epoch [")) || bytes.Contains(line, []byte("Epoch(train) [")):
		_, of, _ := strings.Cut(string(line), "/") // 2021-01-02 has none
		of, _, ok := strings.Cut(of, "]")
		if n, is := parseCount(of); ok && is {
			l.Each = n
		}
	}
}

// mmcvLimitsOf reads a configuration.
func mmcvLimitsOf(text string) mmcvLimits {
	var l mmcvLimits
	if runner, ok := pySet(text, "runner"); ok {
		args := pyArgs(runner)
		l.Epochs, _ = parseCount(args["max_epochs"])
		l.Iters, _ = parseCount(args["max_iters"])
	}
	if n, ok := pySet(text, "total_epochs"); ok && l.Epochs == 0 && l.Iters == 0 { // before mmcv 1.3
		l.Epochs, _ = pyInt(n)
	}
	if n, ok := pySet(text, "total_iters"); ok && l.Epochs == 0 && l.Iters == 0 {
		l.Iters, _ = pyInt(n)
	}
	return l
}

// mmcvState is what the rows of one launch say.
type mmcvState struct {
	Epoch   int64            `json:"epoch,omitzero"`   // under way, from 1; 0: nothing was trained
	Whole   int64            `json:"whole,omitzero"`   // epochs that are over
	Iter    int64            `json:"iter,omitzero"`    // within the epoch, or in all
	First   int64            `json:"first,omitzero"`   // epoch
	Config  string           `json:"config,omitempty"` // the file that the launch dumped its configuration into
	Goes    bool             `json:"goes,omitzero"`    // iter went on from one epoch to the next: it is in all
	Metrics runsheet.Metrics `json:"metrics,omitempty"`
	Epochs  pace             `json:"epochs,omitempty"`
	Iters   pace             `json:"iters,omitempty"`
}

func (s *mmcvState) line(line []byte, limits mmcvLimits, point func(int64, runsheet.Metrics)) {
	if len(line) == 0 || line[0] != '{' {
		return
	}
	r, err := parseRow(line)
	if err != nil {
		return
	}
	epoch, ok := r.count("epoch")
	iter, isIter := r.count("iter")
	if !ok || !isIter || epoch == 0 {
		if name := r.text["exp_name"]; strings.HasSuffix(name, ".py") && path.Base(name) == name { // the configuration
			s.Config = name
		}
		return
	}
	switch r.text["mode"] {
	case "train":
		if epoch > s.Epoch && s.Epoch > 0 {
			s.Goes = iter > s.Iter
		}
		if s.First == 0 {
			s.First = epoch
		}
		s.Epoch, s.Whole, s.Iter = epoch, epoch-1, iter
	case "val":
		if s.Epoch == 0 {
			return // of a validation alone
		}
		if epoch >= s.Epoch {
			s.Whole = s.Epoch
		}
		for _, name := range []string{"lr", "time", "data_time", "memory"} { // which are told of the training
			delete(r.num, name)
		}
	default:
		return
	}
	metrics := mmRow(r, mmWhere...)
	s.Metrics = merged(s.Metrics, metrics)
	switch {
	case limits.Iters > 0:
		point(s.Iter, metrics)
	case limits.Each > 0 && s.Epoch <= maxCount/limits.Each:
		point((s.Epoch-1)*limits.Each+s.Iter, metrics)
	default:
		point(s.Epoch, metrics)
	}
}

func (m mmcv) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: m.Name(), Unit: unit(spec, "epoch")}
	dir, launches := mmNewest(ev, func(dir string) []string { return m.launches(ev, dir) })
	var rows mmcvState
	var limits mmcvLimits
	var since int64 // checkpoints that are older are of another training
	for _, launch := range launches {
		l, err := m.limits(ev, dir, strings.TrimSuffix(launch, ".json"))
		if err != nil {
			return p, err
		}
		s, err := follow(ev, launch, format[mmcvState]{
			key:   "mmcv/2",
			split: byLine,
			take:  func(s *mmcvState, line []byte) { s.line(line, l, ev.Point) },
			done:  func(s *mmcvState, at time.Time) { s.Iters.see(at, s.Iter); s.Epochs.see(at, s.Whole) },
		})
		if err != nil {
			return p, err
		}
		limits = l
		if s.Epoch > 0 {
			if s.First > rows.First {
				s.Metrics = merged(rows.Metrics, s.Metrics) // it goes on
			}
			rows = s
			st, _ := ev.Look(launch) // it was looked at
			if since = st.MTime; s.Config != "" {
				since = ev.mmSince(path.Join(dir, s.Config), since)
			}
		}
	}
	p.Metrics = rows.Metrics
	if limits.Iters > 0 || limits.Epochs == 0 && rows.Goes {
		if spec.Epochs {
			return p, errors.New("a training of mmcv by iteration counts no epochs; give `total` instead of `epochs` in the sheet")
		}
		saved := ev.mmSaved(dir, mmIterFile, since)
		p.Unit, p.Total, p.Completed = unit(spec, "iteration"), limits.Iters, max(rows.Iter, saved)
		rows.Iters.tell(&p)
		return p, nil
	}
	p.Total, p.Completed = limits.Epochs, max(rows.Whole, ev.mmSaved(dir, mmEpochFile, since))
	rows.Epochs.tell(&p)
	return p, nil
}

// limits returns how much there is to do by the log of a launch, else by the configurations beside it.
func (mmcv) limits(ev *Evidence, dir, log string) (mmcvLimits, error) {
	l, err := follow(ev, log, format[mmcvLimits]{
		key: "mmcv/log/1", split: byLine,
		take: func(l *mmcvLimits, line []byte) { l.line(line) },
	})
	if err != nil || l.Epochs > 0 || l.Iters > 0 {
		return l, err
	}
	for _, rel := range ev.mmConfigs(dir) {
		text, err := ev.mmConfig(rel)
		if err != nil {
			return l, err
		}
		if c := mmcvLimitsOf(text); c.Epochs > 0 || c.Iters > 0 {
			c.Each = l.Each
			return c, nil
		}
	}
	return l, nil
}
