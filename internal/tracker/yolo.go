package tracker

import (
	"path"
	"strings"
	"time"

	"runsheet"
)

// yoloTable is what the lines of a results.csv say, as Ultralytics and YOLOv5 write it: a line for every epoch, appended
// when it is done.
type yoloTable struct {
	Table   csvTable         `json:"table,omitzero"`
	Seen    bool             `json:"seen,omitzero"`
	Epoch   int64            `json:"epoch,omitzero"` // of the last row
	Zero    bool             `json:"zero,omitzero"`  // some row is that of epoch 0: they are counted from there
	Metrics runsheet.Metrics `json:"metrics,omitempty"`
	Laps    laps             `json:"laps,omitempty"`
	Pace    pace             `json:"pace,omitempty"`
}

// completed returns how many epochs are done.
func (s *yoloTable) completed() int64 {
	if s.Seen && s.Zero {
		return s.Epoch + 1
	}
	return s.Epoch
}

func (s *yoloTable) line(line []byte, point func(int64, runsheet.Metrics)) {
	cells, ok := s.Table.row(line)
	epoch, is := asCount(cells["epoch"])
	if _, there := cells["epoch"]; !ok || !there || !is || epoch >= maxCount {
		return
	}
	s.Seen, s.Epoch, s.Zero = true, epoch, s.Zero || epoch == 0
	if seconds, ok := cells["time"]; ok {
		s.Laps.see(s.completed(), seconds)
	}
	m := runsheet.Metrics{}
	for name, v := range cells {
		if name != "epoch" && name != "time" {
			m[name] = v
		}
	}
	if len(m) > 0 {
		s.Metrics = m
	}
	point(s.completed(), m)
}

// yoloResults reads a results.csv. zero: its epochs are counted from 0, whatever it says.
func (ev *Evidence) yoloResults(rel string, zero bool) (yoloTable, error) {
	s, err := follow(ev, rel, format[yoloTable]{
		key:   "yolo/1",
		split: byLine,
		whole: func(s *yoloTable, rest []byte) bool { return s.Table.whole(rest) },
		take:  func(s *yoloTable, line []byte) { s.line(line, ev.Point) },
		done:  func(s *yoloTable, at time.Time) { s.Pace.see(at, s.Epoch) },
	})
	s.Zero = s.Zero || zero
	return s, err
}

const (
	yoloRuns    = "runs"
	yoloResults = "results.csv"
	yoloPlot    = "results.png" // drawn when all is done, unless plots are turned off
	yoloDepth   = 3             // runs/detect/project/train2
	maxYoloDirs = 64
)

// yoloDirs returns the directories with a file of settings: the work dir itself, and those below runs; below any
// directory in it where the sheet names the tracker.
func (ev *Evidence) yoloDirs(settings string, everywhere bool) ([]string, error) {
	var found []string
	listed := 0
	var walk func(dir string, depth int) error
	walk = func(dir string, depth int) error {
		if listed++; listed > maxYoloDirs {
			return nil
		}
		entries, err := ev.List(dir)
		if err != nil {
			return err
		}
		if ev.has(dir, settings) {
			found = append(found, dir)
		}
		if depth == 0 || ev.has(dir, settings) || ev.has(dir, "weights") {
			return nil
		}
		var below []string
		for _, e := range entries {
			if e.Dir && (dir != "." || e.Name == yoloRuns || everywhere) {
				below = append(below, path.Join(dir, e.Name))
			}
		}
		if len(below) > maxYoloDirs/2 { // the latest ones
			below = ev.byChange(below)
		}
		for _, d := range below {
			if err := walk(d, depth-1); err != nil {
				return err
			}
		}
		return nil
	}
	err := walk(".", yoloDepth+1)
	return found, err
}

// yoloNewest returns which of the directories of trainings changed last.
func (ev *Evidence) yoloNewest(dirs []string, settings string) string {
	newest, at := "", int64(-1)
	for _, dir := range dirs {
		if t := ev.yoloChange(path.Join(dir, settings), path.Join(dir, yoloResults)); t >= at {
			newest, at = dir, t
		}
	}
	return newest
}

// yoloChange returns when one of the files changed last; 0 where there is none.
func (ev *Evidence) yoloChange(rels ...string) int64 {
	ev.Witness(rels...)
	var at int64
	for _, rel := range rels {
		if st, err := ev.Look(rel); err == nil && st.Kind == Regular {
			at = max(at, st.MTime)
		}
	}
	return at
}

// yoloProgress puts together what a training's directory says, whose file of settings told the total. zero is as of
// yoloResults.
func (ev *Evidence) yoloProgress(p *runsheet.Progress, spec runsheet.ProgressSpec, dir, settings string, zero bool) error {
	csv, plot := path.Join(dir, yoloResults), path.Join(dir, yoloPlot)
	s, err := ev.yoloResults(csv, zero)
	if err != nil {
		return err
	}
	p.Completed, p.Metrics = s.completed(), s.Metrics
	rows := ev.yoloChange(csv)
	if len(s.Laps) > 0 {
		s.Laps.tell(p, stampTime(rows))
	} else {
		s.Pace.tell(p)
	}
	if !s.Seen {
		return nil
	}
	if drawn := ev.yoloChange(plot); drawn >= rows && drawn >= ev.yoloChange(path.Join(dir, settings)) {
		p.Finished = true
	}
	end, err := ev.ended(spec, stampTime(rows), func(e *endings) ending { return e.YOLO })
	if err != nil {
		return err
	}
	p.Finished = p.Finished || end.Finished
	if end.Early {
		p.EarlyStopped, p.EarlyStoppedAt = true, p.Completed
	}
	return nil
}

// isYoloHeader says whether these are the columns of a results.csv.
func isYoloHeader(header []string) bool {
	if len(header) < 2 || header[0] != "epoch" {
		return false
	}
	for _, name := range header {
		if strings.HasPrefix(name, "train/") || strings.HasPrefix(name, "metrics/") {
			return true
		}
	}
	return false
}

// yolo: "Starting training for 100 epochs...", "EarlyStopping: Training stopped early as no improvement observed in last
// 100 epochs. ..." (YOLOv5: "Stopping training early as no improvement ...") and, when the last epoch is done, "57 epochs
// completed in 0.123 hours.".
func (e *ending) yolo(text string) {
	switch {
	case strings.HasPrefix(text, "Starting training for "):
		*e = ending{Said: true}
	case strings.HasPrefix(text, "EarlyStopping: Training stopped early as no improvement"),
		strings.HasPrefix(text, "Stopping training early as no improvement"):
		e.Said, e.Early = true, true
	case strings.Contains(text, " epochs completed in ") && strings.HasSuffix(text, " hours."):
		e.Said, e.Finished = true, true
	}
}
