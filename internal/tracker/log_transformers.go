package tracker

import (
	"math"
	"strings"

	"runsheet"
)

// transformersLog reads what the Trainer of Hugging Face's transformers prints, and what is built on it (TRL, axolotl,
// sentence-transformers): the metrics as Python dicts, and the steps from a bar of tqdm without a description.
//
//	33%|███▎      | 20/60 [00:04<00:08,  4.53it/s]{'loss': '3.032', 'grad_norm': '0.7736', 'epoch': '1'}
//	{'train_runtime': '1.112', 'train_loss': '3.03', 'epoch': '1.333'}
//
// The row with train_runtime is printed when train() returns: the end, an early one where the bar is not full. Without a
// bar (disable_tqdm) there are epochs only. (transformers 5.24, whose values are strings, and 4.57, whose are numbers:
// trainer.py, trainer_callback.py.) Traps: where stdout is buffered the dicts lag behind the bar, which is on stderr; each
// evaluation draws a bar without a description, too; whoever stops a training by a callback of one's own, for want of
// time, stops it early in these words.
type transformersLog struct {
	Bars     bars             `json:"bars,omitzero"` // those without a description
	Rows     int64            `json:"rows,omitzero"`
	Epoch    float64          `json:"epoch,omitzero"`
	Epochs   int64            `json:"epochs,omitzero"` // in all, where it logs its settings
	Steps    int64            `json:"steps,omitzero"`  // likewise
	Finished bool             `json:"finished,omitzero"`
	Several  bool             `json:"several,omitzero"` // a training began after one had ended
	Metrics  runsheet.Metrics `json:"metrics,omitempty"`
}

func (*transformersLog) name() string { return "transformers_log" }

func (l *transformersLog) line(text string, point func(int64, runsheet.Metrics)) {
	if isDigit(text[0]) && strings.Contains(text, "%|") {
		if d, ok := drawnIn(text); ok && d.desc == "" && d.total > 0 && barUnit(d.unit) == "step" {
			l.Bars.draw(d)
		}
	}
	if i := strings.Index(text, "{'"); i >= 0 && strings.Contains(text[i:], "'epoch': ") {
		if text = text[i:]; strings.IndexByte(text, '}') > 0 {
			l.row(text[:strings.IndexByte(text, '}')], point)
		}
		return
	}
	if i := strings.Index(text, "Num Epochs = "); i >= 0 {
		l.Epochs = grouped(text[i+len("Num Epochs = "):])
	} else if i := strings.Index(text, "Total optimization steps = "); i >= 0 {
		l.Steps = grouped(text[i+len("Total optimization steps = "):])
	}
}

// whole: a bar stays without an end until it is drawn anew.
func (*transformersLog) whole(text string) bool {
	_, ok := drawnIn(text)
	return ok
}

// row takes the metrics of a dict in.
func (l *transformersLog) row(text string, point func(int64, runsheet.Metrics)) {
	m := runsheet.Metrics{}
	epoch := math.NaN()
	for field := range strings.SplitSeq(text[1:], ", '") {
		name, v, ok := strings.Cut(strings.TrimPrefix(field, "'"), "': ")
		value, num := parseFloat(strings.Trim(v, "'"))
		if !ok || !num || len(name) > maxName || len(m) >= maxTold {
			continue
		}
		if name == "epoch" {
			epoch = value
			continue
		}
		m[name] = value
	}
	if math.IsNaN(epoch) || epoch < 0 || epoch > maxCount || len(m) == 0 {
		return
	}
	_, ends := m["train_runtime"]
	_, trains := m["loss"]
	if trains && l.Finished {
		l.Several, l.Finished = true, false
	}
	l.Finished = l.Finished || ends
	l.Epoch = epoch
	l.Rows++
	merge(&l.Metrics, m)
	n, _ := l.steps()
	if len(l.Bars.List) == 0 {
		n = int64(epoch)
	}
	point(n, m)
}

// steps returns how many steps the bar of the training shows, and of how many: the first bar that evaluations came into
// the way of, else the one with the most steps.
func (l *transformersLog) steps() (n, total int64) {
	var best *bar
	for _, b := range l.Bars.List {
		if best == nil || b.Spans && !best.Spans || b.Spans == best.Spans && b.Total > best.Total {
			best = b
		}
	}
	if best == nil {
		return 0, l.Steps
	}
	return best.N, best.Total
}

func (l *transformersLog) progress(epochs bool) (runsheet.Progress, bool) {
	if l.Rows == 0 {
		return runsheet.Progress{}, false
	}
	n, total := l.steps()
	p := runsheet.Progress{Completed: n, Total: total, Unit: "step", Metrics: l.Metrics}
	done := int64(l.Epoch + 1e-6)
	switch {
	case epochs:
		p.Completed, p.Total, p.Unit = done, l.Epochs, "epoch"
	case len(l.Bars.List) == 0:
		p.Completed, p.Total, p.Unit, p.Guessed = done, l.Epochs, "epoch", true
	}
	switch {
	case !l.Finished || l.Several:
		p.Guessed = p.Guessed || l.Several
	case n > 0 && n < total:
		p.EarlyStopped, p.EarlyStoppedAt = true, p.Completed
	default:
		p.Finished, p.Guessed = true, false
	}
	return p, true
}

// grouped reads a number like "1,200"; 0 where it is none, or too large for a limit.
func grouped(text string) int64 {
	end := 0
	for end < len(text) && (isDigit(text[end]) || text[end] == ',') {
		end++
	}
	n, ok := parseCount(strings.ReplaceAll(text[:end], ",", ""))
	if !ok {
		return 0
	}
	return n
}
