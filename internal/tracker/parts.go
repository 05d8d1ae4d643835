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
	Parts []string // directories below it that are runs of their own, absolute; empty: it is a run itself
	ByLog bool     // by the looks of a log alone: what lies below may be what the log is about
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
	var out Recognised
	_, out.ByLog = t.(logTracker)
	if c, ok := t.(container); ok {
		for _, rel := range c.parts(ev) {
			if rel != "." && len(out.Parts) < maxParts {
				out.Parts = append(out.Parts, ev.abs(rel))
			}
		}
		if len(out.Parts) < 2 {
			out.Parts = nil
		}
	}
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
