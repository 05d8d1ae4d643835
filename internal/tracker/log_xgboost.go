package tracker

import (
	"strings"

	"runsheet"
)

// xgboostLog reads the lines that XGBoost prints for its rounds, from zero, "+" and the deviation after each value in a
// cross validation:
//
//	[9]	train-logloss:0.23543	valid-logloss:0.25376
//
// Neither a total nor the end is told, nor that it stopped early. With a period, the last round is printed besides.
// (xgboost 3.2, python-package/xgboost/callback.py: EvaluationMonitor.) Trap: a training that goes on from a model counts
// its own rounds only.
type xgboostLog struct {
	Rounds rounds `json:"rounds,omitzero"`
}

func (*xgboostLog) name() string { return "xgboost" }

func (l *xgboostLog) line(text string, point func(int64, runsheet.Metrics)) {
	n, fields, ok := roundIn(text)
	if !ok {
		return
	}
	var m runsheet.Metrics
	for field := range strings.SplitSeq(fields, "\t") {
		i := strings.LastIndexByte(field, ':')
		if i <= 0 || !strings.Contains(field[:i], "-") || strings.Contains(field[:i], "'s ") || i > maxName {
			return
		}
		v, _, _ := strings.Cut(field[i+1:], "+")
		value, ok := parseFloat(v)
		if !ok || strings.HasPrefix(v, " ") {
			return
		}
		merge(&m, runsheet.Metrics{field[:i]: value})
	}
	l.Rounds.see(n+1, m)
	point(n+1, m)
}

func (l *xgboostLog) progress(epochs bool) (runsheet.Progress, bool) {
	return l.Rounds.progress(epochs)
}

func (l *xgboostLog) slack() int64 { return l.Rounds.slack() }

// roundIn reads "[9]\t" that a line begins with, a logger's words before it left aside.
func roundIn(text string) (n int64, rest string, ok bool) {
	end := strings.Index(text, "]\t")
	if end < 0 {
		return 0, "", false
	}
	i := strings.LastIndexByte(text[:end], '[')
	if i < 0 || !heads(text[:i]) {
		return 0, "", false
	}
	n, ok = parseCount(text[i+1 : end])
	return n, text[end+2:], ok && text[i+1] != ' '
}

// rounds are those of boosting that the lines of a log have told of.
type rounds struct {
	Count   int64            `json:"count,omitzero"`
	First   int64            `json:"first,omitzero"`   // of this training
	Stride  int64            `json:"stride,omitzero"`  // between the last two lines
	Several bool             `json:"several,omitzero"` // there was a training before this one
	Ended   bool             `json:"ended,omitzero"`   // its own word
	Early   bool             `json:"early,omitzero"`
	Total   int64            `json:"total,omitzero"`
	Metrics runsheet.Metrics `json:"metrics,omitempty"`
}

// see takes the line of a round in.
func (r *rounds) see(count int64, m runsheet.Metrics) {
	if r.Count > 0 && (count <= r.First || r.Ended) {
		*r = rounds{Several: true}
	}
	if r.First == 0 {
		r.First = count
	}
	if r.Stride = count - r.Count; r.Stride <= 0 { // resumed
		r.Stride, r.Total, r.Early = 1, 0, false
	}
	r.Count = count
	merge(&r.Metrics, m)
}

// progress: where several trainings are told of in one log (folds, a search), nobody knows how many more will come, and
// the end of one is not the end of the work.
func (r *rounds) progress(epochs bool) (runsheet.Progress, bool) {
	if r.Count == 0 || epochs {
		return runsheet.Progress{}, false
	}
	p := runsheet.Progress{Completed: r.Count, Total: r.Total, Unit: "round", Metrics: r.Metrics}
	switch {
	case r.Several:
		p.Guessed = true
	case r.Early:
		p.EarlyStopped, p.EarlyStoppedAt = true, r.Count
	case r.Ended:
		p.Finished = true
	}
	return p, true
}

// slack: with a period, rounds after the last line may be complete.
func (r *rounds) slack() int64 {
	if r.Stride > 1 {
		return r.Stride - 1
	}
	return 0
}
