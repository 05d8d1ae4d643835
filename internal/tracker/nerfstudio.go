package tracker

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"runsheet"
	"runsheet/internal/durable"
)

// nerfstudio reads what ns-train leaves in a directory of each launch, which is the work dir or the newest of
// outputs/<experiment>/<method>/<time> below it:
//
//	config.yml                          Python objects in YAML: max_num_iterations is the total
//	nerfstudio_models/step-<N>.ckpt     N is the step that was saved, counted from 0; the last one after the last step
//
// The highest step that was saved whole counts, which is as fresh as steps_per_save. A launch that goes on (load_dir) has
// what the one before had until it saves for the first time. There are no metrics in files of its own, no epochs, and
// no early stop; a person who ends the viewer's loop leaves what an interrupted training leaves.
//
// Read of nerfstudio (engine/trainer.py, configs/experiment_config.py) and written by hand after it: not checked against
// a run of it. Traps: the checkpoint is written under its own name, so one may be cut: it is a zip file, and whole when
// its directory stands at its end. The process stays alive when the training is over, for the viewer. In older
// versions a training that goes on makes max_num_iterations more: there the total is too low.
type nerfstudio struct{}

const (
	nerfConfig  = "config.yml"
	nerfModels  = "nerfstudio_models"
	nerfOutputs = "outputs"
	nerfStamp   = "2006-01-02_150405"
)

func (nerfstudio) Name() string { return "nerfstudio" }

func (nerfstudio) Logs() string { return "" }

func (n nerfstudio) Recognises(ev *Evidence, _ runsheet.ProgressSpec) bool {
	return len(n.launches(ev, maxLaunches)) > 0
}

func (n nerfstudio) parts(ev *Evidence) []string { return n.launches(ev, maxParts) }

// launches lists the directories of at most so many of the last launches, the newest first.
func (n nerfstudio) launches(ev *Evidence, most int) []string {
	if n.is(ev, ".") {
		return []string{"."}
	}
	if !ev.has(".", nerfOutputs) {
		return nil
	}
	dirs := []string{nerfOutputs}
	for range 3 {
		var below []string
		for _, dir := range dirs {
			entries, _ := ev.List(dir) // what cannot be listed is told by whoever reads there
			for _, e := range entries {
				if e.Dir {
					below = append(below, path.Join(dir, e.Name))
				}
			}
		}
		dirs = ev.latest(below, 2*most)
	}
	dirs = slices.DeleteFunc(dirs, func(dir string) bool {
		_, err := time.Parse(nerfStamp, path.Base(dir))
		return err != nil
	})
	slices.SortFunc(dirs, func(a, b string) int {
		return cmp.Or(strings.Compare(path.Base(b), path.Base(a)), strings.Compare(b, a))
	})
	return slices.DeleteFunc(dirs[:min(len(dirs), most)], func(dir string) bool { return !n.is(ev, dir) })
}

// is says whether a directory is one of a launch.
func (nerfstudio) is(ev *Evidence, dir string) bool {
	return ev.has(dir, nerfModels) && len(nerfSaved(ev, dir)) > 0 ||
		ev.has(dir, nerfConfig) && bytes.HasPrefix(ev.firstLine(path.Join(dir, nerfConfig)), []byte("!!python/object:nerfstudio."))
}

// nerfCheckpoint is a checkpoint and how many steps are done with it.
type nerfCheckpoint struct {
	rel   string
	steps int64
}

// nerfSaved lists the checkpoints of a launch, the highest first.
func nerfSaved(ev *Evidence, dir string) []nerfCheckpoint {
	dir = path.Join(dir, nerfModels)
	entries, _ := ev.List(dir)
	var out []nerfCheckpoint
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name, "step-")
		digits, is := strings.CutSuffix(digits, ".ckpt")
		if n, count := parseCount(digits); ok && is && count && n < maxCount {
			out = append(out, nerfCheckpoint{path.Join(dir, e.Name), n + 1})
		}
	}
	slices.SortFunc(out, func(a, b nerfCheckpoint) int { return cmp.Compare(b.steps, a.steps) })
	return out
}

func (n nerfstudio) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: n.Name(), Unit: unit(spec, "step")}
	if spec.Epochs {
		return p, errors.New("nerfstudio counts steps only; give `total` instead of `epochs` in the sheet")
	}
	for i, dir := range n.launches(ev, maxLaunches) {
		args, err := ev.yaml(path.Join(dir, nerfConfig), "max_num_iterations", "load_dir")
		if err != nil {
			return p, err
		}
		if i == 0 {
			p.Total, _ = parseCount(args["max_num_iterations"])
		}
		all := nerfSaved(ev, dir)
		if len(all) > 0 {
			whole, err := ev.zipped(all[0].rel)
			if err != nil {
				return p, err
			}
			if !whole {
				all = all[1:]
			}
		}
		if len(all) > 0 {
			p.Completed = all[0].steps
			var marks pace
			for _, c := range slices.Backward(all[:min(len(all), maxMarks)]) {
				if st, err := ev.Look(c.rel); err == nil {
					marks.see(stampTime(st.MTime), c.steps)
				}
			}
			marks.tell(&p)
			break
		}
		if args["load_dir"] == "null" { // else there is a path, on further lines
			break
		}
	}
	return p, nil
}

// zipped says whether a file is a whole zip file, as torch.save makes them: its directory ends with a record of its own,
// at the very end. One of another kind counts as whole.
func (ev *Evidence) zipped(rel string) (bool, error) {
	ev.Witness(rel)
	if st, err := ev.Look(rel); err != nil || st.Kind != Regular {
		return false, err
	}
	f, err := durable.OpenRegular(ev.disk, "progress", ev.abs(rel))
	if err != nil {
		if absent(err) {
			return false, nil
		}
		return false, unreadable(rel, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, unreadable(rel, err)
	}
	const end = 22 // bytes of that record, which has no comment
	var first [4]byte
	var last [end]byte
	if _, err := f.ReadAt(first[:], 0); errors.Is(err, io.EOF) {
		return false, nil
	} else if err != nil {
		return false, unreadable(rel, err)
	}
	if string(first[:2]) != "PK" {
		return true, nil
	}
	if _, err := f.ReadAt(last[:], max(0, info.Size()-end)); err != nil && !errors.Is(err, io.EOF) {
		return false, unreadable(rel, err)
	}
	return bytes.HasPrefix(last[:], []byte("PK\x05\x06")), nil
}
