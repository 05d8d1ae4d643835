package tracker

import (
	"strings"

	"runsheet"
)

// fairseqLog reads fairseq's lines in its "simple" format:
//
//	2026-01-02 03:04:05 | INFO | train_inner | epoch 001:    100 / 1024 loss=9.87, ppl=936, num_updates=100, lr=1.2e-05
//	2026-01-02 03:05:05 | INFO | train | epoch 001 | loss 9.1 | ppl 548 | num_updates 1024 | ...
//
// The line of "train" is the end of an epoch's training. max_epoch and max_update of the configuration that it prints are
// the total, 0 being no limit; with a max_update updates are counted, else epochs. "done training in ..." is the end, and
// "early stop since valid performance hasn't improved ..." an early one. (fairseq_cli/train.py and logging/progress_bar.py
// were read; not checked against a run of it.)
type fairseqLog struct {
	Seen      bool             `json:"seen,omitzero"`
	Epochs    int64            `json:"epochs,omitzero"`
	Updates   int64            `json:"updates,omitzero"`
	MaxEpoch  int64            `json:"max_epoch,omitzero"`
	MaxUpdate int64            `json:"max_update,omitzero"`
	Finished  bool             `json:"finished,omitzero"`
	Early     bool             `json:"early,omitzero"`
	Metrics   runsheet.Metrics `json:"metrics,omitempty"`
}

func (*fairseqLog) name() string { return "fairseq_log" }

func (l *fairseqLog) line(text string, point func(int64, runsheet.Metrics)) {
	i := strings.Index(text, " | INFO | ")
	if i < 0 {
		return
	}
	who, text, ok := strings.Cut(text[i+len(" | INFO | "):], " | ")
	if !ok {
		return
	}
	if strings.Contains(text, "max_epoch") {
		if v, ok := setting(text, "max_epoch"); ok {
			l.MaxEpoch = v
		}
		if v, ok := setting(text, "max_update"); ok {
			l.MaxUpdate = v
		}
		return
	}
	switch who {
	case "train_inner", "train", "valid":
		l.train(who, text, point)
	case "fairseq_cli.train":
		if l.Seen {
			l.Early = l.Early || strings.HasPrefix(text, "early stop since valid performance hasn't improved")
			l.Finished = l.Finished || strings.HasPrefix(text, "done training in ")
		}
	}
}

func (l *fairseqLog) train(who, text string, point func(int64, runsheet.Metrics)) {
	rest, ok := strings.CutPrefix(text, "epoch ")
	if !ok {
		return
	}
	n, rest, ok := countAt(rest)
	if !ok || n == 0 {
		return
	}
	var m runsheet.Metrics
	if who == "train_inner" {
		if !strings.HasPrefix(rest, ":") {
			return
		}
		m = metricsIn(rest)
		l.Seen, l.Epochs, l.Finished, l.Early = true, n-1, false, false
	} else {
		for field := range strings.SplitSeq(rest, "|") {
			name, v, ok := strings.Cut(strings.TrimSpace(field), " ")
			if value, num := parseFloat(v); ok && num && name != "" && len(name) <= maxName {
				if who == "valid" {
					name = "valid_" + name
				}
				merge(&m, runsheet.Metrics{name: value})
			}
		}
	}
	if v, ok := asCount(m["num_updates"]); ok && m["num_updates"] > 0 {
		l.Updates = v
	}
	if who == "train" && m != nil {
		l.Seen, l.Epochs = true, n
	}
	delete(m, "num_updates")
	merge(&l.Metrics, m)
	if l.Seen {
		at := l.Epochs
		if l.MaxUpdate > 0 {
			at = l.Updates
		}
		point(at, m)
	}
}

// setting finds a whole number in a printed configuration: "'max_update': 5000" or "max_update=5000".
func setting(text, name string) (int64, bool) {
	i := strings.Index(text, name)
	if i < 0 {
		return 0, false
	}
	n, rest, ok := countAt(strings.TrimLeft(text[i+len(name):], "'\": ="))
	return n, ok && !fraction(rest)
}

func (l *fairseqLog) progress(epochs bool) (runsheet.Progress, bool) {
	if !l.Seen {
		return runsheet.Progress{}, false
	}
	p := runsheet.Progress{Completed: l.Epochs, Total: l.MaxEpoch, Unit: "epoch", Finished: l.Finished, Metrics: l.Metrics}
	if l.MaxUpdate > 0 && !epochs {
		p.Completed, p.Total, p.Unit = l.Updates, l.MaxUpdate, "update"
	}
	if l.Early && l.Finished {
		p.EarlyStopped, p.EarlyStoppedAt = true, p.Completed
	}
	return p, true
}
