package tracker

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
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
// Read of transformers src/transformers/{trainer.py, trainer_callback.py}; checked against runs of transformers 5 in
// testdata/real/transformers. Versions before 4.41 save no checkpoint of the last step: there the arguments that
// save_model writes at the root after the training are the sign that it is over.
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
	if !s.ended {
		s.end(ev, summary, over)
	}
	if ev.recorder != nil {
		if _, err := hfRead(ev, s.rel, 0, ev.Point); err != nil && !absent(err) {
			return p, err
		}
	}
	return t.report(p, s, spec, cps), nil
}

// report tells what a state says, with the pace at which checkpoints were saved.
func (transformers) report(p runsheet.Progress, s *hfState, spec runsheet.ProgressSpec, cps []hfSaved) runsheet.Progress {
	s.tell(&p, spec, slices.ContainsFunc(cps, func(c hfSaved) bool { return c.step == s.step }))
	var saved pace
	for _, c := range slices.Backward(cps) {
		if c.step <= s.step {
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
			last, lastRel = stampTime(st.MTime), top.rel
		}
	}
	for _, c := range cps {
		if top != nil && (top.rel != hfStateName || c.step <= top.step) {
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
		if c.step <= top.step && c.at.After(last) {
			last, lastRel = c.at, c.rel
		}
	}
	if lastRel != top.rel {
		other, err := read(lastRel)
		if err != nil {
			return nil, err
		}
		if other != nil && other.step < top.step && other.rows > 0 {
			again, err := hfRead(ev, top.rel, other.rows, nil)
			if err == nil && again.prefix != other.sum {
				return other, nil // another training, which began above the files of an old one
			}
		}
	}
	return top, nil
}

// hfState is what a trainer_state.json says.
type hfState struct {
	rel            string
	step, maxSteps int64
	epoch          float64
	epochs         int64 // in all, rounded up; 0: no limit
	metrics        runsheet.Metrics
	ended          bool   // the summary of the training was logged
	over           bool   // the training left what it leaves at its end
	patience       bool   // an early stopping has its state here
	impatient      bool   // and its patience is used up
	callbacks      bool   // callbacks have a state here: a version from 4.42 on
	rows           int    // of the history, up to the summary
	sum, prefix    uint64 // of the rows of the history: of all, and of the first ones that were asked for
}

// hfRead reads a state. Its prefix is the sum of so many rows of the history.
func hfRead(ev *Evidence, rel string, rows int, point func(int64, runsheet.Metrics)) (*hfState, error) {
	f, err := ev.open(rel, maxHFHistory)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s, err := parseHFState(f, rows, point)
	if err != nil {
		return nil, ev.broken(rel, err)
	}
	s.rel = rel
	return s, nil
}

func parseHFState(r io.Reader, rows int, point func(int64, runsheet.Metrics)) (*hfState, error) {
	s := &hfState{metrics: runsheet.Metrics{}}
	scan := newScanner(r)
	said := false
	err := scan.document(func(depth int) error {
		if scan.kind() != '{' {
			return scan.fault("no object")
		}
		return scan.object(depth, func(key string) error {
			switch {
			case key == "log_history" && scan.kind() == '[':
				sum := fnv.New64a()
				return scan.list(1, '[', ']', func() error {
					if scan.kind() != '{' {
						return scan.skip(2)
					}
					row := row{num: runsheet.Metrics{}, text: map[string]string{}, flag: map[string]bool{}}
					if err := row.object(scan, "", 2); err != nil {
						return err
					}
					s.take(row, point)
					if !s.ended {
						s.rows++
						sum.Write(hfRowText(row.num))
						if s.sum = sum.Sum64(); s.rows == rows {
							s.prefix = s.sum
						}
					}
					return nil
				})
			case key == "stateful_callbacks" && scan.kind() == '{':
				return scan.object(1, func(string) error {
					s.callbacks = true
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
			case key == "epoch" && !math.IsNaN(f):
				s.epoch = f
			case key == "num_train_epochs" && f <= maxEpochs:
				s.epochs = n
			case key == "max_steps":
				s.maxSteps = n
			case key == "global_step" && !whole:
				return &syntaxError{what: fmt.Sprintf("global_step is %v, no count", f)}
			case key == "global_step":
				s.step, said = n, true
			}
			return nil
		})
	})
	if err == nil && !said {
		err = &syntaxError{what: "it does not say global_step"}
	}
	return s, err
}

// hfRowText is the same for the same numbers.
func hfRowText(m runsheet.Metrics) []byte {
	var out []byte
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(append(out, k...), 0)
		out = binary.LittleEndian.AppendUint64(out, math.Float64bits(m[k]))
	}
	return out
}

// take takes a row of the history in.
func (s *hfState) take(r row, point func(int64, runsheet.Metrics)) {
	if _, ok := r.num["train_runtime"]; ok {
		s.ended = true
	}
	m := hfMetrics(r.num)
	for k, v := range m {
		if _, ok := s.metrics[k]; ok || len(s.metrics) < maxMetrics {
			s.metrics[k] = v
		}
	}
	if step, ok := r.count("step"); ok && point != nil {
		point(step, m)
	}
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
		s.patience = true
		s.impatient = s.impatient || count >= limit
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
	saved := mtime(s.rel)
	later := slices.ContainsFunc(hfResults, func(rel string) bool { return mtime(rel) >= saved })
	if epoch := summary.num["epoch"]; over && later && epoch+0.01 >= s.epoch {
		s.ended = true
		if epoch > s.epoch && s.epoch > 0 { // it went on after the checkpoint: steps and epochs grow alike
			n, ok := asCount(math.Round(float64(s.step) * epoch / s.epoch))
			if ok && (s.maxSteps == 0 || n <= s.maxSteps) {
				s.step = n
			}
			s.epoch = epoch
		}
		maps.Copy(s.metrics, hfMetrics(summary.num))
	}
	s.over = !s.callbacks && mtime("training_args.bin") >= saved
}

// tell puts the state into a progress; saved says whether there is a checkpoint of its last step.
func (s *hfState) tell(p *runsheet.Progress, spec runsheet.ProgressSpec, saved bool) {
	p.Completed, p.Total, p.Metrics = s.step, s.maxSteps, s.metrics
	if spec.Epochs {
		p.Completed, p.Total = wholeEpochs(s.epoch), s.epochs
		// Where steps gather gradients of several batches, the last epoch ends a little short of a whole one.
		if n := max(s.epochs, spec.Total); s.all() && math.Abs(float64(n)-s.epoch) < 0.1 {
			p.Completed = n
		}
	}
	early := s.impatient || s.ended && (s.patience || !s.callbacks || !saved)
	switch {
	case early && !s.all():
		p.EarlyStopped, p.EarlyStoppedAt = true, p.Completed
	case s.all() || s.over:
		p.Finished = p.Total == 0 || spec.Total <= p.Total // where the sheet wants more than it was told, it is not done
	}
}

// all says whether all steps were made.
func (s *hfState) all() bool { return s.maxSteps > 0 && s.step >= s.maxSteps }

// scale converts a step into what is counted.
func (s *hfState) scale(step int64, epochs bool) int64 {
	if !epochs {
		return step
	}
	if s.step == 0 {
		return 0
	}
	return wholeEpochs(float64(step) / float64(s.step) * s.epoch)
}

// wholeEpochs counts the epochs that are over.
func wholeEpochs(epoch float64) int64 {
	n, _ := asCount(math.Floor(epoch + 1e-6))
	return n
}
