package tracker

import (
	"maps"
	"slices"

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
	maxHFHistory     = 1 << 30
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
