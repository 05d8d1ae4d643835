package tracker

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"runsheet"
)

// sb3 reads what stable-baselines3 leaves in a directory that the user chose: the work dir, or logs, log, results or
// models in it and the directories in these:
//
//	progress.csv, progress.json   a line for each dump of its logger, with time/total_timesteps, of those outputs that
//	                              configure() was told
//	rl_model_400_steps.zip        of the CheckpointCallback
//	train.monitor.csv             of the Monitor: a line for each episode, with its length
//
// Completed are the timesteps in the last line; where there is no such file the steps of the newest checkpoint or the
// lengths of all episodes, whichever is more. How many there will be, and that all is done, is said nowhere, and the last
// steps are often not logged: a `total` in the sheet must be one that is reached by a line. A callback that stops the
// training early says so in its output only ("Stopping training because there was no new best model ..."), which is
// looked for in the logs.
//
// Checked against stable_baselines3 2.9.2 (common/logger.py, callbacks.py, monitor.py). Traps: progress.csv is written anew in
// place when a new column comes, its columns in any order; evaluations have lines of their own; a training that goes on
// begins the files anew and counts on, or from 0, as reset_num_timesteps says.
//
// A sheet that names this tracker may name one of the files in `files`, where it lies in another directory.
type sb3 struct{}

const (
	sb3Table   = "progress.csv"
	sb3Lines   = "progress.json"
	sb3Steps   = "time/total_timesteps"
	maxSB3Dirs = 32
	sb3Rough   = 60 // seconds, below which whole seconds tell no pace
)

var sb3Places = []string{"log", "logs", "results", "models"}

func (sb3) Name() string { return "sb3" }

func (sb3) Logs() string { return "" }

func (s sb3) Recognises(ev *Evidence, spec runsheet.ProgressSpec) bool {
	spec.Tracker = ""
	dir, err := s.find(ev, spec)
	return err == nil && dir != ""
}

// find returns the directory that changed last of those that hold such files; "" where there is none.
func (s sb3) find(ev *Evidence, spec runsheet.ProgressSpec) (string, error) {
	if len(spec.Files) > 0 {
		return path.Dir(spec.Files[0]), nil
	}
	top, err := ev.List(".")
	if err != nil {
		return "", err
	}
	dirs := []string{"."}
	for _, e := range top {
		if !e.Dir || spec.Tracker != s.Name() && !slices.Contains(sb3Places, e.Name) {
			continue
		}
		dirs = append(dirs, e.Name)
		entries, err := ev.List(e.Name)
		if err != nil {
			return "", err
		}
		var below []string
		for _, b := range entries {
			if b.Dir {
				below = append(below, path.Join(e.Name, b.Name))
			}
		}
		dirs = append(dirs, ev.latest(below, maxSB3Dirs)...)
	}
	found, newest := "", int64(-1)
	for _, dir := range dirs {
		files, err := s.files(ev, dir)
		if err != nil {
			return "", err
		}
		if at := files.changed(ev); files.any() && at > newest {
			found, newest = dir, at
		}
	}
	return found, nil
}

// sb3Files are the files in a directory.
type sb3Files struct {
	table, lines          string
	checkpoints, monitors []string
}

func (f sb3Files) any() bool {
	return f.table != "" || f.lines != "" || len(f.checkpoints) > 0 || len(f.monitors) > 0
}

// changed returns when one of the files changed last, in nanoseconds since 1970.
func (f sb3Files) changed(ev *Evidence) int64 {
	var at int64
	for _, rel := range slices.Concat([]string{f.table, f.lines}, f.checkpoints, f.monitors) {
		if rel == "" {
			continue
		}
		ev.Witness(rel)
		if st, err := ev.Look(rel); err == nil && st.Kind == Regular {
			at = max(at, st.MTime)
		}
	}
	return at
}

// files returns the files in a directory that are of stable-baselines3: tables are looked into.
func (s sb3) files(ev *Evidence, dir string) (sb3Files, error) {
	var out sb3Files
	entries, err := ev.List(dir)
	if err != nil {
		return out, err
	}
	for _, e := range entries {
		rel := path.Join(dir, e.Name)
		switch _, isCheckpoint := sb3Checkpoint(e.Name); {
		case e.Dir:
		case isCheckpoint:
			out.checkpoints = append(out.checkpoints, rel)
		case e.Name == sb3Table:
			if slices.Contains(ev.csvHeader(rel), sb3Steps) {
				out.table = rel
			}
		case e.Name == sb3Lines:
			out.lines = rel
		case strings.HasSuffix(e.Name, "monitor.csv") && !strings.HasPrefix(e.Name, "eval") && len(out.monitors) < maxSB3Dirs:
			if hasAll(ev.csvHeader(rel), "r", "l", "t") {
				out.monitors = append(out.monitors, rel)
			}
		}
	}
	if out.table == "" && len(out.checkpoints) == 0 && len(out.monitors) == 0 {
		out.lines = "" // the name says too little
	}
	out.checkpoints = ev.byChange(out.checkpoints[max(0, len(out.checkpoints)-maxLogFiles):])
	return out, nil
}

// sb3Checkpoint returns the steps in the name of a checkpoint, as rl_model_400_steps.zip.
func sb3Checkpoint(name string) (int64, bool) {
	text, ok := strings.CutSuffix(name, "_steps.zip")
	i := strings.LastIndexByte(text, '_')
	if !ok || i < 0 {
		return 0, false
	}
	return parseCount(text[i+1:])
}

// sb3State is what the lines of progress.csv or progress.json say.
type sb3State struct {
	Table   csvTable         `json:"table,omitzero"`
	Steps   int64            `json:"steps,omitzero"`
	Metrics runsheet.Metrics `json:"metrics,omitempty"`
	Laps    laps             `json:"laps,omitempty"`
	Pace    pace             `json:"pace,omitempty"`
}

// take takes the numbers of a line in.
func (s *sb3State) take(cells map[string]float64, point func(int64, runsheet.Metrics)) {
	steps, ok := asCount(cells[sb3Steps])
	if _, there := cells[sb3Steps]; !there || !ok {
		return
	}
	if s.Metrics == nil {
		s.Metrics = runsheet.Metrics{}
	}
	m := runsheet.Metrics{}
	for name, v := range cells {
		if strings.HasPrefix(name, "time/") {
			continue
		}
		m[name] = v
		if _, known := s.Metrics[name]; known || len(s.Metrics) < maxMetrics {
			s.Metrics[name] = v
		}
	}
	s.Steps = steps
	if seconds, ok := cells["time/time_elapsed"]; ok {
		s.Laps.see(steps, seconds)
	}
	point(steps, m)
}

func (s *sb3State) done(at time.Time) { s.Pace.see(at, s.Steps) }

func (s sb3) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: s.Name(), Unit: unit(spec, "step")}
	dir, err := s.find(ev, spec)
	if err != nil || dir == "" {
		return p, err
	}
	if spec.Epochs {
		return p, fmt.Errorf("stable-baselines3 counts steps only; give `total` instead of `epochs` in the sheet")
	}
	files, err := s.files(ev, dir)
	if err != nil {
		return p, err
	}
	var said sb3State
	if files.table != "" {
		said, err = follow(ev, files.table, format[sb3State]{
			key:   "sb3-csv/1",
			split: byLine,
			whole: func(s *sb3State, rest []byte) bool { return s.Table.whole(rest) },
			take: func(s *sb3State, line []byte) {
				if cells, ok := s.Table.row(line); ok {
					s.take(cells, ev.Point)
				}
			},
			done: (*sb3State).done,
		})
	} else if files.lines != "" {
		said, err = follow(ev, files.lines, format[sb3State]{
			key:   "sb3-json/1",
			split: byLine,
			take: func(s *sb3State, line []byte) {
				if row, err := parseRow(line); err == nil {
					s.take(row.num, ev.Point)
				}
			},
			done: (*sb3State).done,
		})
	}
	if err != nil {
		return p, err
	}
	p.Completed, p.Metrics = said.Steps, said.Metrics
	if n := len(said.Laps); n > 0 && said.Laps[n-1].Seconds-said.Laps[0].Seconds >= sb3Rough {
		said.Laps.tell(&p, stampTime(files.changed(ev)))
	} else {
		said.Pace.tell(&p)
	}
	if said.Steps == 0 {
		if err := s.others(ev, files, &p); err != nil {
			return p, err
		}
	}
	end, err := ev.ended(spec, stampTime(files.changed(ev)), func(e *endings) ending { return e.SB3 })
	if err == nil && end.Early {
		p.EarlyStopped, p.EarlyStoppedAt = true, p.Completed
	}
	return p, err
}

// others counts by checkpoints and episodes.
func (s sb3) others(ev *Evidence, files sb3Files, p *runsheet.Progress) error {
	var made pace
	for _, rel := range slices.Backward(files.checkpoints) { // the newest one last
		steps, _ := sb3Checkpoint(path.Base(rel))
		st, err := ev.Look(rel)
		if err != nil {
			return err
		}
		made.see(stampTime(st.MTime), steps)
		p.Completed = steps
	}
	made.tell(p)
	var episodes int64
	for _, rel := range files.monitors {
		m, err := follow(ev, rel, format[sb3Monitor]{
			key:   "sb3-monitor/1",
			split: byLine,
			whole: func(m *sb3Monitor, rest []byte) bool { return m.Table.whole(rest) },
			take:  func(m *sb3Monitor, line []byte) { m.line(line) },
		})
		if err != nil {
			return err
		}
		if episodes += m.Steps; m.Reward != nil {
			p.Metrics = m.Reward
		}
	}
	p.Completed = max(p.Completed, min(episodes, maxCount))
	return nil
}

// sb3Monitor is what the lines of a monitor.csv say.
type sb3Monitor struct {
	Table  csvTable         `json:"table,omitzero"`
	Steps  int64            `json:"steps,omitzero"`   // of all episodes
	Reward runsheet.Metrics `json:"reward,omitempty"` // of the last one
}

func (m *sb3Monitor) line(line []byte) {
	cells, ok := m.Table.row(line)
	if n, is := asCount(cells["l"]); ok && is {
		m.Steps = min(m.Steps+n, maxCount)
		m.Reward = runsheet.Metrics{"episode reward": cells["r"]}
	}
}

// sb3: the table that is printed with every dump, and what the callbacks say that stop a training: "Stopping training
// because there was no new best model in the last 3 evaluations", "... because the mean reward 200.00 is above the
// threshold 195", "Stopping training with a total of 1000 steps because ...". (stable_baselines3 2.9.2, common/callbacks.py)
func (e *ending) sb3(text string) {
	switch {
	case strings.HasPrefix(text, "Stopping training because there was no new best model in the last"),
		strings.HasPrefix(text, "Stopping training because the mean reward"),
		strings.HasPrefix(text, "Stopping training with a total of"):
		e.Said, e.Early = true, true
	case strings.HasPrefix(text, "|    total_timesteps "):
		*e = ending{Said: true}
	}
}
