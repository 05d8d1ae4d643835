package tracker

import (
	"bytes"
	"path"
	"slices"
	"strings"
	"time"

	"runsheet"
)

// torchtune is the recipes of torchtune: their configuration in torchtune_config.yaml, a directory epoch_<n> for each
// epoch, and a line "Step <n> | loss:1.8 lr:2e-05" for each step in logs/log_<unix time>.txt, a file for each launch.
//
// Epochs are counted, of `epochs` in the configuration: n of the last one plus 1. The last one counts once it is whole:
// the weights are written first, then what lies beside them in the checkpoint that the training began from (config.json,
// the tokenizer) is copied, and then recipe_state.pt, unless it is the last epoch. A directory that is more than a minute
// older than the one before was left by an earlier training. Where the sheet gives a total in steps, the last line of the
// log counts. There is no mark of the end, and no early stop.
//
// Read of torchtune 0.6.1 (recipes/lora_finetune_single_device.py, torchtune/training/metric_logging.py and
// checkpointing/); the lines of the log are checked against its logger in testdata/real/torchtune, the rest against no run
// of it. Before 0.5 there were no directories of epochs.
type torchtune struct{}

const (
	tuneConfig  = "torchtune_config.yaml"
	tuneRecipe  = "recipe_state/recipe_state.pt"
	tuneEpoch   = "epoch_"
	maxTuneLogs = 16 // the last ones
)

// tuneWeights are the endings of what is written before an epoch is whole.
var tuneWeights = []string{".pt", ".bin", ".safetensors", ".pth", ".index.json", "adapter_config.json"}

func (torchtune) Name() string { return "torchtune" }

func (torchtune) Logs() string { return "logs/log_*.txt" }

func (torchtune) Recognises(ev *Evidence, _ runsheet.ProgressSpec) bool {
	return ev.has(".", tuneConfig)
}

func (t torchtune) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: t.Name(), Unit: unit(spec, "epoch")}
	config, err := ev.yaml(tuneConfig, "epochs", "checkpointer._component_")
	if err != nil {
		return p, err
	}
	log, err := t.log(ev)
	if err != nil {
		return p, err
	}
	p.Metrics = log.Metrics
	if steps := strings.HasPrefix(spec.Unit, "step") || strings.HasPrefix(spec.Unit, "iter"); steps && !spec.Epochs {
		p.Completed = log.Step
		log.Pace.tell(&p)
		return p, nil
	}
	p.Total, _ = parseCount(config["epochs"])
	epochs, err := ev.numbered(".", tuneEpoch)
	if err != nil {
		return p, err
	}
	var done pace
	var last numbered
	var at time.Time // when it was written
	for _, e := range slices.Backward(epochs) {
		written, err := t.written(ev, e.Name)
		if err != nil {
			return p, err
		}
		if written.Before(at.Add(-time.Minute)) {
			break // of an earlier training
		}
		if last.Name != "" {
			done.see(at, last.n+1)
		}
		last, at = e, written
	}
	if last.Name != "" {
		ev.Witness(last.Name)
		whole, err := t.whole(ev, last.Name, config["checkpointer._component_"], at)
		if err != nil {
			return p, err
		}
		p.Completed = last.n
		if whole {
			p.Completed++
			done.see(at, p.Completed)
		}
	}
	done.tell(&p)
	return p, nil
}

// written returns when something in the directory of an epoch changed last. A training that began anew writes over the files
// of the one before, which does not change the directory.
func (torchtune) written(ev *Evidence, dir string) (time.Time, error) {
	entries, err := ev.List(dir)
	if err != nil {
		return time.Time{}, err
	}
	var at int64
	for _, e := range append(entries, Entry{Name: "."}) {
		if st, err := ev.Look(path.Join(dir, e.Name)); err == nil {
			at = max(at, st.MTime)
		}
	}
	return stampTime(at), nil
}

// whole says whether all of an epoch was written.
func (torchtune) whole(ev *Evidence, dir, checkpointer string, at time.Time) (bool, error) {
	ev.Witness(tuneRecipe)
	if st, err := ev.Look(tuneRecipe); err == nil && st.Kind == Regular && st.Size > 0 && !stampTime(st.MTime).Before(at) {
		return true, nil
	}
	entries, err := ev.List(dir)
	if err != nil {
		return false, err
	}
	weights := false
	for _, e := range entries {
		if !slices.ContainsFunc(tuneWeights, func(end string) bool { return strings.HasSuffix(e.Name, end) }) {
			return true, nil
		}
		weights = true
	}
	// Beside a checkpoint of Hugging Face or Meta there always is a configuration; beside others nothing need be.
	return weights && !strings.Contains(checkpointer, "HF") && !strings.Contains(checkpointer, "Meta"), nil
}

// tuneState is what the lines so far say.
type tuneState struct {
	Step    int64            `json:"step"`
	Metrics runsheet.Metrics `json:"metrics,omitempty"`
	Pace    pace             `json:"pace,omitempty"`
}

// log reads the logs of the last launches, and returns what the last one says that says anything.
func (torchtune) log(ev *Evidence) (tuneState, error) {
	var out tuneState
	var names []string
	for _, dir := range []string{"logs", "."} {
		entries, err := ev.List(dir)
		if err != nil {
			return out, err
		}
		for _, e := range entries {
			digits, ok := strings.CutSuffix(strings.TrimPrefix(e.Name, "log_"), ".txt")
			if ok && !e.Dir && strings.HasPrefix(e.Name, "log_") && len(digits) >= 10 && strings.Trim(digits, "0123456789") == "" {
				names = append(names, path.Join(dir, e.Name))
			}
		}
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(path.Base(a), path.Base(b)) })
	for _, rel := range names[max(0, len(names)-maxTuneLogs):] {
		s, err := follow(ev, rel, format[tuneState]{
			key: "torchtune/1", split: byLine,
			take: func(s *tuneState, line []byte) { s.take(line, ev.Point) },
			done: func(s *tuneState, at time.Time) { s.Pace.see(at, s.Step) },
		})
		if err != nil {
			return out, err
		}
		if s.Step > 0 {
			out = s
		}
	}
	return out, nil
}

// take takes a line in: "Step 10 | loss:1.83 lr:2e-05 ".
func (s *tuneState) take(line []byte, point func(int64, runsheet.Metrics)) {
	rest, ok := bytes.CutPrefix(line, []byte("Step "))
	if !ok {
		return
	}
	step, values, ok := strings.Cut(string(rest), " | ")
	n, count := parseCount(step)
	if !ok || !count {
		return
	}
	m := runsheet.Metrics{}
	for _, pair := range strings.Fields(values) {
		i := strings.LastIndexByte(pair, ':')
		if i <= 0 {
			continue
		}
		text := strings.TrimRight(strings.TrimPrefix(pair[i+1:], "tensor("), ",)")
		if v, ok := parseFloat(text); ok && len(m) < maxMetrics {
			m[pair[:i]] = v
		}
	}
	s.Step, s.Metrics = n, merged(s.Metrics, m)
	point(n, m)
}
