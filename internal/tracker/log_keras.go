package tracker

import (
	"strings"

	"runsheet"
)

// kerasLog reads what Keras prints while it fits:
//
//	Epoch 3/10
//	 12/100 ━━━━━━━━━━━━━━━━━━━━ 5s 61ms/step - accuracy: 0.5000 - loss: 1.2000
//
// with verbose=2 one line "100/100 - 6s - 61ms/step - loss: 1.2000" for an epoch, and Keras 2's bars "12/100 [==>...] -
// ETA: 5s - loss: 1.2000". An epoch is complete when the next one begins, or when its bar is full and, where earlier epochs
// showed validation metrics, shows them too: the bar is full once before the validation. Where no epoch is told of, the
// bar alone may be that of a single epoch, or of a prediction.
// (keras 3.15, src/utils/progbar.py and src/callbacks/progbar_logger.py.) Traps: it takes whole lines back by backspaces,
// even in a file; no "Epoch 1/1" is printed for a single epoch; evaluate and predict draw bars, too.
type kerasLog struct {
	Epoch   int64            `json:"epoch,omitzero"`
	Total   int64            `json:"total,omitzero"`
	Steps   int64            `json:"steps,omitzero"` // of this epoch, by its first bar
	Drawn   bool             `json:"drawn,omitzero"` // there were bars in some epoch
	Full    bool             `json:"full,omitzero"`  // this epoch's bar is full
	Valid   bool             `json:"valid,omitzero"` // and shows validation metrics
	Valids  bool             `json:"valids,omitzero"`
	Several bool             `json:"several,omitzero"` // an earlier epoch is known whole
	Step    int64            `json:"step,omitzero"`
	Fits    int64            `json:"fits,omitzero"` // how many fits there were before: the end of one is not that of the work
	Early   bool             `json:"early,omitzero"`
	EarlyAt int64            `json:"early_at,omitzero"`
	Metrics runsheet.Metrics `json:"metrics,omitempty"`
}

func (*kerasLog) name() string { return "keras" }

func (l *kerasLog) line(text string, point func(int64, runsheet.Metrics)) {
	switch c := text[0]; {
	case c == 'E':
		l.header(text)
	case isDigit(c) && strings.Contains(text, "/step") || isDigit(c) && strings.Contains(text, "ETA:"):
		l.bar(text, point)
	}
}

// header reads "Epoch 3/10", which stands alone, and "Epoch 7: early stopping".
func (l *kerasLog) header(text string) {
	rest, ok := strings.CutPrefix(text, "Epoch ")
	if !ok {
		return
	}
	n, total, rest, ok := shareAt(rest)
	if !ok {
		return
	}
	if rest == ": early stopping" && l.Drawn {
		l.Early, l.EarlyAt = true, n
		return
	}
	if total == 0 || rest != "" || n == 0 || n > total {
		return
	}
	if l.Epoch > 0 && n == l.Epoch+1 && total == l.Total {
		l.Several, l.Valids = true, l.Valids || l.Valid
	} else {
		if l.Epoch > 0 {
			l.Fits++
		}
		l.Several, l.Valids = false, false
	}
	l.Epoch, l.Total, l.Steps, l.Full, l.Valid, l.Early, l.EarlyAt = n, total, 0, false, false, false, 0
}

func (l *kerasLog) bar(text string, point func(int64, runsheet.Metrics)) {
	n, steps, rest, ok := shareAt(text)
	if !ok || !kerasBar(rest) {
		return
	}
	if l.Epoch == 0 {
		l.Steps, l.Step = steps, n
	} else if l.Steps == 0 {
		l.Steps = max(steps, n)
	}
	if l.Epoch == 0 || l.Full && l.Valid || steps != l.Steps && steps != 0 {
		return // of an evaluation
	}
	l.Drawn = true
	m := metricsIn(rest[max(strings.Index(rest, "/step"), 0):])
	merge(&l.Metrics, m)
	if steps == 0 || n < steps {
		return
	}
	l.Full = true
	for name := range m {
		l.Valid = l.Valid || strings.HasPrefix(name, "val_")
	}
	point(l.Epoch, m)
}

// kerasBar says whether what follows "12/100" is the rest of a bar or of a line of Keras.
func kerasBar(rest string) bool {
	rest = strings.TrimLeft(rest, " ")
	return strings.HasPrefix(rest, "━") || strings.HasPrefix(rest, "[=") || strings.HasPrefix(rest, "[>") ||
		strings.HasPrefix(rest, "[.") || strings.HasPrefix(rest, "- ")
}

// whole: a bar stays without an end until it is drawn anew. Its last number has four digits after the point.
func (*kerasLog) whole(text string) bool {
	if !isDigit(text[0]) || !strings.Contains(text, "/step") {
		return false
	}
	i := strings.LastIndexByte(text, '.')
	return i >= 0 && i+5 <= len(text) && !strings.ContainsFunc(text[i+1:i+5], func(r rune) bool { return r < '0' || r > '9' }) &&
		(i+5 == len(text) || i+9 == len(text) && text[i+5] == 'e')
}

// weak: a bar without an epoch.
func (l *kerasLog) weak() bool { return l.Epoch == 0 }

func (l *kerasLog) progress(epochs bool) (runsheet.Progress, bool) {
	if l.Epoch == 0 && l.Steps > 0 && !epochs {
		if l.Step > l.Steps {
			return runsheet.Progress{}, false // no bar of Keras
		}
		return runsheet.Progress{Completed: l.Step, Total: l.Steps, Unit: "step", Guessed: true}, true
	}
	if !l.Drawn || l.Epoch == 0 {
		return runsheet.Progress{}, false
	}
	p := runsheet.Progress{Completed: l.Epoch - 1, Total: l.Total, Unit: "epoch", Metrics: l.Metrics}
	switch {
	case l.Early && l.EarlyAt < l.Total && l.Fits == 0:
		p.Completed, p.EarlyStopped, p.EarlyStoppedAt = l.EarlyAt, true, l.EarlyAt
	case l.Early && l.EarlyAt <= l.Total:
		p.Completed = l.EarlyAt
	case l.Full && l.Several && (l.Valid || !l.Valids):
		p.Completed = l.Epoch
	}
	p.Guessed = l.Fits > 0
	return p, p.Total == 0 || p.Completed <= p.Total
}

func (*kerasLog) slack() int64 { return 1 }
