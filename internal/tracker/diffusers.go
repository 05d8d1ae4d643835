package tracker

import (
	"errors"
	"path"
	"slices"

	"runsheet"
)

// diffusers is the training scripts of diffusers, and others in their way: a directory checkpoint-<step> for each state
// that accelerate saved, told from a Trainer's by accelerate's random_states_0.pkl, which is written last, and by the
// missing trainer_state.json.
//
// The highest step counts, which is as fresh as the last checkpoint. Their total is max_train_steps, where the scripts
// told their arguments to TensorBoard (logs/<script>/<time>/hparams.yml); nothing else tells it. They are finished when
// what is saved after the last step stands beside the checkpoints: the pipeline, the LoRA weights, the model. There are
// no metrics in files of their own, no epochs and no early stop.
//
// accelerate's own checkpoints/checkpoint_<k> is a counter of saves, and epoch_<n> and step_<n> are names that a user
// chose: they are not read as progress.
//
// The files of accelerate are those of its runs in testdata/real/accelerate; the names that the scripts give are read of
// huggingface/diffusers examples/text_to_image/*.py, not checked against a run of them.
type diffusers struct{}

const diffusersState = "random_states_0.pkl"

// diffusersEnd are the files that the scripts save at the end.
var diffusersEnd = []string{"model_index.json", "pytorch_lora_weights.safetensors", "pytorch_lora_weights.bin",
	"diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin", "learned_embeds.safetensors"}

func (diffusers) Name() string { return "diffusers" }

func (diffusers) Logs() string { return "" }

func (d diffusers) Recognises(ev *Evidence, _ runsheet.ProgressSpec) bool {
	saved, err := d.checkpoints(ev)
	return err == nil && len(saved) > 0
}

// checkpoints lists the checkpoints that are whole, the highest first.
func (diffusers) checkpoints(ev *Evidence) ([]hfSaved, error) {
	steps, err := ev.numbered(".", hfCheckpoint)
	if err != nil {
		return nil, err
	}
	var out []hfSaved
	for _, n := range steps[:min(len(steps), maxHFCheckpoints)] {
		theirs, foreign := path.Join(n.Name, diffusersState), path.Join(n.Name, hfStateName)
		ev.Witness(theirs, foreign)
		st, err := ev.Look(theirs)
		if err != nil {
			return nil, err
		}
		if other, err := ev.Look(foreign); err == nil && other.Kind == Absent && st.Kind == Regular {
			out = append(out, hfSaved{n.n, theirs, stampTime(st.MTime)})
		}
	}
	return out, nil
}

func (d diffusers) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: d.Name(), Unit: unit(spec, "step")}
	if spec.Epochs {
		return p, errors.New("the checkpoints of diffusers count steps only; give `total` instead of `epochs` in the sheet")
	}
	saved, err := d.checkpoints(ev)
	if err != nil || len(saved) == 0 {
		return p, err
	}
	p.Completed = saved[0].step
	var done pace
	for _, c := range slices.Backward(saved) {
		done.see(c.at, c.step)
	}
	done.tell(&p)
	told, err := ev.Glob("logs/*/*/hparams.yml")
	if err != nil {
		return p, err
	}
	if len(told) > 0 {
		args, err := ev.yaml(ev.byChange(told)[0], "max_train_steps")
		if err != nil {
			return p, err
		}
		p.Total, _ = parseCount(args["max_train_steps"])
	}
	over := slices.ContainsFunc(diffusersEnd, func(name string) bool {
		if !ev.has(".", name) {
			return false
		}
		ev.Witness(name)
		st, err := ev.Look(name)
		return err == nil && st.Kind == Regular && !stampTime(st.MTime).Before(saved[0].at)
	})
	p.Finished = over && (p.Total == 0 || spec.Total <= p.Total) // where the sheet wants more than it was told, it is not done
	return p, nil
}
