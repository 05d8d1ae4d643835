package tracker

import (
	"path"

	"runsheet"
)

// ultralytics reads what Ultralytics YOLO (also RT-DETR and the others of the package) writes into its directory of a
// training, runs/<task>/train<N> unless the code says otherwise:
//
//	args.yaml     all settings, written at the beginning and again when a training goes on: the total
//	results.csv   a line for every epoch that is done
//	results.png   drawn after the final validation, unless plots are turned off: the training is finished
//
// Completed is the epoch of the last line, counted from 1 (before version 8.0.150 from 0: then there is a line of epoch
// 0). Of several trainings the one that changed last counts. A training that was stopped early says so on its standard
// output only, and with `time` set (hours) nothing says how many epochs there will be.
//
// Checked against ultralytics 8.4.190 (engine/trainer.py, save_metrics and _do_train). Traps: a training that goes on
// from last.pt may do an epoch again whose line is there already; the column "time" begins anew with every process;
// before 2025 the cells were padded with blanks, and there was no such column.
//
// A sheet that names this tracker may name results.csv in `files`, where it lies in another directory; without it every
// directory below the work dir is looked into.
type ultralytics struct{}

const ultralyticsArgs = "args.yaml"

func (ultralytics) Name() string { return "ultralytics" }

func (ultralytics) Logs() string { return "" }

func (u ultralytics) Recognises(ev *Evidence, spec runsheet.ProgressSpec) bool {
	spec.Tracker = ""
	dir, _, err := u.find(ev, spec)
	return err == nil && dir != ""
}

// find returns the directory of the training and its settings; "" where there is none.
func (u ultralytics) find(ev *Evidence, spec runsheet.ProgressSpec) (string, map[string]string, error) {
	if len(spec.Files) > 0 {
		dir := path.Dir(spec.Files[0])
		args, err := ev.yaml(path.Join(dir, ultralyticsArgs), "task", "mode", "epochs", "time")
		return dir, args, err
	}
	dirs, err := ev.yoloDirs(ultralyticsArgs, spec.Tracker == u.Name())
	if err != nil {
		return "", nil, err
	}
	var trainings []string
	all := map[string]map[string]string{}
	for _, dir := range dirs {
		args, err := ev.yaml(path.Join(dir, ultralyticsArgs), "task", "mode", "epochs", "time")
		if err != nil {
			return "", nil, err
		}
		if args["task"] != "" && args["mode"] == "train" {
			trainings = append(trainings, dir)
			all[dir] = args
		}
	}
	dir := ev.yoloNewest(trainings, ultralyticsArgs)
	return dir, all[dir], nil
}

func (u ultralytics) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: u.Name(), Unit: unit(spec, "epoch")}
	dir, args, err := u.find(ev, spec)
	if err != nil || dir == "" {
		return p, err
	}
	if hours := args["time"]; hours == "" || hours == "null" {
		p.Total, _ = parseCount(args["epochs"])
		if args["epochs"] == "null" {
			p.Total = 100 // what the trainer takes then
		}
	}
	err = ev.yoloProgress(&p, spec, dir, ultralyticsArgs, false)
	return p, err
}
