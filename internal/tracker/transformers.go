package tracker

import (
	"fmt"
	"io"
	"maps"
	"math"
	"path"
	"slices"
	"strings"
	"time"

	"runsheet"
)

// transformers is Hugging Face's Trainer, and what is built on it and leaves the same files (TRL, axolotl,
// sentence-transformers, LLaMA-Factory): the state in checkpoint-<step>/trainer_state.json, written last of all files of a
// checkpoint, and in trainer_state.json where the script calls save_state. It is as fresh as the last checkpoint.
//
// Steps count (global_step of max_steps), or the epochs that are over where the sheet asks for epochs. The checkpoint
// with the highest number holds, never the last by name. Only where a lower one was written after it and its history is
// another one, the training began anew above an old one's files. One that lacks its state, or whose state was torn by a
// kill, is passed over for the one before. Directories vanish under the reader (save_total_limit).
//
// It is finished at max_steps, or when the summary of the training was logged (train_runtime, in the state at the root or
// in train_results.json). Stopped early: EarlyStoppingCallback's patience is used up, or the summary came before
// max_steps. should_training_stop alone proves nothing: a Trainer that is preempted says it too (enable_jit_checkpoint),
// after it has saved a checkpoint of that step.
//
// Numbers may be NaN and Infinity; num_train_epochs is rounded up, and 2^63-1 where nothing limits it.
//
// While an attempt of ours runs, the bar in its log is ahead of the state: the steps are taken from there where it speaks
// of as many in all, and the end where it prints the summary.
//
// Read of transformers src/transformers/{trainer.py, trainer_callback.py}; checked against runs of transformers 5.24 and
// 4.57, TRL 1.16 and sentence-transformers 6.2 in testdata/real. Versions before 4.41, not checked against a run, save no
// checkpoint of the last step: there the arguments that save_model writes at the root after the training say that it is
// over.
type transformers struct{}

const (
	hfStateName      = "trainer_state.json"
	hfCheckpoint     = "checkpoint-"
	maxHFCheckpoints = 64 // the highest ones
	maxHFHistory     = 64 << 20
)

// hfResults are what save_metrics writes; a train_runtime in them tells that a training is over.
var hfResults = []string{"train_results.json", "all_results.json"}

func (transformers) Name() string { return "transformers" }

func (transformers) Logs() string { return "" }

func (t transformers) Recognises(ev *Evidence, _ runsheet.ProgressSpec) bool {
	if _, err := ev.List("."); err != nil {
		return false
	}
	if cps, err := hfCheckpoints(ev); err != nil || ev.has(".", hfStateName) || len(cps) > 0 {
		return true
	}
	_, ok := ev.hfSummary()
	return ok
}

func (t transformers) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: t.Name(), Unit: unit(spec, t.count(spec))}
	cps, err := hfCheckpoints(ev)
	if err != nil {
		return p, err
	}
	s, err := hfNewest(ev, cps)
	if err != nil {
		return p, err
	}
	summary, over := ev.hfSummary()
	if s == nil {
		if over { // nothing was saved but the summary
			p.Unit, p.Metrics, p.Finished = unit(spec, "epoch"), hfMetrics(summary.num), true
			p.Completed = wholeEpochs(summary.num["epoch"])
		}
		return p, nil
	}
	if !s.Ended {
		s.end(ev, summary, over)
	}
	if ev.recorder != nil {
		if _, err := hfRead(ev, s.Rel, 0, ev.Point); err != nil && !absent(err) {
			return p, err
		}
	}
	guessed := ev.recorder == nil && !s.Ended && s.catchUp(ev)
	p = t.report(p, s, spec, cps)
	if guessed {
		p.Guessed, p.Finished = true, false
	}
	return p, nil
}

// catchUp goes on to the step at which the newest attempt's log is, if that speaks of as many steps in all: the state is
// as old as the last checkpoint, and what comes after it is not always saved. It says whether the last step was made by
// the word of a bar alone: then how the attempt ended says whether all is done.
func (s *hfState) catchUp(ev *Evidence) (last bool) {
	sessions := ev.sessions()
	if len(sessions) == 0 || s.MaxSteps == 0 || s.all() || s.Impatient {
		return false
	}
	log, err := ev.readLog(sessions[0].log)
	if err != nil {
		return false // whoever reads logs says so
	}
	for _, d := range log.dialects() {
		p, ok := d.progress(false)
		ended := p.Finished || p.EarlyStopped // the summary was printed
		if !ok || p.Total != s.MaxSteps || p.Completed > p.Total || p.Completed < s.Step || p.Completed == s.Step && !ended {
			continue
		}
		if p.Completed > s.Step {
			if s.Step > 0 {
				s.Epoch *= float64(p.Completed) / float64(s.Step)
			}
			s.Step = p.Completed
			maps.Copy(s.Metrics, p.Metrics)
		}
		s.Ended = ended
		return s.all() && !ended
	}
	return false
}

// report tells what a state says, with the pace at which checkpoints were saved.
func (transformers) report(p runsheet.Progress, s *hfState, spec runsheet.ProgressSpec, cps []hfSaved) runsheet.Progress {
	s.tell(&p, spec, slices.ContainsFunc(cps, func(c hfSaved) bool { return c.step == s.Step }))
	var saved pace
	for _, c := range slices.Backward(cps) {
		if c.step <= s.Step {
			saved.see(c.at, s.scale(c.step, spec.Epochs))
		}
	}
	saved.tell(&p)
	return p
}

func (transformers) count(spec runsheet.ProgressSpec) string {
	if spec.Epochs {
		return "epoch"
	}
	return "step"
}

// hfSaved is a checkpoint with its state.
type hfSaved struct {
	step int64
	rel  string // of the state
	at   time.Time
}

// hfCheckpoints lists the checkpoints that have a state, the highest first.
func hfCheckpoints(ev *Evidence) ([]hfSaved, error) {
	steps, err := ev.numbered(".", hfCheckpoint)
	if err != nil {
		return nil, err
	}
	var out []hfSaved
	for _, n := range steps[:min(len(steps), maxHFCheckpoints)] {
		rel := path.Join(n.Name, hfStateName)
		ev.Witness(rel)
		st, err := ev.Look(rel)
		if err != nil {
			return nil, err
		}
		if st.Kind == Regular {
			out = append(out, hfSaved{n.n, rel, stampTime(st.MTime)})
		}
	}
	return out, nil
}

// numbered is a directory that is called <prefix><n>.
type numbered struct {
	Entry
	n int64
}

// numbered lists the directories in a directory whose names are the prefix and a number, the highest first.
func (ev *Evidence) numbered(dir, prefix string) ([]numbered, error) {
	entries, err := ev.List(dir)
	if err != nil {
		return nil, err
	}
	var out []numbered
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name, prefix)
		if !ok || !e.Dir || digits == "" || strings.Trim(digits, "0123456789") != "" {
			continue
		}
		if n, ok := parseCount(digits); ok {
			out = append(out, numbered{e, n})
		}
	}
	slices.SortStableFunc(out, func(a, b numbered) int { return int(min(max(b.n-a.n, -1), 1)) })
	return out, nil
}

// hfNewest returns the state that tells how far the training is; nil where there is none.
func hfNewest(ev *Evidence, cps []hfSaved) (*hfState, error) {
	var first error // of a state that makes no sense
	read := func(rel string) (*hfState, error) {
		var s *hfState
		moving, err := ev.steadily(rel, func() (err error) {
			s, err = hfRead(ev, rel, 0, nil)
			return err
		})
		switch {
		case absent(err):
			return nil, nil // removed in between, as the witness will show
		case isBroken(err):
			if moving {
				ev.moving = true
				err = fmt.Errorf("%w; it is still being written", err)
			}
			if first == nil {
				first = err
			}
			return nil, nil
		}
		return s, err
	}
	ev.Witness(hfStateName)
	var top *hfState
	var last time.Time // when the state that was written last was written
	lastRel := ""
	st, err := ev.Look(hfStateName)
	if err != nil {
		return nil, err
	}
	if st.Kind != Absent {
		if top, err = read(hfStateName); err != nil {
			return nil, err
		}
		if top != nil {
			last, lastRel = stampTime(st.MTime), top.Rel
		}
	}
	for _, c := range cps {
		if top != nil && (top.Rel != hfStateName || c.step <= top.Step) {
			break
		}
		s, err := read(c.rel)
		if err != nil {
			return nil, err
		}
		if s != nil {
			top = s
		}
	}
	if top == nil {
		return nil, first
	}
	for _, c := range cps {
		if c.step <= top.Step && c.at.After(last) {
			last, lastRel = c.at, c.rel
		}
	}
	if lastRel != top.Rel {
		other, err := read(lastRel)
		if err != nil {
			return nil, err
		}
		if other != nil && other.Step < top.Step && other.Rows > 0 {
			again, err := hfRead(ev, top.Rel, other.Rows, nil)
			if err == nil && again.Prefix != other.Sum {
				return other, nil // another training, which began above the files of an old one
			}
		}
	}
	return top, nil
}

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
	f, err := ev.open(rel, maxHFHistory)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s, err := parseHFState(f, rows, point)
	if err != nil {
		return nil, ev.broken(rel, err)
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
