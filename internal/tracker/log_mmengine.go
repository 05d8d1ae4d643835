package tracker

import (
	"strings"

	"runsheet"
)

// mmengineLog reads the lines of OpenMMLab's MMEngine, and those of mmcv 1.x:
//
//	... - mmengine - INFO - Epoch(train)   [1][ 50/118]  lr: 2.0e-04  eta: 0:10:00  loss: 1.5200
//	... - mmengine - INFO - Iter(train) [  50/80000]  lr: 2.0e-04  loss: 1.5200
//	... - mmengine - INFO - Saving checkpoint at 1 epochs
//	... - mmdet - INFO - Epoch [1][50/118]  lr: 2.0e-04, eta: 0:10:00, loss: 1.52
//
// Epochs are counted from one while they are under way; one is complete with the metrics of its validation, or where there
// is none with its checkpoint. Their total is in the configuration that is printed at the beginning, "max_epochs=12".
// "the monitored metric did not improve in the last 2 records" is an early stop. (mmengine 0.10.7; of mmcv 1.x
// mmcv/runner/hooks/logger/text.py was read, and none was run.) Trap: lines of "(val)" and "(test)" count something else.
type mmengineLog struct {
	Seen    bool             `json:"seen,omitzero"`
	Iters   int64            `json:"iters,omitzero"`
	Of      int64            `json:"of,omitzero"` // iterations in all; 0: epochs are counted
	Epoch   int64            `json:"epoch,omitzero"`
	Saved   int64            `json:"saved,omitzero"` // at the end of which epoch's training
	Valid   int64            `json:"valid,omitzero"` // after which epoch's training there was a validation last
	Early   bool             `json:"early,omitzero"`
	Total   int64            `json:"total,omitzero"` // epochs
	Metrics runsheet.Metrics `json:"metrics,omitempty"`
}

func (*mmengineLog) name() string { return "mmengine_log" }

func (l *mmengineLog) line(text string, point func(int64, runsheet.Metrics)) {
	if i := strings.Index(text, "max_epochs"); i >= 0 && (strings.Contains(text, "train_cfg") || strings.Contains(text, "runner")) {
		if n, ok := setting(text, "max_epochs"); ok {
			l.Total = n
		}
		return
	}
	i := strings.Index(text, "INFO - ")
	if i < 0 {
		return
	}
	text = text[i+len("INFO - "):]
	if strings.HasPrefix(text, "the monitored metric did not improve in the last ") && l.Seen {
		l.Early = true
		return
	}
	if rest, ok := strings.CutPrefix(text, "Saving checkpoint at "); ok && l.Seen {
		if n, rest, ok := countAt(rest); ok && strings.HasPrefix(rest, " epochs") && n == l.Epoch {
			l.Saved = n
		}
		return
	}
	if !strings.HasPrefix(text, "Epoch") && !strings.HasPrefix(text, "Iter") {
		return
	}
	kind, rest, ok := strings.Cut(text, "[")
	if !ok {
		return
	}
	m := metricsIn(rest)
	delete(m, "memory")
	switch kind = strings.TrimSpace(kind); kind {
	case "Iter(train)", "Iter":
		n, total, _, ok := shareAt(rest)
		if !ok || total == 0 || n > total {
			return
		}
		l.Seen, l.Iters, l.Of, l.Early = true, n, total, false
		point(n, m)
	case "Epoch(train)", "Epoch":
		n, rest, ok := countAt(rest)
		if !ok || n == 0 || !strings.HasPrefix(rest, "][") {
			return
		}
		if n < l.Epoch {
			l.Saved, l.Valid = 0, 0
		}
		l.Seen, l.Epoch, l.Of, l.Early = true, n, 0, false
		point(n, m)
	case "Epoch(val)", "Iter(val)":
		delete(m, "data_time")
		delete(m, "time")
		if !l.Seen || len(m) == 0 {
			return
		}
		l.Valid = l.Epoch
		point(max(l.Epoch, l.Iters), m)
	default:
		return
	}
	merge(&l.Metrics, m)
}

func (l *mmengineLog) progress(epochs bool) (runsheet.Progress, bool) {
	if !l.Seen || epochs && l.Of > 0 {
		return runsheet.Progress{}, false
	}
	p := runsheet.Progress{Completed: l.Iters, Total: l.Of, Unit: "iteration", Metrics: l.Metrics}
	if l.Of == 0 {
		p.Completed, p.Total, p.Unit = l.Epoch-1, l.Total, "epoch"
		if l.Valid == l.Epoch || l.Saved == l.Epoch && l.Valid == 0 {
			p.Completed = l.Epoch
		}
		if p.Total > 0 {
			p.Completed = min(p.Completed, p.Total)
		}
	}
	if l.Early {
		p.EarlyStopped, p.EarlyStoppedAt = true, p.Completed
	}
	return p, true
}

// slack: the last epoch is told of while it is under way, and the last iterations need not be told.
func (l *mmengineLog) slack() int64 {
	if l.Of > 0 {
		return 100
	}
	return 1
}
