package tracker

import (
	"strings"

	"runsheet"
)

// pylonLog reads the lines of Pylon's trainers and evaluators:
//
//	Training [Epoch 0/10][Iteration 5/24]. learning_rate: [0.1], loss: 0.52, ..., iteration_info: Training [Epoch ...
//	Validation [Epoch 0/10][Iteration 3/8]. score: 0.4
//	Evaluation [Iteration 3/8]. score: 0.4
//
// Epochs and iterations are counted from zero, the total is the run's (also of several stages, whose config.json tells
// only the first's). An epoch is complete when the next one begins: its files are written in the background, and their
// tracker says better, where they are. Several workers may tell an evaluation's iterations out of order.
// (danielmao2019/Pylon, runners/trainers/base_trainer.py and runners/evaluators/base_evaluator.py were read; not checked
// against a run of it.)
type pylonLog struct {
	Seen    bool             `json:"seen,omitzero"`
	Epoch   int64            `json:"epoch,omitzero"`
	Total   int64            `json:"total,omitzero"`
	Eval    bool             `json:"eval,omitzero"`
	Done    int64            `json:"done,omitzero"` // iterations of an evaluation
	Of      int64            `json:"of,omitzero"`
	Early   bool             `json:"early,omitzero"`
	Metrics runsheet.Metrics `json:"metrics,omitempty"`
}

func (*pylonLog) name() string { return "pylon_log" }

func (l *pylonLog) line(text string, point func(int64, runsheet.Metrics)) {
	i := strings.Index(text, "[Iteration ")
	if i < 0 {
		if l.Seen && strings.Contains(text, "Training stopped early at epoch ") {
			l.Early = true
		}
		return
	}
	j, total, rest, ok := shareAt(text[i+len("[Iteration "):])
	if !ok || total == 0 || j >= total || !strings.HasPrefix(rest, "].") {
		return
	}
	rest, _, _ = strings.Cut(rest, "iteration_info:")
	before := strings.TrimSpace(text[:i])
	if what, epoch, ok := strings.Cut(before, " [Epoch "); ok {
		n, of, tail, ok := shareAt(epoch)
		if !ok || of == 0 || n >= of || tail != "]" || !strings.HasSuffix(what, "Training") && !strings.HasSuffix(what, "Validation") {
			return
		}
		l.Seen, l.Epoch, l.Total, l.Early = true, n, of, false
		m := metricsIn(rest)
		merge(&l.Metrics, m)
		point(n+1, m)
	} else if strings.HasSuffix(before, "Evaluation") {
		if j == 0 && l.Done == l.Of {
			l.Done = 0
		}
		l.Eval, l.Of = true, total
		l.Done = min(l.Done+1, total)
	}
}

func (l *pylonLog) progress(epochs bool) (runsheet.Progress, bool) {
	switch {
	case l.Seen:
		p := runsheet.Progress{Completed: l.Epoch, Total: l.Total, Unit: "epoch", Metrics: l.Metrics}
		if l.Early && l.Epoch+1 < l.Total { // it says so before the epoch after the last would begin
			p.Completed, p.EarlyStopped, p.EarlyStoppedAt = l.Epoch+1, true, l.Epoch+1
		}
		return p, true
	case l.Eval && !epochs:
		return runsheet.Progress{Completed: l.Done, Total: l.Of, Unit: "iteration"}, true
	}
	return runsheet.Progress{}, false
}

func (l *pylonLog) slack() int64 { return 1 }
