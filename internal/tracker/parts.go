package tracker

import (
	"context"
	"path"
	"time"

	"runsheet"
	"runsheet/internal/durable"
)

// container is a tracker whose evidence may lie in directories below the work dir, one for each training that was run
// there. Of a work dir of ours the newest counts; to somebody who looks at a stranger's tree each is a run of its own.
type container interface {
	Tracker
	// parts returns the directories below the work dir that hold a training each, at most maxParts.
	parts(ev *Evidence) []string
}

// maxParts is how many trainings below one directory are told apart.
const maxParts = 10_000

// Recognised is what a look at a stranger's directory found.
type Recognised struct {
	Own   bool   // evidence of its own: what lies below belongs to it
	ByLog bool   // by the looks of a log alone: what lies below may be what the log is about
	Parts []Part // trainings below it
}

// Part is a directory below a stranger's that holds a training, and how its progress is read.
type Part struct {
	Dir      string // absolute
	Progress runsheet.ProgressSpec
}

// Recognise says whether some tracker recognises the evidence in dir, an absolute path, and what it found.
func Recognise(disk durable.Disk, dir string) (Recognised, bool) {
	ev := NewEvidence(context.Background(), disk, dir, Options{
		// Whoever only asks this does not wait for a writer.
		Sleep: func(context.Context, time.Duration) error { return context.Canceled },
	})
	t, ok := choose(ev, runsheet.ProgressSpec{})
	if !ok {
		return Recognised{}, false
	}
	c, contains := t.(container)
	_, byLog := t.(logTracker)
	out := Recognised{ByLog: byLog, Own: !byLog && !contains}
	if !contains {
		return out, true
	}
	for _, rel := range c.parts(ev) {
		spec := runsheet.ProgressSpec{Tracker: t.Name()}
		if t == Tracker(lightning{}) {
			spec.Files = []string{lightningMetrics} // the version in the directory itself
		}
		switch {
		case rel == ".":
			out.Own = true
		case len(out.Parts) < maxParts:
			out.Parts = append(out.Parts, Part{ev.abs(rel), spec})
		}
	}
	out.Own = out.Own || len(out.Parts) == 0
	return out, true
}

func (tensorBoard) parts(ev *Evidence) (out []string) {
	dirs, _ := ev.eventDirs(false)
	for _, run := range ev.eventRuns(dirs) {
		out = append(out, run.root)
	}
	return out
}

func (lightning) parts(ev *Evidence) []string {
	dirs, _ := lightning{}.versions(ev, runsheet.ProgressSpec{})
	return dirs
}

func (wandB) parts(ev *Evidence) (out []string) {
	entries, _ := ev.List("wandb")
	for _, e := range entries {
		if e.Dir && wandbRun.MatchString(e.Name) {
			out = append(out, path.Join("wandb", e.Name))
		}
	}
	return out
}

// parts: every program that was started in a directory trains into its catboost_info. Runs beside that are not parts of it. The
// folds of cv() are one training.
func (c catboost) parts(ev *Evidence) []string {
	found, err := c.find(ev, runsheet.ProgressSpec{})
	if err != nil || len(found) != 1 || path.Dir(found[0]) != catboostInfo {
		return []string{"."}
	}
	return []string{catboostInfo}
}

func (ultralytics) parts(ev *Evidence) []string {
	dirs, _ := ev.yoloDirs(ultralyticsArgs, false)
	return dirs
}

func (mlFlow) parts(ev *Evidence) (out []string) {
	experiments, _ := ev.List("mlruns")
	for _, x := range experiments {
		runs, _ := ev.List(path.Join("mlruns", x.Name))
		for _, r := range runs {
			if r.Dir && isHex32(r.Name) {
				out = append(out, path.Join("mlruns", x.Name, r.Name))
			}
		}
	}
	return out
}
