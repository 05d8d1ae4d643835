package tracker

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"time"

	"runsheet"
)

// lightning reads what PyTorch Lightning leaves in lightning_logs/version_<N>, or <name>/version_<N> below logs, csv,
// csv_logs, tb_logs and tensorboard:
//
//	metrics.csv             of the CSVLogger: a line for each call of log, training and validation apart, each with the
//	                        epoch under way and the step, both counted from 0
//	events.out.tfevents.*   of the TensorBoardLogger, which is the default where TensorBoard is installed: the same
//	checkpoints/*.ckpt      epoch=3-step=40.ckpt: made in epoch 3, counted from 0, after 40 steps
//	config.yaml             of the LightningCLI: trainer.max_epochs and trainer.max_steps; or Hydra's .hydra/config.yaml.
//	                        Nothing else on disk says how much there is to do. (hparams.yaml is the model's: a max_epochs in
//	                        it may be anything)
//
// The version with the highest number counts that says anything: a training that goes on makes a new one, and counts on.
// One in which only test_... was logged is of a Trainer.test.
//
// Steps are exact. Completed epochs are those before the one under way, and that one too where a checkpoint shows that it
// is over: where its steps are so many times those of an epoch, by the lines or by another checkpoint. That the last
// epoch is over, and that it was stopped early, is said by lines of its output only ("`Trainer.fit` stopped:
// `max_epochs=10` reached.", "... Signaling Trainer to stop."), which is looked for in the logs.
//
// It counts epochs, but steps where the sheet gives `total` without `epochs` or the unit "step", where max_steps is set,
// or where the output says that max_steps was reached. The course of the metrics is always told by steps.
//
// Checked against lightning 2.6.6 (pytorch/loggers, pytorch/loops/fit_loop.py, pytorch/callbacks/model_checkpoint.py). Trap:
// metrics.csv is written anew in place when a new column comes, and may be seen short at that moment.
//
// A sheet that names this tracker may name metrics.csv in `files`, where it lies in another directory; without it every
// directory in the work dir is looked into.
type lightning struct{}

const (
	lightningLogs        = "lightning_logs"
	lightningMetrics     = "metrics.csv"
	lightningCheckpoints = "checkpoints"
	maxLightningVersions = 64 // that are looked into, the last by number
	maxLightningDirs     = 64 // that are looked into in search of versions
	maxSpans             = 3
)

// lightningPlaces are directories in which versions are looked for, or directories with versions.
var lightningPlaces = []string{lightningLogs, "logs", "csv", "csv_logs", "tb_logs", "tensorboard"}

func (lightning) Name() string { return "lightning" }

func (lightning) Logs() string { return "" }

func (l lightning) Recognises(ev *Evidence, spec runsheet.ProgressSpec) bool {
	spec.Tracker = ""
	dirs, err := l.versions(ev, spec)
	return err == nil && len(dirs) > 0
}

// Read returns what the newest version that says anything says.
func (l lightning) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: l.Name(), Unit: unit(spec, "epoch")}
	dirs, err := l.versions(ev, spec)
	if err != nil {
		return p, err
	}
	for _, dir := range dirs {
		said, err := l.version(ev, spec, dir, &p)
		if said || err != nil {
			return p, err
		}
	}
	if len(dirs) > 0 { // nothing was logged yet
		epochs, steps, err := l.limits(ev, dirs[0])
		if err != nil {
			return p, err
		}
		l.choose(&p, spec, ending{}, epochs, steps, 0, 0)
	}
	return p, nil
}

// version reads one version, and says whether it says anything of a training.
func (l lightning) version(ev *Evidence, spec runsheet.ProgressSpec, dir string, p *runsheet.Progress) (bool, error) {
	rel := path.Join(dir, lightningMetrics)
	s, err := follow(ev, rel, format[lightningState]{
		key:   "lightning/1",
		split: byLine,
		whole: func(s *lightningState, rest []byte) bool { return s.Table.whole(rest) },
		take:  func(s *lightningState, line []byte) { s.line(line, ev.Point) },
		done: func(s *lightningState, at time.Time) {
			if n := len(s.Spans); n > 0 {
				s.Steps.see(at, s.Spans[n-1].Last+1)
				s.Epochs.see(at, s.Spans[n-1].Epoch)
			}
		},
	})
	if err != nil {
		return false, err
	}
	newest := int64(0)
	seen := func(rel string) time.Time {
		st, err := ev.Look(rel)
		if err != nil || st.Kind == Absent {
			return time.Time{}
		}
		newest = max(newest, st.MTime)
		return stampTime(st.MTime)
	}
	if len(s.Spans) > 0 {
		seen(rel)
	} else if err := l.events(ev, dir, &s, func(rel string) { seen(rel) }); err != nil {
		return false, err
	}
	var epochs, steps int64 // done
	if n := len(s.Spans); n > 0 {
		epochs, steps = s.Spans[n-1].Epoch, s.Spans[n-1].Last+1
	}
	entries, err := ev.List(path.Join(dir, lightningCheckpoints))
	if err != nil {
		return false, err
	}
	var made []lightningCheckpoint
	for _, e := range entries {
		if c, ok := checkpointOf(e.Name); ok {
			made = append(made, c)
		}
	}
	slices.SortFunc(made, func(a, b lightningCheckpoint) int {
		return cmp.Or(cmp.Compare(a.epoch, b.epoch), cmp.Compare(a.steps, b.steps), strings.Compare(a.name, b.name))
	})
	made = made[max(0, len(made)-maxMarks):]
	if len(s.Spans) == 0 && len(made) == 0 {
		return false, nil
	}
	var byEpoch, byStep pace
	for _, c := range made {
		done := c.epoch
		if c.over(s.Spans, made) {
			done++
		}
		at := seen(path.Join(dir, lightningCheckpoints, c.name))
		byEpoch.see(at, done)
		byStep.see(at, c.steps)
		epochs, steps = max(epochs, done), max(steps, c.steps)
	}
	if len(byEpoch) < len(s.Epochs) {
		byEpoch = s.Epochs
	}
	if len(byStep) < len(s.Steps) {
		byStep = s.Steps
	}
	end, err := ev.ended(spec, stampTime(newest), func(e *endings) ending { return e.Lightning })
	if err != nil {
		return false, err
	}
	maxEpochs, maxSteps, err := l.limits(ev, dir)
	if err != nil {
		return false, err
	}
	p.Metrics = s.Metrics
	byEpochs := l.choose(p, spec, end, maxEpochs, maxSteps, epochs, steps)
	if byEpochs {
		byEpoch.tell(p)
	} else {
		byStep.tell(p)
	}
	p.Finished = end.Finished
	if end.Early && !end.Finished {
		p.EarlyStopped, p.EarlyStoppedAt = true, p.Completed
	}
	return true, nil
}

// choose decides what is counted, and tells that and the total. It says whether it is epochs.
func (l lightning) choose(p *runsheet.Progress, spec runsheet.ProgressSpec, end ending, maxEpochs, maxSteps, epochs, steps int64) bool {
	if end.Finished {
		maxEpochs, maxSteps = cmp.Or(end.Epochs, maxEpochs), cmp.Or(end.Steps, maxSteps)
		epochs, steps = max(epochs, end.Epochs), max(steps, end.Steps)
	}
	byEpochs := spec.Epochs || spec.Total == 0 && strings.TrimSuffix(spec.Unit, "s") != "step" && maxSteps == 0
	if byEpochs {
		p.Completed, p.Total, p.Unit = epochs, maxEpochs, unit(spec, "epoch")
	} else {
		p.Completed, p.Total, p.Unit = steps, maxSteps, unit(spec, "step")
	}
	return byEpochs
}

// limits returns what a configuration says of how many epochs and steps there are; 0: nothing.
func (lightning) limits(ev *Evidence, dir string) (epochs, steps int64, err error) {
	for _, rel := range []string{path.Join(dir, "config.yaml"), "config.yaml", ".hydra/config.yaml"} {
		keys, err := ev.yaml(rel, "trainer.max_epochs", "trainer.max_steps")
		if err != nil {
			return 0, 0, err
		}
		epochs, _ = parseCount(keys["trainer.max_epochs"])
		steps, _ = parseCount(keys["trainer.max_steps"])
		if epochs > 0 || steps > 0 {
			return epochs, steps, nil
		}
	}
	return 0, 0, nil
}

// events reads what the event files of a version say into a state.
func (lightning) events(ev *Evidence, dir string, s *lightningState, seen func(rel string)) error {
	said, err := ev.events(dir, ev.Point)
	if err != nil && !isBroken(err) || said == nil {
		return err
	}
	ev.passOver(err)
	files, _ := ev.eventFiles(dir) // it was listed before
	for _, rel := range files {
		seen(rel)
	}
	tag, ok := said.leading()
	if !ok || strings.HasPrefix(tag, "test") {
		return nil
	}
	s.Metrics = said.metrics("")
	delete(s.Metrics, "epoch")
	delete(s.Metrics, "hp_metric") // a stand-in for the tab HPARAMS
	last := said.Steps[tag][1]
	for name, steps := range said.Steps {
		if name != "hp_metric" && !strings.HasPrefix(name, "test") {
			last = max(last, steps[1])
		}
	}
	s.Spans = []span{{int64(said.Epochs.Last), said.Epochs.Step, last}}
	s.Steps, s.Epochs = said.Paces[tag], said.Epochs.Pace
	return nil
}

// lightning: "Trainable params" stands in the summary with which fit begins. The other lines may stand behind a progress
// bar on the same line. (lightning 2.6.6: pytorch/loops/fit_loop.py, pytorch/callbacks/early_stopping.py and timer.py)
func (e *ending) lightning(text string) {
	if strings.HasPrefix(text, "Epoch 0:") && strings.Contains(text, "  0%|") {
		*e = ending{Said: true}
		return
	}
	if !strings.Contains(text, "Train") {
		return
	}
	switch _, stopped, ok := strings.Cut(text, "`Trainer.fit` stopped: `max_"); {
	case ok:
		what, value, _ := strings.Cut(stopped, "=")
		digits, _, whole := strings.Cut(value, "` reached")
		n, is := parseCount(digits)
		if !whole || !is {
			return
		}
		e.Said, e.Finished = true, true
		switch what {
		case "epochs":
			e.Epochs = n
		case "steps":
			e.Steps = n
		}
	case strings.Contains(text, "Signaling Trainer to stop"):
		e.Said, e.Early = true, true
	case strings.Contains(text, "Trainer was signaled to stop but"):
		e.Said, e.Early = true, false
	case strings.Contains(text, "Trainable params"):
		*e = ending{Said: true}
	}
}
