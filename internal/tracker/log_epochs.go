package tracker

import (
	"strings"

	"runsheet"
)

// epochsLog reads lines in which training code of one's own counts its epochs:
//
//	Epoch 3/100   Epoch [3/100], loss: 0.5   epoch 3 of 100   Epoch: [3][ 50/1000] loss 0.5   epoch 3: loss 0.5
//
// Nobody promised what such a line means, so it is read with caution. "0/100" proves that epochs are counted from zero,
// else they are counted from one. A line without any metric stands at the beginning of its epoch. One with metrics stands
// at the end only if the epoch before had just that one line; several lines for one epoch are told while it is under way.
// One that says "done" is believed.
// Traps: PyTorch's tutorials print "Epoch 0/24" to "Epoch 24/24" for 25 epochs; bars are left to tqdm and the frameworks.
type epochsLog struct {
	Count   epochCount       `json:"count,omitzero"`
	Total   int64            `json:"total,omitzero"` // that the description of a bar told
	Metrics runsheet.Metrics `json:"metrics,omitempty"`
}

// epochCount is how far the numbers of epochs have come that lines or bars showed.
type epochCount struct {
	Seen   bool  `json:"seen,omitzero"`
	Epoch  int64 `json:"epoch,omitzero"`  // as it was written last
	Total  int64 `json:"total,omitzero"`  // 0: not said
	Lines  int64 `json:"lines,omitzero"`  // of this epoch
	Ended  bool  `json:"ended,omitzero"`  // the last line told metrics of an epoch as a whole
	Single bool  `json:"single,omitzero"` // the epoch before had one line, with metrics
	Done   bool  `json:"done,omitzero"`   // the last line says that the epoch is
	Zero   bool  `json:"zero,omitzero"`   // "0/N" was seen
	Stride int64 `json:"stride,omitzero"`
}

func (*epochsLog) name() string { return "epochs_log" }

func (l *epochsLog) line(text string, point func(int64, runsheet.Metrics)) {
	e, ok := epochIn(text)
	if !ok {
		return
	}
	if isDrawn(text) {
		if strings.Contains(text, "%|") {
			l.Total = e.total
		}
		return
	}
	m := metricsIn(e.rest)
	if len(m) == 0 {
		m = spoken(e.rest)
	}
	l.Count.see(e, len(m) > 0 && !e.inner)
	l.Count.Done = !e.inner && saysDone(e.rest)
	if len(m) > 0 {
		merge(&l.Metrics, m)
		point(l.Count.current(), m)
	}
}

func (l *epochsLog) progress(bool) (runsheet.Progress, bool) {
	if !l.Count.Seen {
		return runsheet.Progress{}, false
	}
	p := runsheet.Progress{Completed: l.Count.completed(), Total: l.Count.total(), Unit: "epoch", Metrics: l.Metrics}
	if p.Total == 0 && l.Total > 0 {
		p.Total, p.Completed = l.Total, min(p.Completed, l.Total)
	}
	return p, true
}

// weak: without a total, a bar that has one says more.
func (l *epochsLog) weak() bool { return l.Count.Total == 0 && l.Total == 0 }

func (l *epochsLog) slack() int64 { return l.Count.slack() }

// see takes a number of an epoch in; ended says that the line told metrics of the epoch as a whole.
func (c *epochCount) see(e epochWords, ended bool) {
	switch {
	case !c.Seen || e.total != c.Total && e.total > 0 && c.Total > 0:
		*c = epochCount{Seen: true, Epoch: e.epoch, Total: e.total}
	case e.epoch != c.Epoch:
		c.Single = c.Lines == 1 && c.Ended
		c.Stride = max(e.epoch-c.Epoch, 0)
		c.Epoch, c.Lines = e.epoch, 0
	}
	c.Total = max(c.Total, e.total)
	c.Zero = c.Zero || e.epoch == 0
	c.Lines++
	c.Ended = ended
}

// current returns the epoch that was told of last, counted from one.
func (c *epochCount) current() int64 {
	if c.Zero {
		return c.Epoch + 1
	}
	return c.Epoch
}

func (c *epochCount) completed() int64 {
	n := c.current() - 1
	if c.Done || c.Single && c.Ended && c.Lines == 1 {
		n++
	}
	if t := c.total(); t > 0 {
		n = min(n, t)
	}
	return max(n, 0)
}

// total returns how many epochs there are: "24/24" after "0/24" is the last of 25.
func (c *epochCount) total() int64 {
	if c.Zero && c.Total > 0 && c.Epoch >= c.Total {
		return c.Total + 1
	}
	return c.Total
}

// slack counts the epoch under way, and those that are passed over where only every so many are told.
func (c *epochCount) slack() int64 {
	n := c.current() - c.completed()
	if c.Stride > 1 {
		n = max(n, c.Stride)
	}
	return max(n, 0)
}

// saysDone says whether what follows the number of an epoch says that it is done.
func saysDone(rest string) bool {
	for field := range strings.FieldsFuncSeq(rest, func(r rune) bool { return !isWord(byte(min(r, 127))) }) {
		switch field {
		case "done", "Done", "finished", "Finished", "completed", "Completed", "complete", "Complete":
			return true
		}
	}
	return false
}

// epochWords is what a text says of an epoch.
type epochWords struct {
	epoch, total int64
	inner        bool   // it says how far the epoch has come, too
	rest         string // what follows
}

// epochIn finds the number of an epoch in a text, and says whether there is one.
func epochIn(text string) (epochWords, bool) {
	i := word(text, "epoch", "EPOCH")
	if i < 0 {
		return epochWords{}, false
	}
	rest := text[i+len("epoch"):]
	plural := rest != "" && rest[0]|0x20 == 's'
	if plural {
		rest = rest[1:]
	}
	rest = strings.TrimLeft(rest, " \t")
	if strings.HasPrefix(rest, "(train)") { // MMEngine
		rest = strings.TrimLeft(rest[len("(train)"):], " ")
	}
	assigned := strings.HasPrefix(rest, "=")
	if rest != "" && strings.IndexByte(":=#", rest[0]) >= 0 {
		rest = strings.TrimLeft(rest[1:], " ")
	}
	bracket := strings.HasPrefix(rest, "[")
	if bracket {
		rest = rest[1:]
	}
	n, total, rest, ok := shareAt(rest)
	if !ok {
		return epochWords{}, false
	}
	if bracket {
		if rest = strings.TrimLeft(rest, " "); !strings.HasPrefix(rest, "]") {
			return epochWords{}, false
		}
		rest = rest[1:]
	}
	e := epochWords{epoch: n, total: total, rest: rest}
	e.inner = hasShare(rest)
	if total > 0 {
		return e, n <= total
	}
	// Without a total it may be anything: a setting, the name of a file. It has to begin what the line says, and to be
	// told from what follows.
	if plural || assigned && !strings.HasPrefix(rest, " ") && !strings.HasPrefix(rest, ",") && rest != "" {
		return epochWords{}, false
	}
	if !heads(text[:i]) {
		return epochWords{}, false
	}
	return e, rest == "" || strings.IndexByte(" \t:,;|[-(", rest[0]) >= 0 && !strings.HasPrefix(rest, "-step")
}

// hasShare says whether a text says how far an epoch has come: "[50/1000]", "45%", "step 200".
func hasShare(text string) bool {
	for i := 1; i < len(text); i++ {
		if (text[i] == '/' || text[i] == '%') && (isDigit(text[i-1]) || text[i-1] == ' ' && i > 1 && isDigit(text[i-2])) {
			if text[i] == '%' || i+1 < len(text) && (isDigit(text[i+1]) || text[i+1] == ' ') {
				return true
			}
		}
	}
	for _, w := range [][2]string{{"step", "STEP"}, {"batch", "BATCH"}, {"iter", "ITER"}, {"iteration", "ITERATION"}} {
		if i := word(text, w[0], w[1]); i >= 0 {
			if _, _, ok := countAt(strings.TrimLeft(text[i+len(w[0]):], " :=#[")); ok {
				return true
			}
		}
	}
	return false
}
