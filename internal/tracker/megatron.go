package tracker

import (
	"bytes"
	"errors"
	"path"
	"strings"
	"time"

	"runsheet"
)

// megatron reads what Megatron-LM, what is built on it (NeMo's and others' forks, slime) and verl leave in their --save
// directory, which is the work dir, or a directory checkpoints, ckpt or ckpts in it:
//
//	latest_checkpointed_iteration.txt   how many iterations are done, written anew once a checkpoint is whole
//	iter_<N>/, global_step_<N>/         the checkpoints beside it (verl has the latter)
//	progress.txt                        of --log-progress: a line with a time for each checkpoint
//
// The iterations of the tracker file count. "release" in it are converted weights and no training. An empty or cut one is
// no 0: then the highest checkpoint counts. While the training runs, its lines "iteration 1040/ 5000 | ..." in the log are
// fresher: they tell the total, the metrics, and what was done since the last checkpoint; and that it is done. It counts
// no epochs, and no file says that it stopped early.
//
// Read of NVIDIA/Megatron-LM (megatron/training/checkpointing.py, training.py) and written by hand after it; verl as
// seen in public scripts. Not checked against a run of either. Trap: old checkpoints are deleted by users, and iter_<N>
// of one that is being written is there before the tracker file names it.
type megatron struct{}

const (
	megatronPointer  = "latest_checkpointed_iteration.txt"
	megatronProgress = "progress.txt"
	megatronLogName  = "megatron_log" // of the dialect of its lines
)

var megatronDirs = []string{".", "checkpoints", "checkpoint", "ckpt", "ckpts"}

func (megatron) Name() string { return "megatron" }

func (megatron) Logs() string { return "" }

func (m megatron) Recognises(ev *Evidence, _ runsheet.ProgressSpec) bool {
	_, _, ok, err := m.saved(ev)
	return err == nil && ok
}

// saved returns the --save directory and what it says, and whether there is one.
func (megatron) saved(ev *Evidence) (string, saved, bool, error) {
	for _, dir := range megatronDirs {
		if dir != "." && !ev.has(".", dir) {
			continue
		}
		s, ok, err := ev.savedSteps(path.Join(dir, megatronPointer), "", "iter_", "global_step_")
		if ok || err != nil {
			return dir, s, ok, err
		}
	}
	return "", saved{}, false, nil
}

func (m megatron) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: m.Name(), Unit: unit(spec, "iteration")}
	if spec.Epochs {
		return p, errors.New("there are no epochs in what Megatron writes, only iterations; give `total` instead of `epochs` in the sheet")
	}
	dir, s, ok, err := m.saved(ev)
	if err != nil || !ok {
		return p, err
	}
	p.Completed = s.count
	times, err := m.times(ev, path.Join(dir, megatronProgress))
	if err != nil {
		return p, err
	}
	if st, err := ev.Look(path.Join(dir, megatronProgress)); err == nil && len(times) > 1 {
		times.tell(&p, stampTime(st.MTime))
	} else {
		s.marks.tell(&p)
	}
	pointer, _ := ev.Look(path.Join(dir, megatronPointer)) // it was looked at
	told, at, err := ev.told(spec, megatronLogName)
	if err != nil {
		return p, err
	}
	p.Total, p.Metrics = told.Total, told.Metrics
	if at >= pointer.MTime {
		p.Completed = max(p.Completed, told.Completed)
		p.Finished = told.Finished
	}
	return p, nil
}

// times reads when checkpoints were saved, by lines as
//
//	2026-01-02 03:04:05	Job ID: 123	# GPUs: 8	Saved checkpoint	Iteration: 1000	...
func (megatron) times(ev *Evidence, rel string) (laps, error) {
	if !ev.has(path.Dir(rel), path.Base(rel)) {
		return nil, nil
	}
	type state struct {
		Laps laps `json:"laps,omitempty"`
	}
	s, err := follow(ev, rel, format[state]{
		key:   "megatron/1",
		split: byLine,
		take: func(s *state, line []byte) {
			if !bytes.Contains(line, []byte("\tSaved checkpoint\t")) {
				return
			}
			stamp, rest, _ := strings.Cut(string(line), "\t")
			at, err := time.Parse(time.DateTime, stamp)
			_, digits, _ := strings.Cut(rest, "\tIteration: ")
			digits, _, _ = strings.Cut(digits, "\t")
			if n, ok := parseCount(digits); err == nil && ok {
				s.Laps.see(n, float64(at.Unix()))
			}
		},
	})
	return s.Laps, err
}

// told returns what the newest log that says anything in a dialect says, and when that log changed last (ns since 1970); a
// total and metrics alone where a newer log of the run says nothing yet.
func (ev *Evidence) told(spec runsheet.ProgressSpec, dialect string) (runsheet.Progress, int64, error) {
	ours, strangers := ev.logFiles(spec)
	first := true
	for _, list := range []func() ([]string, error){ours, strangers} {
		rels, err := list()
		if err != nil {
			return runsheet.Progress{}, 0, err
		}
		for _, rel := range rels {
			s, err := ev.readLog(rel)
			if err != nil {
				return runsheet.Progress{}, 0, err
			}
			for _, d := range s.dialects() {
				if d.name() != dialect {
					continue
				}
				p, ok := d.progress(false)
				if !ok {
					continue
				}
				st, err := ev.Look(rel)
				if !first || err != nil {
					return runsheet.Progress{Total: p.Total, Metrics: p.Metrics}, 0, nil
				}
				return p, st.MTime, nil
			}
			first = false
		}
	}
	return runsheet.Progress{}, 0, nil
}
