package tracker

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"runsheet"
)

// hfState is what a trainer_state.json says.
type hfState struct {
	Rel       string           `json:"rel"`
	Step      int64            `json:"step"`
	MaxSteps  int64            `json:"max_steps,omitzero"`
	Epoch     float64          `json:"epoch,omitzero"`
	Epochs    int64            `json:"epochs,omitzero"` // in all, rounded up; 0: no limit
	Metrics   runsheet.Metrics `json:"metrics,omitempty"`
	Ended     bool             `json:"ended,omitzero"`     // the summary of the training was logged
	Over      bool             `json:"over,omitzero"`      // the training left what it leaves at its end
	Patience  bool             `json:"patience,omitzero"`  // an early stopping has its state here
	Impatient bool             `json:"impatient,omitzero"` // and its patience is used up
	Callbacks bool             `json:"callbacks,omitzero"` // callbacks have a state here: a version from 4.42 on
	Rows      int              `json:"rows,omitzero"`      // of the history, up to the summary
	Sum       uint64           `json:"sum,omitzero"`       // of these
	Prefix    uint64           `json:"prefix,omitzero"`    // of the first ones that were asked for
}

// hfRead reads a state. Its prefix is the sum of so many rows of the history.
func hfRead(ev *Evidence, rel string, rows int, point func(int64, runsheet.Metrics)) (*hfState, error) {
	var known hfState
	key := fmt.Sprint("transformers/1 ", rows)
	if point == nil && recall(ev, rel, key, &known) {
		return &known, nil
	}
	var s *hfState
	err := ev.read(rel, maxHFHistory, func(r io.Reader) (err error) {
		if s, err = parseHFState(r, rows, point); err != nil {
			return ev.broken(rel, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if s.Rel = rel; point == nil {
		ev.remember(rel, key, s)
	}
	return s, nil
}

func parseHFState(r io.Reader, rows int, point func(int64, runsheet.Metrics)) (*hfState, error) {
	s := &hfState{Metrics: runsheet.Metrics{}}
	scan := newScanner(r)
	said := false
	err := scan.document(func(depth int) error {
		if scan.kind() != '{' {
			return scan.fault("no object")
		}
		return scan.object(depth, func(key string) error {
			switch {
			case key == "log_history" && scan.kind() == '[':
				row := row{num: runsheet.Metrics{}, text: map[string]string{}, flag: map[string]bool{}}
				return scan.list(1, '[', ']', func() error {
					if scan.kind() != '{' {
						return scan.skip(2)
					}
					clear(row.num)
					clear(row.text)
					clear(row.flag)
					if err := row.object(scan, "", 2); err != nil {
						return err
					}
					s.take(row, point)
					if s.Rows == rows {
						s.Prefix = s.Sum
					}
					return nil
				})
			case key == "stateful_callbacks" && scan.kind() == '{':
				return scan.object(1, func(string) error {
					s.Callbacks = true
					if scan.kind() == '[' { // the same callback twice
						return scan.list(2, '[', ']', func() error { return s.callback(scan, 3) })
					}
					return s.callback(scan, 2)
				})
			case strings.IndexByte("{[\"", scan.kind()) >= 0:
				return scan.skip(1)
			}
			v, err := scan.scalar()
			f, ok := v.(float64)
			if err != nil || !ok {
				return err
			}
			n, whole := asCount(f)
			switch {
			case key == "epoch" && f <= maxEpochs:
				s.Epoch = f
			case key == "num_train_epochs" && f <= maxEpochs:
				s.Epochs = n
			case key == "max_steps":
				s.MaxSteps = n
			case key == "global_step" && !whole:
				return &syntaxError{what: fmt.Sprintf("global_step is %v, no count", f)}
			case key == "global_step":
				s.Step, said = n, true
			}
			return nil
		})
	})
	if err == nil && !said {
		err = &syntaxError{what: "it does not say global_step"}
	}
	return s, err
}

// take takes a row of the history in, and does not keep it.
func (s *hfState) take(r row, point func(int64, runsheet.Metrics)) {
	if _, ok := r.num["train_runtime"]; ok {
		s.Ended = true
	}
	if !s.Ended {
		s.Rows++
		s.Sum = s.Sum*hfPrime + hfSum(r.num)
	}
	step, ok := r.count("step")
	delete(r.num, "step")
	delete(r.num, "epoch")
	s.Metrics = merged(s.Metrics, r.num)
	if ok && point != nil {
		point(step, r.num)
	}
}

const hfPrime = 1099511628211 // of FNV-1a

// hfSum is the same for the same numbers.
func hfSum(m runsheet.Metrics) (sum uint64) {
	for k, v := range m {
		h := uint64(14695981039346656037)
		for i := range len(k) {
			h = (h ^ uint64(k[i])) * hfPrime
		}
		sum += (h ^ math.Float64bits(v)) * hfPrime
	}
	return sum
}

// hfMetrics leaves out what tells where a row belongs.
func hfMetrics(m runsheet.Metrics) runsheet.Metrics {
	out := maps.Clone(m)
	delete(out, "step")
	delete(out, "epoch")
	return out
}

// callback takes the state of a callback in.
func (s *hfState) callback(scan *scanner, depth int) error {
	if scan.kind() != '{' {
		return scan.skip(depth)
	}
	r := row{num: runsheet.Metrics{}, text: map[string]string{}, flag: map[string]bool{}}
	if err := r.object(scan, "", depth); err != nil {
		return err
	}
	limit, ok := r.num["args.early_stopping_patience"]
	if count, counted := r.num["attributes.early_stopping_patience_counter"]; ok && counted {
		s.Patience = true
		s.Impatient = s.Impatient || count >= limit
	}
	return nil
}

// hfSummary returns the summary of a training that is over, as save_metrics writes it, and whether there is one.
func (ev *Evidence) hfSummary() (row, bool) {
	for _, rel := range hfResults {
		if !ev.has(".", rel) {
			continue
		}
		ev.Witness(rel)
		data, err := ev.readAll(rel, maxDocument)
		if err != nil {
			continue // the state tells
		}
		r, err := parseRow(data)
		if err != nil {
			// Half-written, perhaps: nothing is lost but the word that it is over.
			if st, _ := ev.Look(rel); ev.now().Sub(stampTime(st.MTime)) < patience {
				ev.moving = true
			}
			continue
		}
		_, train := r.num["train_runtime"]
		_, epoch := r.num["epoch"]
		if train && epoch {
			return r, true
		}
	}
	return row{}, false
}

// end notes that the training is over by the word of files beside the state, unless an older training wrote them.
func (s *hfState) end(ev *Evidence, summary row, over bool) {
	mtime := func(rel string) int64 {
		ev.Witness(rel)
		st, err := ev.Look(rel)
		if err != nil || st.Kind != Regular {
			return 0
		}
		return st.MTime
	}
	saved := mtime(s.Rel)
	later := slices.ContainsFunc(hfResults, func(rel string) bool { return mtime(rel) >= saved })
	if epoch := summary.num["epoch"]; over && later && epoch+0.01 >= s.Epoch {
		s.Ended = true
		if epoch > s.Epoch && s.Epoch > 0 { // it went on after the checkpoint: steps and epochs grow alike
			n, ok := asCount(math.Round(float64(s.Step) * epoch / s.Epoch))
			if ok && (s.MaxSteps == 0 || n <= s.MaxSteps) {
				s.Step = n
			}
			s.Epoch = epoch
		}
		maps.Copy(s.Metrics, hfMetrics(summary.num))
	}
	s.Over = !s.Callbacks && mtime("training_args.bin") >= saved
}

// tell puts the state into a progress; saved says whether there is a checkpoint of its last step.
func (s *hfState) tell(p *runsheet.Progress, spec runsheet.ProgressSpec, saved bool) {
	p.Completed, p.Total, p.Metrics = s.Step, s.MaxSteps, s.Metrics
	if spec.Epochs {
		p.Completed, p.Total = wholeEpochs(s.Epoch), s.Epochs
		// Where steps gather gradients of several batches, the last epoch ends a little short of a whole one.
		if n := max(s.Epochs, spec.Total); s.all() && math.Abs(float64(n)-s.Epoch) < 0.1 {
			p.Completed = n
		}
	}
	early := s.Impatient || s.Ended && (s.Patience || !s.Callbacks || !saved)
	switch {
	case early && !s.all():
		p.EarlyStopped, p.EarlyStoppedAt = true, p.Completed
	case s.all() || s.Over:
		p.Finished = p.Total == 0 || spec.Total <= p.Total // where the sheet wants more than it was told, it is not done
	}
}

// all says whether all steps were made.
func (s *hfState) all() bool { return s.MaxSteps > 0 && s.Step >= s.MaxSteps }

// scale converts a step into what is counted.
func (s *hfState) scale(step int64, epochs bool) int64 {
	if !epochs {
		return step
	}
	if s.Step == 0 {
		return 0
	}
	return wholeEpochs(float64(step) / float64(s.Step) * s.Epoch)
}

// wholeEpochs counts the epochs that are over.
func wholeEpochs(epoch float64) int64 {
	n, _ := asCount(math.Floor(epoch + 1e-6))
	return n
}
