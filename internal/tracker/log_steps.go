package tracker

import (
	"slices"
	"strings"

	"runsheet"
)

// stepsLog reads lines in which training code counts its steps:
//
//	step 100/1000   Iter [100/1000] loss: 2.1   iteration 100 of 1000   global_step: 100/1000
//	step 100: loss 2.3   Step 10 | loss:1.83 lr:2e-05            no total: torchtune (0.6), code of one's own
//	iter 100: loss 2.3, time 12.3ms, mfu 30.00%                  nanoGPT (train.py was read): counted from zero
//	eta: 0:21:42  iter: 19  total_loss: 1.92                     Detectron2 (utils/events.py was read): from zero
//	29990 (99.97%)  12.3 ms  1 s                                 nerfstudio (utils/writer.py was read), from zero, under
//	                                                             the head "Step (% Done)"
//
// Of several counts with different totals the one counts that most lines tell. One that began again after it was complete
// is that of an epoch, and how often it was is how many epochs there were. Steps of evaluations are left out.
type stepsLog struct {
	Counts []stepCount `json:"counts,omitempty"`
	Head   bool        `json:"head,omitzero"` // nerfstudio's was seen
}

// stepCount is how far one count has come.
type stepCount struct {
	Total   int64            `json:"total,omitzero"` // 0: not said
	N       int64            `json:"n"`
	Strides [2]int64         `json:"strides,omitzero"` // between the last lines
	Lines   int64            `json:"lines"`
	Passes  int64            `json:"passes,omitzero"`
	Inner   bool             `json:"inner,omitzero"`
	Metrics runsheet.Metrics `json:"metrics,omitempty"`
}

// maxSteps is how many counts are kept.
const maxSteps = 8

func (*stepsLog) name() string { return "steps_log" }

func (l *stepsLog) line(text string, point func(int64, runsheet.Metrics)) {
	n, total, rest, ok := l.stepIn(text)
	if !ok || isDrawn(text) {
		return
	}
	m := metricsIn(rest)
	if len(m) == 0 {
		m = spoken(rest)
	}
	if total == 0 && len(m) == 0 && !l.Head {
		return
	}
	i := slices.IndexFunc(l.Counts, func(c stepCount) bool { return c.Total == total })
	if i < 0 {
		if len(l.Counts) >= maxSteps {
			l.Counts = slices.DeleteFunc(l.Counts, func(c stepCount) bool { return c.Lines == 1 })
			if len(l.Counts) >= maxSteps {
				return
			}
		}
		l.Counts = append(l.Counts, stepCount{Total: total})
		i = len(l.Counts) - 1
	}
	c := &l.Counts[i]
	if n < c.N && total > 0 && c.N+c.stride() >= total {
		c.Inner = true
		if c.N < total {
			c.Passes++
		}
	}
	if n > c.N {
		c.Strides = [2]int64{n - c.N, c.Strides[0]}
		if total > 0 && n >= total {
			c.Passes++
		}
	}
	c.N = n
	c.Lines++
	if len(m) > 0 {
		c.Lines++ // the training tells metrics
		merge(&c.Metrics, m)
		if c == l.best() {
			point(n, m)
		}
	}
}

// stride returns how many steps lie between lines: of two kinds of lines, the rarer.
func (c *stepCount) stride() int64 { return max(c.Strides[0], c.Strides[1], 1) }

// best returns the count that most lines tell, one with a total before those without; nil if there is none.
func (l *stepsLog) best() *stepCount {
	var best *stepCount
	for i := range l.Counts {
		if c := &l.Counts[i]; best == nil || c.Total > 0 && best.Total == 0 || (c.Total > 0) == (best.Total > 0) && c.Lines > best.Lines {
			best = c
		}
	}
	return best
}

func (l *stepsLog) progress(epochs bool) (runsheet.Progress, bool) {
	c := l.best()
	switch {
	case c == nil || epochs && !c.Inner:
		return runsheet.Progress{}, false
	case c.Inner:
		return runsheet.Progress{Completed: c.Passes, Unit: "epoch", Guessed: true, Metrics: c.Metrics}, true
	}
	return runsheet.Progress{Completed: c.N, Total: c.Total, Unit: "step", Metrics: c.Metrics}, true
}

// weak: a count without a total says less than a bar with one.
func (l *stepsLog) weak() bool {
	c := l.best()
	return c == nil || c.Total == 0
}

func (l *stepsLog) slack() int64 {
	if c := l.best(); c != nil {
		return c.stride()
	}
	return 0
}

// stepWords are the words for a step.
var stepWords = [][2]string{{"step", "STEP"}, {"iter", "ITER"}, {"iteration", "ITERATION"}}

// stepIn finds the number of a step in a text, as a count, and says whether there is one.
func (l *stepsLog) stepIn(text string) (n, total int64, rest string, ok bool) {
	if c := text[0]; isDigit(c) && l.Head {
		if n, rest, ok := countAt(text); ok && strings.HasPrefix(rest, " (") && strings.Contains(rest, "%)") {
			return n + 1, 0, "", true
		}
	}
	if strings.HasPrefix(text, "Step (% Done)") {
		l.Head = true
	}
	if !strings.Contains(text, "te") && !strings.Contains(text, "TE") {
		return 0, 0, "", false
	}
	for _, w := range stepWords {
		i := word(text, w[0], w[1])
		if i < 0 && w[0] == "step" {
			if i = strings.Index(text, "global_step"); i >= 0 {
				i += len("global_")
			}
		}
		if i < 0 {
			continue
		}
		rest := text[i+len(w[0]):]
		plural := rest != "" && rest[0]|0x20 == 's'
		if plural {
			rest = rest[1:]
		}
		rest = strings.TrimLeft(strings.TrimPrefix(rest, "(train)"), " ")
		assigned := strings.HasPrefix(rest, "=")
		if rest != "" && strings.IndexByte(":=#", rest[0]) >= 0 {
			rest = strings.TrimLeft(rest[1:], " ")
		}
		bracket := strings.HasPrefix(rest, "[")
		n, total, rest, ok := shareAt(strings.TrimPrefix(rest, "["))
		if !ok || bracket && !strings.HasPrefix(strings.TrimLeft(rest, " "), "]") {
			continue
		}
		before := text[:i]
		if total > 0 {
			return n, total, rest, n <= total && !evaluates(before)
		}
		switch {
		case w[0] == "iter" && strings.HasPrefix(strings.TrimLeft(before[strings.LastIndexByte(before, ']')+1:], ": "), "eta: "): // Detectron2
			return n + 1, 0, rest, true
		case plural || assigned || bracket || !heads(strings.TrimSuffix(before, "global_")) || evaluates(before):
			continue
		case w[0] == "iter" && before == "" && strings.HasPrefix(rest, ": loss ") && strings.Contains(rest, ", time "): // nanoGPT
			return n + 1, 0, rest, true
		case rest != "" && strings.IndexByte(":,;| \t-", rest[0]) >= 0:
			return n, 0, rest, true
		}
	}
	return 0, 0, "", false
}

// evaluates says whether what stands before a count says that it is not one of the training.
func evaluates(before string) bool {
	if before == "" {
		return false
	}
	before = strings.ToLower(before)
	return slices.ContainsFunc([]string{"val", "test", "predict", "sampl", "infer", "generat"}, func(w string) bool {
		return strings.Contains(before, w)
	})
}
