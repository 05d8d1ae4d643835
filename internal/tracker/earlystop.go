package tracker

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"runsheet"
)

// stopped applies the sheet's rule of early stopping to the complete epochs, and returns at how many of them the
// training stopped; 0: it did not.
//
// Where an epoch's scores make no sense, nothing is concluded from there on: for the last epoch because its writer may
// have been killed, and the next attempt writes it anew; for an earlier one that is an error.
func (e epochs) stopped(ev *Evidence, rule runsheet.EarlyStopping, complete int64, files []string) (int64, error) {
	s := newStopper(rule)
	for n := range complete {
		if err := ev.ctx.Err(); err != nil {
			return 0, err
		}
		var m runsheet.Metrics
		var err error
		if n == complete-1 {
			m, err = e.metrics(ev, n, files)
		} else {
			var moving bool
			moving, err = ev.steadily(e.within(n, scoreFiles(files)[:1])[1], func() (err error) {
				m, err = e.metrics(ev, n, files)
				return err
			})
			ev.moving = ev.moving || moving
			if moving && isBroken(err) {
				return 0, nil
			}
		}
		if isBroken(err) && n == complete-1 {
			return 0, nil
		}
		if err != nil {
			ev.Witness(e.within(n, scoreFiles(files))[1:]...)
			return 0, err
		}
		if missing := s.missing(m); missing != "" {
			ev.Witness(e.within(n, scoreFiles(files))[1:]...)
			return 0, fmt.Errorf("early stopping cannot be judged: epoch_%d has no metric %q, only %s; "+
				"name one of its metrics under progress.early_stopping.metrics", n, missing, names(m))
		}
		s.add(m)
	}
	return s.at, nil
}

// stopper follows the scores epoch by epoch. A vector of metrics is better than another when it is at least as good in
// all of them and better in one; NaN is never better than anything, and anything is better than NaN.
type stopper struct {
	rule  runsheet.EarlyStopping
	best  runsheet.Metrics // of the best epoch so far; nil before the first
	since int              // epochs since then
	count int64
	at    int64 // when patience ran out; 0: it has not, or the training went on and became better
}

func newStopper(rule runsheet.EarlyStopping) *stopper { return &stopper{rule: rule} }

// add takes the scores of the next epoch.
func (s *stopper) add(m runsheet.Metrics) {
	s.count++
	if s.best == nil || s.better(m) {
		s.best, s.since, s.at = m, 0, 0
		return
	}
	s.since++
	if s.since >= max(s.rule.Patience, 1) && s.at == 0 {
		s.at = s.count
	}
}

func (s *stopper) better(m runsheet.Metrics) bool {
	strictly := false
	for _, spec := range s.rule.Metrics {
		now, best := m[spec.Name], s.best[spec.Name]
		switch {
		case math.IsNaN(now):
			return false
		case math.IsNaN(best):
			strictly = true
			continue
		case spec.Mode == runsheet.Min:
			now, best = -now, -best
		}
		if now < best {
			return false
		}
		strictly = strictly || now > best
	}
	return strictly
}

// missing returns the first metric of the rule that m does not have.
func (s *stopper) missing(m runsheet.Metrics) string {
	for _, spec := range s.rule.Metrics {
		if _, ok := m[spec.Name]; !ok {
			return spec.Name
		}
	}
	return ""
}

// names lists the names of metrics, a few of them.
func names(m runsheet.Metrics) string {
	all := slices.Sorted(maps.Keys(m))
	if len(all) == 0 {
		return "none at all"
	}
	more := ""
	if len(all) > 10 {
		all, more = all[:10], ", ..."
	}
	for i, n := range all {
		all[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(all, ", ") + more
}
