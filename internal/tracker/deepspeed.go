package tracker

import (
	"errors"

	"runsheet"
)

// deepspeed reads what DeepSpeed's engine leaves where code of the user's own saves with it: the directories
// global_step<N> of the checkpoints, and the file latest, which names the one that was saved last, once it is whole. N are
// steps of the optimizer, a count.
//
// Where frameworks save through DeepSpeed, latest lies in directories of theirs, and they are asked before this. A tag
// that the user chose (epoch2) tells nothing: then this is not recognised. There is no total, there are no metrics,
// no epochs, and nothing says that it is finished or stopped early.
//
// Checked against what deepspeed 0.19.8 wrote in testdata/real/deepspeed.
// Trap: latest is written in place and may be seen empty or cut; then the highest checkpoint counts.
type deepspeed struct{}

const (
	deepspeedPointer = "latest"
	deepspeedPrefix  = "global_step"
)

func (deepspeed) Name() string { return "deepspeed" }

func (deepspeed) Logs() string { return "" }

func (d deepspeed) Recognises(ev *Evidence, _ runsheet.ProgressSpec) bool {
	_, ok, err := d.saved(ev)
	return err == nil && ok
}

func (deepspeed) saved(ev *Evidence) (saved, bool, error) {
	return ev.savedSteps(deepspeedPointer, deepspeedPrefix, deepspeedPrefix)
}

func (d deepspeed) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: d.Name(), Unit: unit(spec, "step")}
	if spec.Epochs {
		return p, errors.New("DeepSpeed counts steps only; give `total` instead of `epochs` in the sheet")
	}
	s, ok, err := d.saved(ev)
	if err != nil || !ok {
		return p, err
	}
	p.Completed = s.count
	s.marks.tell(&p)
	return p, nil
}
