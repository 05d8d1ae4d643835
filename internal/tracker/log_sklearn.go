package tracker

import (
	"strings"

	"runsheet"
)

// sklearnLog reads what scikit-learn's estimators print when they are verbose:
//
//	Iteration 12, loss = 0.50000000                                      MLPClassifier, MLPRegressor: counted from one
//	[12/100] 1 tree, 31 leaves, max depth = 9, in 0.005s                 HistGradientBoosting
//	building tree 12 of 100                                              RandomForest, ExtraTrees: begun, not built
//	[CV 2/5; 3/10] END ..., score=0.9 total time=   0.1s                 GridSearchCV, after "totalling 50 fits"
//	      Iter       Train Loss   Remaining Time                         GradientBoosting: the first ten rounds, then
//	        12           0.5132            0.52s                         every tenth or hundredth
//
// An MLP says that it stops before its last iteration: "Training loss did not improve more than tol=0.000100 for 10
// consecutive epochs. Stopping." Only GridSearchCV counts the whole work; where estimators are fitted in turn, the lines
// begin anew. (scikit-learn 1.9, neural_network/_multilayer_perceptron.py, ensemble/_gb.py, model_selection/_search.py.)
type sklearnLog struct {
	Kind   string `json:"kind,omitempty"` // of the lines
	Rounds rounds `json:"rounds,omitzero"`
	Table  bool   `json:"table,omitzero"` // the head of GradientBoosting's table was seen
	Fits   int64  `json:"fits,omitzero"`  // of a search
	Done   int64  `json:"done,omitzero"`
}

func (*sklearnLog) name() string { return "sklearn" }

func (l *sklearnLog) line(text string, point func(int64, runsheet.Metrics)) {
	switch c := text[0]; {
	case c == 'I' && strings.HasPrefix(text, "Iteration "):
		n, rest, ok := countAt(text[len("Iteration "):])
		if v, found := strings.CutPrefix(rest, ", loss = "); ok && found && n > 0 {
			if loss, ok := parseFloat(v); ok {
				l.see("mlp", n, 0, runsheet.Metrics{"loss": loss}, point)
			}
		}
	case c == 'I' && strings.HasPrefix(text, "Iter ") && strings.Contains(text, "Train Loss") && strings.HasSuffix(text, "Remaining Time"):
		l.Table = true
	case c == 'V' && strings.HasPrefix(text, "Validation score: ") && l.Kind == "mlp":
		if v, ok := parseFloat(text[len("Validation score: "):]); ok {
			merge(&l.Rounds.Metrics, runsheet.Metrics{"validation_score": v})
			point(l.Rounds.Count, runsheet.Metrics{"validation_score": v})
		}
	case (c == 'T' || c == 'V') && l.Kind == "mlp" && strings.HasSuffix(text, "consecutive epochs. Stopping."):
		l.Rounds.Early = true
	case c == 'F' && strings.HasPrefix(text, "Fitting ") && strings.HasSuffix(text, " fits"):
		if i := strings.Index(text, "totalling "); i > 0 {
			l.Fits, _, _ = countAt(text[i+len("totalling "):])
			l.Done = 0
		}
	case c == 'b' && strings.HasPrefix(text, "building tree "):
		if n, total, rest, ok := shareAt(text[len("building tree "):]); ok && total > 0 && rest == "" && n > 0 {
			l.see("forest", n-1, total, nil, point) // several are built at once
		}
	case c == '[':
		l.bracket(text, point)
	case isDigit(c) && l.Table:
		l.row(text, point)
	}
}

func (l *sklearnLog) bracket(text string, point func(int64, runsheet.Metrics)) {
	if strings.HasPrefix(text, "[CV ") {
		if l.Fits > 0 && strings.Contains(text, "END ") {
			l.Done = min(l.Done+1, l.Fits)
		}
		return
	}
	if rest, ok := strings.CutPrefix(text, "[Parallel("); ok && l.Kind == "forest" {
		if i := strings.Index(rest, ": Done "); i > 0 {
			n, rest, ok := countAt(rest[i+len(": Done "):])
			total, rest, all := countAt(strings.TrimPrefix(rest, " out of"))
			if ok && all && total == l.Rounds.Total && strings.HasPrefix(rest, " |") {
				l.see("forest", n, total, nil, point)
			}
		}
		return
	}
	if n, total, rest, ok := shareAt(text[1:]); ok && total > 0 && strings.HasPrefix(rest, "] ") && strings.Contains(rest, " tree") && strings.Contains(rest, " leaves") {
		m := metricsIn(rest)
		delete(m, "depth")
		l.see("hist", n, total, m, point)
	}
}

// row reads a row of GradientBoosting's table: the round, the loss, the improvement where there is a subsample, the time left.
func (l *sklearnLog) row(text string, point func(int64, runsheet.Metrics)) {
	fields := strings.Fields(text)
	if len(fields) != 3 && len(fields) != 4 {
		return
	}
	n, ok := parseCount(fields[0])
	last := fields[len(fields)-1]
	loss, num := parseFloat(fields[1])
	if _, left := parseFloat(last[:len(last)-1]); !ok || !num || !left || n == 0 || strings.IndexByte("smh", last[len(last)-1]) < 0 {
		return
	}
	m := runsheet.Metrics{"train_loss": loss}
	if len(fields) == 4 {
		if v, ok := parseFloat(fields[2]); ok {
			m["oob_improve"] = v
		}
	}
	l.see("table", n, 0, m, point)
}

func (l *sklearnLog) see(kind string, n, total int64, m runsheet.Metrics, point func(int64, runsheet.Metrics)) {
	if kind != l.Kind {
		l.Rounds = rounds{Several: l.Kind != ""}
		l.Kind = kind
	}
	l.Rounds.Ended = l.Rounds.Ended || l.Rounds.Early
	if n == 0 && l.Rounds.Count > 0 {
		l.Rounds = rounds{Several: true}
	}
	if n > 0 {
		l.Rounds.see(n, m)
	}
	l.Rounds.Total = total
	point(n, m)
}

func (l *sklearnLog) progress(epochs bool) (runsheet.Progress, bool) {
	if l.Fits > 0 && l.Done > 0 && !epochs {
		return runsheet.Progress{Completed: l.Done, Total: l.Fits, Unit: "fit", Metrics: l.Rounds.Metrics}, true
	}
	p, ok := l.Rounds.progress(epochs && l.Kind != "mlp") // an iteration of an MLP is an epoch
	p.Unit = "iteration"
	return p, ok
}

func (l *sklearnLog) slack() int64 {
	if l.Kind == "forest" {
		return 1
	}
	return l.Rounds.slack()
}
