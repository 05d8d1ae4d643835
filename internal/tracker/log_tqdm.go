package tracker

import (
	"strings"

	"runsheet"
)

// tqdmLog reads the progress bars of tqdm:
//
//	Epoch 3:  12%|█▏        | 12/100 [00:10<01:13,  1.20it/s, loss=0.53]
//
// with or without a bar, a description, a total. There are many in one log, and most are not the training: bars of
// downloads and of data, bars for validation, a bar for each epoch. Which one counts is told by how they behave:
// see bars.choose. What no description says to be epochs is a guess, however well it fits.
// (tqdm 4.70.1, std.py: format_meter. Bars close with a last drawing, unless leave=False.)
type tqdmLog struct {
	Bars bars `json:"bars,omitzero"`
}

func (*tqdmLog) name() string { return "tqdm" }

func (l *tqdmLog) line(text string, point func(int64, runsheet.Metrics)) {
	d, ok := drawnIn(text)
	if !ok {
		if d, ok = cutIn(text); !ok {
			return
		}
	}
	b := l.Bars.draw(d)
	if d.post == "" {
		return
	}
	if metricsInto(&b.Metrics, d.post) {
		if c, ok := l.Bars.choose(); ok && c.teller == b {
			point(c.Completed, b.Metrics)
		}
	}
}

// whole: a bar stays without an end until it is drawn anew.
func (*tqdmLog) whole(text string) bool {
	_, ok := drawnIn(text)
	return ok
}

func (l *tqdmLog) progress(epochs bool) (runsheet.Progress, bool) {
	c, ok := l.Bars.choose()
	if !ok || epochs && !c.epochs {
		return runsheet.Progress{}, false
	}
	p := c.Progress
	p.Guessed = c.weak || c.passes || epochs && !c.named
	if epochs {
		p.Unit = "epoch"
	}
	return p, true
}

// weak: a count of nobody knows how many says no more than a line of the training does.
func (l *tqdmLog) weak() bool {
	c, _ := l.Bars.choose()
	return c.weak || c.Total == 0
}

func (l *tqdmLog) slack() int64 {
	c, _ := l.Bars.choose()
	return c.slack
}

// drawn is one drawing of a bar.
type drawn struct {
	desc, unit, post string
	n, total         int64 // total: 0 where none is shown
	slack            int64 // how much the numbers may be rounded
}

// drawnIn finds the drawing of a bar in a text, and says whether there is a whole one. Other output may stand after it,
// as two streams share a log.
func drawnIn(text string) (drawn, bool) {
	for from := 0; ; {
		i := strings.IndexByte(text[from:], '[')
		if i < 0 {
			return drawn{}, false
		}
		i += from
		from = i + 1
		end := clockEnd(text, i+1)
		if end < 0 {
			continue
		}
		var left string // what is left to go
		rest := text[end:]
		switch {
		case strings.HasPrefix(rest, "<"):
			comma := strings.Index(rest, ", ")
			if comma < 0 {
				continue
			}
			left, rest = rest[1:comma], rest[comma+2:]
			if left != "?" && clockEnd(left, 0) != len(left) && !strings.Contains(left, "day") {
				continue
			}
		case strings.HasPrefix(rest, ", "):
			rest = rest[2:]
		default:
			continue
		}
		shut := strings.IndexByte(rest, ']')
		if shut < 0 {
			continue
		}
		rate, post, _ := strings.Cut(rest[:shut], ",")
		d := drawn{post: strings.TrimSpace(post)}
		var ok bool
		if d.unit, ok = rateUnit(strings.TrimSpace(rate)); ok && d.counts(text[:i], left) {
			if d.slack > 0 && len(d.unit) > 1 && isDigit(strings.TrimSpace(rate)[0]) && strings.IndexByte("kMGTP", d.unit[0]) >= 0 {
				d.unit = d.unit[1:] // "6.64ksamples/s"
			}
			return d, true
		}
	}
}

// cutIn finds the drawing of a bar whose end was cut off for want of columns: "train:  10%| | 4/40 [00:00<00:".
func cutIn(text string) (d drawn, ok bool) {
	if !strings.Contains(text, "%|") {
		return d, false
	}
	i := strings.LastIndexByte(text, '[')
	if i < 0 || strings.IndexByte(text[i:], ']') >= 0 || len(text)-i < 3 || !isDigit(text[i+1]) || !d.counts(text[:i], "") || d.total == 0 {
		return d, false
	}
	d.unit = "it"
	return d, true
}

// clockEnd returns where a clock like "01:13" or "1:02:03" ends that begins at i; -1 if none does.
func clockEnd(text string, i int) int {
	parts := 0
	for {
		from := i
		for i < len(text) && isDigit(text[i]) {
			i++
		}
		if n := i - from; n == 0 || parts > 0 && n != 2 {
			return -1
		}
		if parts++; i == len(text) || text[i] != ':' {
			break
		}
		i++
	}
	if parts < 2 {
		return -1
	}
	return i
}

// rateUnit returns the unit of a rate like "1.20it/s", "1.20s/it" or "?it/s".
func rateUnit(rate string) (string, bool) {
	if of, ok := strings.CutSuffix(rate, "/s"); ok {
		of = strings.TrimLeft(of, "?0123456789.")
		return strings.TrimSpace(of), len(of) < 20
	}
	i := strings.Index(rate, "s/")
	if i <= 0 || !isDigit(rate[i-1]) {
		return "", false
	}
	return strings.TrimSpace(rate[i+2:]), len(rate)-i < 20
}

// counts reads what stands before the times of a bar: description, share, bar, counts.
func (d *drawn) counts(before, left string) bool {
	before = strings.TrimRight(before, " ")
	i := strings.LastIndexByte(before, ' ') + 1
	if bar := strings.LastIndexByte(before, '|') + 1; bar > i {
		i = bar
	}
	count, of, ok := strings.Cut(before[i:], "/")
	if !ok { // "12it"
		number := strings.TrimRight(count, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
		if d.n, ok = parseCount(number); !ok || left != "" {
			return false
		}
		d.desc = description(before[:i])
		return true
	}
	var round int64
	if d.n, d.slack, ok = scaled(count); !ok {
		return false
	}
	if of != "?" {
		if d.total, round, ok = scaled(of); !ok {
			return false
		}
	}
	switch {
	case d.slack == 0:
	case count == of && left == "00:00": // rounded, and nothing is left
		d.n, d.slack = d.total, 0
	default:
		d.n = max(d.n-d.slack, 0)
		d.slack = 2*d.slack + round
	}
	d.slack = max(d.slack, round)
	if d.total > 0 && d.n > d.total {
		if d.n > d.total+d.slack {
			return false // tqdm drops a total that was passed: this is no bar of its
		}
		d.n = d.total
	}
	before = strings.TrimRight(before[:i], " ")
	at := strings.LastIndex(before, "%|")
	if at < 0 && strings.HasSuffix(before, "%") {
		at = len(before) - 1
	}
	if at < 0 {
		return false
	}
	from := at
	for from > 0 && isDigit(before[from-1]) {
		from--
	}
	if from == at {
		return false
	}
	d.desc = description(before[:from])
	return true
}

// maxDesc is how much of a description is kept, in bytes.
const maxDesc = 100

// description returns the description of a bar without what only sets it off.
func description(text string) string {
	text = strings.TrimRight(strings.TrimSpace(text), ": ")
	return strings.ToValidUTF8(text[max(0, len(text)-maxDesc):], "")
}
