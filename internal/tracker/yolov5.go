package tracker

import (
	"path"

	"runsheet"
)

// yolov5 reads what YOLOv5 writes into runs/train/exp<N>, or whatever --project and --name say: opt.yaml, the options of
// its command line, with the total; results.csv, a line for every epoch that is done, counted from 0, its cells padded
// with blanks; and results.png, drawn when all is done. It looks for them as the tracker ultralytics does, and takes the
// same lines of its output for an early stop.
//
// Checked against the package yolov5 7.0.14 (train.py and utils/loggers/__init__.py). Trap: a training that goes on from
// last.pt may do an epoch again whose line is there already.
type yolov5 struct{}

const (
	yolov5Options = "opt.yaml"
	yolov5Hyper   = "hyp.yaml"
)

func (yolov5) Name() string { return "yolov5" }

func (yolov5) Logs() string { return "" }

func (y yolov5) Recognises(ev *Evidence, spec runsheet.ProgressSpec) bool {
	spec.Tracker = ""
	dir, err := y.find(ev, spec)
	return err == nil && dir != ""
}

// find returns the directory of the training; "" where there is none.
func (y yolov5) find(ev *Evidence, spec runsheet.ProgressSpec) (string, error) {
	if len(spec.Files) > 0 {
		return path.Dir(spec.Files[0]), nil
	}
	dirs, err := ev.yoloDirs(yolov5Options, spec.Tracker == y.Name())
	if err != nil {
		return "", err
	}
	var trainings []string
	for _, dir := range dirs {
		if ev.has(dir, yolov5Hyper) || isYoloHeader(ev.csvHeader(path.Join(dir, yoloResults))) {
			trainings = append(trainings, dir)
		}
	}
	return ev.yoloNewest(trainings, yolov5Options), nil
}

func (y yolov5) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: y.Name(), Unit: unit(spec, "epoch")}
	dir, err := y.find(ev, spec)
	if err != nil || dir == "" {
		return p, err
	}
	options, err := ev.yaml(path.Join(dir, yolov5Options), "epochs")
	if err != nil {
		return p, err
	}
	p.Total, _ = parseCount(options["epochs"])
	err = ev.yoloProgress(&p, spec, dir, yolov5Options, true)
	return p, err
}
