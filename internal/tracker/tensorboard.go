package tracker

import (
	"fmt"
	"strings"

	"runsheet"
)

// tensorBoard reads TensorBoard's event files (events.out.tfevents.*), which torch's SummaryWriter, tensorboardX,
// Keras, TensorFlow and many frameworks on top of these write.
//
// The files of one directory are one run, in the order of their names; those in directories just below it (hparams and
// add_scalars of torch, train and validation of Keras, eval of TensorFlow) belong to it. Of several runs, the one that
// was written to last counts, of those that say anything.
//
// Completed is the last step of the tag that tells most (the training loss, before what is evaluated now and then),
// counted from 1 where the tag began at step 0. With `epochs` in the sheet it is the epoch by the tag epoch or
// train/epoch, or the steps of Keras, which are epochs. Nothing on disk says how much there is to do, nor that it is
// done: only the sheet's total makes a run complete, and it must be a step that is logged. Writers flush every two
// minutes, so that what is read lags behind.
//
// How TensorBoard itself takes files in: tensorflow/tensorboard 70b76c9, backend/event_processing. A wrong length ends a
// file, wrong data ends a record, a short tail is read again.
type tensorBoard struct{}

func (tensorBoard) Name() string { return "tensorboard" }

func (tensorBoard) Logs() string { return "" }

// Recognises says whether some run has said anything: a young file holds nothing but its header.
func (tensorBoard) Recognises(ev *Evidence, _ runsheet.ProgressSpec) bool {
	dirs, err := ev.eventDirs(false)
	if err != nil {
		return false
	}
	for _, run := range ev.eventRuns(dirs) {
		if said, err := run.read(ev, nil); err != nil || said {
			return true
		}
	}
	return false
}

// Read returns what the run that was written to last says. Where none says anything yet, no step is done.
func (t tensorBoard) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: t.Name(), Unit: unit(spec, "step")}
	if spec.Epochs {
		p.Unit = unit(spec, "epoch")
	}
	dirs, err := ev.eventDirs(spec.Tracker == t.Name())
	if err != nil {
		return p, err
	}
	runs := ev.eventRuns(dirs)
	for i, run := range runs {
		said, fault := run.read(ev, ev.Point)
		if fault != nil && !isBroken(fault) {
			return p, fault
		}
		if said {
			if err := t.tell(ev, &p, spec, run, runs[i+1:]); err != nil {
				return p, err
			}
		}
		if said || fault != nil {
			return p, fault
		}
	}
	return p, nil
}

// tell puts what a run says into a progress. Older runs of the work dir may know how its steps are counted.
func (tensorBoard) tell(ev *Evidence, p *runsheet.Progress, spec runsheet.ProgressSpec, run *eventRun, older []*eventRun) error {
	p.Metrics = run.metrics()
	part, tag := run.leading()
	if spec.Epochs {
		if epochs := run.epochs(); epochs != nil {
			p.Completed, _ = epochs.done()
			epochs.Pace.tell(p)
			return nil
		}
		switch {
		case part == nil || part.Steps[tag][0] == part.Steps[tag][1] && !kerasTag(tag):
			return nil // too early: the epoch may follow
		case !kerasTag(tag):
			return fmt.Errorf("the event files in %s count steps only; give `total` instead of `epochs` in the sheet", run.root)
		}
	}
	if part == nil {
		return nil
	}
	if kerasTag(tag) {
		p.Unit = unit(spec, "epoch")
	}
	steps := part.Steps[tag]
	if steps[0] > 0 && begunAtZero(ev, older, tag) {
		steps[0] = 0
	}
	p.Completed = steps[1] + base(steps[0])
	part.Paces[tag].tell(p)
	return nil
}

// kerasTag says whether the steps of a tag are epochs, as those of Keras are (keras/src/callbacks/tensorboard.py:
// epoch_ and the name of the metric).
func kerasTag(tag string) bool { return strings.HasPrefix(tag, "epoch_") }

// begunAtZero says whether a tag began at step 0 in an older run: a resume goes on to count that way in a directory of
// its own.
func begunAtZero(ev *Evidence, older []*eventRun, tag string) bool {
	for _, run := range older[:min(len(older), maxOlderRuns)] {
		if _, err := run.read(ev, nil); err != nil {
			continue // it is not what is asked for
		}
		for _, part := range run.parts {
			if part.said == nil {
				continue
			}
			if steps, ok := part.said.Steps[tag]; ok && steps[0] == 0 {
				return true
			}
		}
	}
	return false
}
