package tracker

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"runsheet"
)

// catboost reads what CatBoost writes into its train_dir, catboost_info unless the code says otherwise:
//
//	catboost_training.json   the metrics of every metric_period-th iteration, zero-based, and how many there will be
//	time_left.tsv            a line for every iteration
//
// Completed are the iterations in either. The file is a whole JSON document after every iteration: the last three bytes,
// "\n]}", are written over by the next one. So only lines that end in a comma stay, and the rest is looked at afresh each
// time. A training that the overfitting detector stopped says so on its standard output only ("Stopped by overfitting
// detector"), unless it is silent. cv() leaves one such directory for each fold it has begun, fold-0 and on, and nowhere
// how many there will be: its folds are counted together, without a total.
//
// Checked against catboost 1.2.10, whose catboost/libs/loggers writes both files. Traps: metrics that are not finite are the
// texts "nan" and "inf"; a training that goes on from a snapshot writes the files anew, with the iterations before it.
//
// A sheet that names this tracker may name the JSON file in `files`, where it lies in another directory; without it
// every directory in the work dir is looked into.
type catboost struct{}

const (
	catboostInfo  = "catboost_info"
	catboostName  = "catboost_training.json"
	catboostTimes = "time_left.tsv"
)

func (catboost) Name() string { return "catboost" }

func (catboost) Logs() string { return "" }

func (c catboost) Recognises(ev *Evidence, spec runsheet.ProgressSpec) bool {
	spec.Tracker = ""
	found, err := c.find(ev, spec)
	return err == nil && len(found) > 0
}

// find returns the documents: one, or those of all folds.
func (c catboost) find(ev *Evidence, spec runsheet.ProgressSpec) ([]string, error) {
	if len(spec.Files) > 0 {
		return spec.Files[:1], nil
	}
	dirs := []string{".", catboostInfo}
	if !ev.has(".", catboostInfo) {
		dirs = dirs[:1]
	}
	if spec.Tracker == c.Name() {
		entries, err := ev.List(".")
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.Dir && e.Name != catboostInfo {
				dirs = append(dirs, e.Name)
			}
		}
	}
	for _, dir := range dirs {
		entries, err := ev.List(dir)
		if err != nil {
			return nil, err
		}
		if ev.has(dir, catboostName) {
			return []string{path.Join(dir, catboostName)}, nil
		}
		var folds []string
		for _, e := range entries {
			if _, ok := parseCount(strings.TrimPrefix(e.Name, "fold-")); ok && e.Dir && strings.HasPrefix(e.Name, "fold-") && dir != "." &&
				ev.has(path.Join(dir, e.Name), catboostName) {
				folds = append(folds, path.Join(dir, e.Name, catboostName))
			}
		}
		if len(folds) > 0 {
			return folds, nil
		}
	}
	return nil, nil
}

func (c catboost) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: c.Name(), Unit: unit(spec, "iteration")}
	files, err := c.find(ev, spec)
	if err != nil {
		return p, err
	}
	if spec.Epochs {
		return p, fmt.Errorf("%s counts iterations only; give `total` instead of `epochs` in the sheet", catboostName)
	}
	var newest int64
	for _, rel := range files {
		t, err := ev.catboostTraining(rel)
		if err != nil {
			return p, err
		}
		times := path.Join(path.Dir(rel), catboostTimes)
		left, err := ev.catboostTimes(times)
		if err != nil {
			return p, err
		}
		p.Completed += max(t.Completed, left.Completed)
		p.Total, p.Metrics = t.Total, t.Metrics
		for _, f := range []string{rel, times} {
			if st, err := ev.Look(f); err == nil && st.Kind == Regular {
				newest = max(newest, st.MTime)
			}
		}
		each := left.Laps
		if len(each) == 0 {
			each = t.Laps
		}
		each.tell(&p, stampTime(newest))
	}
	if len(files) != 1 { // the iterations of folds; or nothing yet
		p.Total = 0
		return p, nil
	}
	if total := cmp.Or(spec.Total, p.Total); total > 0 && p.Completed >= total {
		return p, nil
	}
	end, err := ev.ended(spec, stampTime(newest), func(e *endings) ending { return e.CatBoost })
	if err == nil && end.Early {
		p.EarlyStopped, p.EarlyStoppedAt = true, p.Completed
	}
	return p, err
}

// catboostState is what the lines of a catboost_training.json say.
type catboostState struct {
	Completed int64            `json:"completed,omitzero"`
	Total     int64            `json:"total,omitzero"`
	Learn     []string         `json:"learn,omitempty"` // names of the metrics
	Test      []string         `json:"test,omitempty"`
	Metrics   runsheet.Metrics `json:"metrics,omitempty"`
	Laps      laps             `json:"laps,omitempty"`
}

func (ev *Evidence) catboostTraining(rel string) (catboostState, error) {
	return follow(ev, rel, format[catboostState]{
		key:   "catboost/1",
		split: byRecord(byComma),
		take:  func(s *catboostState, line []byte) { s.line(line, ev.Point) },
		peek: func(s *catboostState, rest []byte) {
			line, _, whole := bytes.Cut(rest, []byte("\n"))
			if whole {
				s.line(line, ev.Point)
			}
		},
	})
}

// byComma splits the lines off that stay as they are: those that end in a comma, and the brackets before the first of
// them.
func byComma(data []byte, _ bool) (int, []byte, error) {
	i := bytes.IndexByte(data, '\n')
	if i < 0 {
		return 0, nil, nil
	}
	switch line := bytes.TrimSpace(data[:i]); {
	case bytes.HasSuffix(line, []byte(",")), bytes.HasSuffix(line, []byte("[")), len(line) == 1 && line[0] == '{':
		return i + 1, line, nil
	}
	return 0, nil, nil
}

// line takes a line in: the meta data, or an iteration.
func (s *catboostState) line(line []byte, point func(int64, runsheet.Metrics)) {
	line = bytes.TrimSuffix(bytes.TrimSpace(line), []byte(","))
	if meta, ok := bytes.CutPrefix(line, []byte(`"meta":`)); ok {
		s.meta(meta)
	} else if bytes.HasPrefix(line, []byte("{")) && len(line) > 1 {
		s.iteration(line, point)
	}
}

// meta takes in how many iterations there will be, and what is measured.
func (s *catboostState) meta(text []byte) {
	out := catboostState{}
	sc := scanText(text)
	names := func(to *[]string) error {
		return sc.list(1, '[', ']', func() error {
			return sc.object(2, func(key string) error {
				if key != "name" || sc.kind() != '"' {
					return sc.skip(3)
				}
				name, err := sc.text()
				if err == nil && len(*to) < maxMetrics {
					*to = append(*to, name)
				}
				return err
			})
		})
	}
	err := sc.document(func(depth int) error {
		return sc.object(depth, func(key string) error {
			switch {
			case key == "iteration_count" && sc.kind() != '"' && sc.kind() != '{' && sc.kind() != '[':
				v, err := sc.scalar()
				if f, ok := v.(float64); ok {
					out.Total, _ = asCount(f)
				}
				return err
			case key == "learn_metrics" && sc.kind() == '[':
				return names(&out.Learn)
			case key == "test_metrics" && sc.kind() == '[':
				return names(&out.Test)
			}
			return sc.skip(1)
		})
	})
	if err == nil {
		s.Total, s.Learn, s.Test = out.Total, out.Learn, out.Test
	}
}

// iteration takes in what was measured after an iteration: arrays of numbers, or texts for those that are not finite, in
// the order of the names; of the training set ("learn") and the validation sets ("test", "test1", ...).
func (s *catboostState) iteration(text []byte, point func(int64, runsheet.Metrics)) {
	at, passed := int64(-1), -1.0
	m := runsheet.Metrics{}
	sc := scanText(text)
	value := func() (float64, bool, error) {
		if sc.kind() == '"' {
			word, err := sc.text()
			v, ok := parseFloat(word)
			return v, ok, err
		}
		v, err := sc.scalar()
		f, ok := v.(float64)
		return f, ok, err
	}
	err := sc.document(func(depth int) error {
		return sc.object(depth, func(key string) error {
			switch k := sc.kind(); {
			case k == '[':
				names := s.Test
				if key == "learn" {
					names = s.Learn
				}
				i := 0
				return sc.list(1, '[', ']', func() error {
					v, ok, err := value()
					if ok && i < len(names) && len(m) < maxMetrics {
						m[key+"/"+names[i]] = v
					}
					i++
					return err
				})
			case k == '{':
				return sc.skip(1)
			}
			v, ok, err := value()
			switch {
			case !ok:
			case key == "iteration":
				if n, ok := asCount(v); ok && n < maxCount {
					at = n
				}
			case key == "passed_time":
				passed = v
			}
			return err
		})
	})
	if err != nil || at < 0 {
		return
	}
	s.Completed, s.Metrics = at+1, m
	s.Laps = slices.Clone(s.Laps)
	s.Laps.see(s.Completed, passed)
	point(s.Completed, m)
}

// catboostLeft is what the lines of a time_left.tsv say.
type catboostLeft struct {
	Completed int64 `json:"completed,omitzero"`
	Laps      laps  `json:"laps,omitempty"`
}

// catboostTimes reads lines of "iter\tPassed\tRemaining", in milliseconds.
func (ev *Evidence) catboostTimes(rel string) (catboostLeft, error) {
	return follow(ev, rel, format[catboostLeft]{
		key:   "catboost-left/1",
		split: byLine,
		take: func(s *catboostLeft, line []byte) {
			iter, rest, _ := strings.Cut(string(line), "\t")
			passed, _, ok := strings.Cut(rest, "\t")
			at, isCount := parseCount(iter)
			ms, isTime := parseFloat(passed)
			if !ok || !isCount || at == maxCount || !isTime {
				return
			}
			s.Completed = at + 1
			s.Laps.see(s.Completed, ms/float64(time.Second/time.Millisecond))
		},
	})
}
