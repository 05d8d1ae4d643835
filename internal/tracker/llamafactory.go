package tracker

import (
	"bytes"
	"io"
	"maps"
	"slices"
	"time"

	"runsheet"
)

// llamaFactory is LLaMA-Factory: the Trainer of transformers, with a line in trainer_log.jsonl for each row that it logs:
//
//	{"current_steps": 20, "total_steps": 300, "loss": 1.2, "lr": 9.5e-05, "epoch": 0.2, "percentage": 6.67, ...}
//
// The log is alive while the Trainer's own state is as old as the last checkpoint: its last line tells the steps, unless
// the state is ahead and newer. A resumed training goes on in the same file, further back. Lines without an epoch are the
// steps of an evaluation, which are not counted. The end, early or not, is what the Trainer's state says (see
// transformers): training in LLaMA-Factory always ends with one.
//
// Read of hiyouga/LLaMA-Factory src/llamafactory/train/callbacks.py; not checked against a run of it.
type llamaFactory struct{}

const llamaLog = "trainer_log.jsonl"

func (llamaFactory) Name() string { return "llamafactory" }

func (llamaFactory) Logs() string { return "trainer_log.jsonl" }

func (llamaFactory) Recognises(ev *Evidence, _ runsheet.ProgressSpec) bool {
	return ev.has(".", llamaLog) && bytes.Contains(ev.head(llamaLog), []byte(`"current_steps"`))
}

// headBytes is how much of a file is read by who only wants to know what it is.
const headBytes = 4 << 10

// head returns the beginning of a file; nothing where it cannot be read. Where there is a finished line in it, what
// follows does not matter to who only wants to know what it is.
func (ev *Evidence) head(rel string) []byte {
	ev.WitnessIdentity(rel)
	var head []byte
	err := ev.read(rel, 1<<62, func(r io.Reader) (err error) {
		head, err = io.ReadAll(io.LimitReader(r, headBytes))
		return err
	})
	if err != nil || bytes.IndexByte(head, '\n') < 0 {
		ev.Witness(rel)
	}
	return head
}

// llamaState is what the lines so far say.
type llamaState struct {
	Lines   int64            `json:"lines"` // of a training
	Step    int64            `json:"step"`
	Total   int64            `json:"total,omitzero"`
	Epoch   float64          `json:"epoch"`
	Metrics runsheet.Metrics `json:"metrics,omitempty"`
	Pace    pace             `json:"pace,omitempty"`
}

func (t llamaFactory) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: t.Name(), Unit: unit(spec, transformers{}.count(spec))}
	log, err := follow(ev, llamaLog, format[llamaState]{
		key: "llamafactory/1", split: byLine,
		take: func(s *llamaState, line []byte) { s.take(line, ev.Point) },
		done: func(s *llamaState, at time.Time) {
			if s.Lines > 0 {
				s.Pace.see(at, s.Step)
			}
		},
	})
	if err != nil {
		return p, err
	}
	cps, err := hfCheckpoints(ev)
	if err != nil {
		return p, err
	}
	s, err := hfNewest(ev, cps)
	if isBroken(err) && log.Lines > 0 {
		ev.passOver(err)
		s, err = nil, nil // the log tells
	}
	if err != nil {
		return p, err
	}
	alive := false // whether the log is ahead
	if s == nil {
		s, alive = &hfState{Callbacks: true, Metrics: runsheet.Metrics{}}, true
	} else {
		if summary, over := ev.hfSummary(); !s.Ended {
			s.end(ev, summary, over)
		}
		logged, _ := ev.Look(llamaLog)
		state, _ := ev.Look(s.Rel)
		alive = log.Lines > 0 && (log.Step >= s.Step || logged.MTime > state.MTime)
	}
	if !alive {
		if ev.recorder != nil {
			if _, err := hfRead(ev, s.Rel, 0, ev.Point); err != nil && !absent(err) {
				return p, err
			}
		}
		return transformers{}.report(p, s, spec, cps), nil
	}
	if log.Step != s.Step {
		s.Ended, s.Over, s.Impatient = false, false, false // that was before
	}
	s.Step, s.MaxSteps, s.Epoch = log.Step, log.Total, log.Epoch
	maps.Copy(s.Metrics, log.Metrics)
	p = transformers{}.report(p, s, spec, cps)
	if !spec.Epochs {
		log.Pace.tell(&p)
	}
	return p, nil
}

// llamaPlace is what tells where a line belongs; the rest are metrics.
var llamaPlace = []string{"current_steps", "total_steps", "epoch", "percentage"}

// take takes a line in. One that makes no sense is passed over: the Trainer's own state stands beside it.
func (s *llamaState) take(line []byte, point func(int64, runsheet.Metrics)) {
	r, err := parseRow(line)
	if err != nil {
		return
	}
	step, ok := r.count("current_steps")
	epoch, there := r.num["epoch"]
	if !ok || !there || !(epoch >= 0 && epoch <= maxEpochs) {
		return
	}
	total, _ := r.count("total_steps")
	maps.DeleteFunc(r.num, func(k string, _ float64) bool { return slices.Contains(llamaPlace, k) })
	s.Lines++
	s.Step, s.Total, s.Epoch, s.Metrics = step, total, epoch, merged(s.Metrics, r.num)
	point(step, r.num)
}
