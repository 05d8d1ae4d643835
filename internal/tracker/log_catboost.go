package tracker

import (
	"strings"

	"runsheet"
)

// catboostLog reads the lines that CatBoost prints for its iterations, from zero, and how it ends:
//
//	9:	learn: 0.0722123	test: 0.1005	best: 0.1005 (9)	total: 507ms	remaining: 101ms
//	Stopped by overfitting detector  (10 iterations wait)
//	bestTest = 0.1005
//
// The last iteration has "remaining: 0us", which is where the total comes from. "bestTest" is printed at the end of a
// training with test data, before anything is saved; without it nothing says the end. (catboost 1.2.10, stdout; catboost/libs/logging.) Traps: with a
// metric_period most iterations are not printed; a cross validation prints "Training on fold [0/3]" and begins anew; the
// files of catboost_info say all this better, where they are.
type catboostLog struct {
	Rounds rounds `json:"rounds,omitzero"`
	Fold   int64  `json:"fold,omitzero"` // of a cross validation, counted from one
	Folds  int64  `json:"folds,omitzero"`
}

func (*catboostLog) name() string { return "catboost_log" }

func (l *catboostLog) line(text string, point func(int64, runsheet.Metrics)) {
	switch c := text[0]; {
	case isDigit(c):
		l.iteration(text, point)
	case c == 'S' && strings.HasPrefix(text, "Stopped by overfitting detector"):
		l.Rounds.Early = l.Rounds.Count > 0
	case c == '_' && strings.HasPrefix(text, "_catboost.CatBoostError: "):
		l.Rounds.Ended, l.Rounds.Early = false, false // it failed after all
	case c == 'b' && strings.HasPrefix(text, "bestTest = "):
		if l.Rounds.Count > 0 {
			l.Rounds.Ended = true
		}
	case c == 'T' && strings.HasPrefix(text, "Training on fold ["):
		if n, total, _, ok := shareAt(text[len("Training on fold ["):]); ok && total > 0 {
			l.Fold, l.Folds = n+1, total
		}
	}
}

func (l *catboostLog) iteration(text string, point func(int64, runsheet.Metrics)) {
	n, rest, ok := countAt(text)
	if !ok || !strings.HasPrefix(rest, ":\t") || !strings.Contains(rest, "\tremaining: ") {
		return
	}
	var m runsheet.Metrics
	last := false
	for field := range strings.SplitSeq(rest[2:], "\t") {
		name, v, ok := strings.Cut(field, ": ")
		switch {
		case !ok || len(name) > maxName:
			return
		case name == "total":
		case name == "remaining":
			last = v == "0us"
		default:
			v, _, _ = strings.Cut(v, " (")
			value, ok := parseFloat(v)
			if !ok {
				return
			}
			merge(&m, runsheet.Metrics{name: value})
		}
	}
	l.Rounds.see(n+1, m)
	if last {
		l.Rounds.Total = n + 1
	}
	point(n+1, m)
}

func (l *catboostLog) progress(epochs bool) (runsheet.Progress, bool) {
	r := l.Rounds
	if l.Folds > 0 {
		r.Several = r.Several && l.Fold < l.Folds
		r.Ended = r.Ended && l.Fold == l.Folds
		r.Early = r.Early && r.Ended
	}
	p, ok := r.progress(epochs)
	p.Unit = "iteration"
	return p, ok
}

func (l *catboostLog) slack() int64 { return l.Rounds.slack() }
