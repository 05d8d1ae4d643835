package tracker

import (
	"strings"

	"runsheet"
)

// lightgbmLog reads the lines that LightGBM prints for its rounds, from one, and how it ends:
//
//	[10]	valid_0's binary_logloss: 0.253089	valid_0's auc: 0.996502
//	Early stopping, best iteration is:
//	[7]	valid_0's binary_logloss: 0.249
//
// or "Did not meet early stopping. Best iteration is:"; both are an end. The command line tool prints
// "[LightGBM] [Info] Iteration:10, valid_1 auc : 0.91", and "... finished iteration 10" with each round. (lightgbm 4.7,
// python-package/lightgbm/callback.py; of the command line tool src/boosting/gbdt.cpp was read, and none was run.) Trap:
// the line after the end tells of the best round, not of the last.
type lightgbmLog struct {
	Rounds rounds `json:"rounds,omitzero"`
	Best   bool   `json:"best,omitzero"` // the next line tells of the best round
}

func (*lightgbmLog) name() string { return "lightgbm" }

func (l *lightgbmLog) line(text string, point func(int64, runsheet.Metrics)) {
	if strings.HasSuffix(text, " iteration is:") {
		l.end(text, "Early stopping, best iteration is:", true)
		l.end(text, "Did not meet early stopping. Best iteration is:", false)
		return
	}
	if rest, ok := strings.CutPrefix(text, "[LightGBM] [Info] "); ok {
		l.tool(rest, point)
		return
	}
	n, fields, ok := roundIn(text)
	if !ok || n == 0 {
		return
	}
	var m runsheet.Metrics
	for field := range strings.SplitSeq(fields, "\t") {
		name, v, ok := strings.Cut(field, ": ")
		if !ok || !strings.Contains(name, "'s ") || len(name) > maxName {
			return
		}
		v, _, _ = strings.Cut(v, " + ")
		value, ok := parseFloat(v)
		if !ok {
			return
		}
		merge(&m, runsheet.Metrics{name: value})
	}
	if l.Best {
		l.Best = false
		return
	}
	l.Rounds.see(n, m)
	point(n, m)
}

func (l *lightgbmLog) end(text, words string, early bool) {
	if before, ok := strings.CutSuffix(text, words); ok && heads(before) && l.Rounds.Count > 0 {
		l.Rounds.Ended, l.Rounds.Early, l.Best = true, early, true
	}
}

// tool reads the lines of the command line tool, and its wrappers' of other languages.
func (l *lightgbmLog) tool(text string, point func(int64, runsheet.Metrics)) {
	if rest, ok := strings.CutPrefix(text, "Iteration:"); ok {
		n, rest, ok := countAt(rest)
		name, v, colon := strings.Cut(strings.TrimLeft(rest, ", "), " : ")
		if value, num := parseFloat(v); ok && colon && num && n > 0 && len(name) <= maxName {
			m := runsheet.Metrics{name: value}
			l.tell(n, m)
			point(n, m)
		}
		return
	}
	if i := strings.Index(text, "finished iteration "); i > 0 {
		if n, rest, ok := countAt(text[i+len("finished iteration "):]); ok && rest == "" && n > 0 {
			l.tell(n, nil)
		}
		return
	}
	if rest, ok := strings.CutPrefix(text, "Early stopping at iteration "); ok && l.Rounds.Count > 0 {
		if n, _, ok := countAt(rest); ok && n > 0 {
			l.tell(n, nil)
			l.Rounds.Ended, l.Rounds.Early = true, true
		}
	}
}

// tell takes one of several lines about a round in.
func (l *lightgbmLog) tell(n int64, m runsheet.Metrics) {
	if n == l.Rounds.Count {
		merge(&l.Rounds.Metrics, m)
		return
	}
	l.Rounds.see(n, m)
}

func (l *lightgbmLog) progress(epochs bool) (runsheet.Progress, bool) {
	return l.Rounds.progress(epochs)
}

func (l *lightgbmLog) slack() int64 {
	if s := l.Rounds.slack(); s > 0 {
		return s + 1 // unlike XGBoost it does not print the last round besides
	}
	return 0
}
