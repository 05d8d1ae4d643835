package tracker

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"time"

	"runsheet"
)

// dialect is one way in which training code tells its progress in the lines of a log. Its value is the state that the
// lines so far have left; JSON can hold it.
type dialect interface {
	// name is what a sheet calls it.
	name() string
	// line takes a line in, without its end, colours and blanks around it, and hands on the metrics at a step.
	line(text string, point func(step int64, m runsheet.Metrics))
	// progress returns what the lines so far say, and whether they say anything: counted in epochs, if that is asked
	// for, or as the dialect counts.
	progress(epochs bool) (runsheet.Progress, bool)
}

// redrawing is a dialect whose lines are whole before they end: a progress bar stays on its line until it is drawn anew.
type redrawing interface {
	dialect
	// whole says whether a line without an end is all that it will be.
	whole(text string) bool
}

// sparse is a dialect that does not tell every unit: a log may end with a count below the one that was reached.
type sparse interface {
	dialect
	// slack is how many more units may be complete than the lines say.
	slack() int64
}

// uncertain is a dialect that sometimes says something that counts only where no other says more: the bar of a download,
// a count of nobody knows how many.
type uncertain interface {
	dialect
	weak() bool
}

// logState is what the lines of one log have said so far.
type logState struct {
	Said saying  `json:"said,omitzero"`
	Ends endings `json:"ends,omitzero"`

	Pylon        pylonLog        `json:"pylon,omitzero"`
	Transformers transformersLog `json:"transformers,omitzero"`
	Keras        kerasLog        `json:"keras,omitzero"`
	LightGBM     lightgbmLog     `json:"lightgbm,omitzero"`
	XGBoost      xgboostLog      `json:"xgboost,omitzero"`
	CatBoost     catboostLog     `json:"catboost,omitzero"`
	Sklearn      sklearnLog      `json:"sklearn,omitzero"`
	Megatron     megatronLog     `json:"megatron,omitzero"`
	Fairseq      fairseqLog      `json:"fairseq,omitzero"`
	MMEngine     mmengineLog     `json:"mmengine,omitzero"`
	SB3          sb3Log          `json:"sb3,omitzero"`
	Epochs       epochsLog       `json:"epochs,omitzero"`
	Steps        stepsLog        `json:"steps,omitzero"`
	TQDM         tqdmLog         `json:"tqdm,omitzero"`

	Paces map[string]pace `json:"paces,omitempty"` // by dialect
}

// dialects lists the ways to say it, the most telling first: a framework's own lines, then those of anybody's code.
func (s *logState) dialects() []dialect {
	return []dialect{
		&s.Pylon, &s.Transformers, &s.Keras, &s.LightGBM, &s.XGBoost, &s.CatBoost, &s.Sklearn,
		&s.Megatron, &s.Fairseq, &s.MMEngine, &s.SB3,
		&s.Epochs, &s.Steps, &s.TQDM,
	}
}

// readLog reads one log; each is read once in a reading.
func (ev *Evidence) readLog(rel string) (*logState, error) {
	if s, ok := ev.logs[rel]; ok {
		return s, nil
	}
	var of *logState
	var dialects []dialect // of it
	point := ev.Point
	s, err := follow(ev, rel, format[logState]{
		key:   "log/3",
		split: byRedraw,
		take: func(s *logState, piece []byte) {
			if text := clean(piece); text != "" {
				if of != s {
					of, dialects = s, s.dialects()
				}
				s.Said.line(text, point)
				s.Ends.line(text)
				for _, d := range dialects {
					d.line(text, point)
				}
			}
		},
		peek: func(s *logState, rest []byte) {
			if text := clean(rest); text != "" {
				for _, d := range s.dialects() {
					if r, ok := d.(redrawing); ok && r.whole(text) {
						d.line(text, point)
					}
				}
			}
		},
		done: func(s *logState, at time.Time) {
			if r := s.Said.Report; r != nil {
				s.Said.Pace.see(at, r.Completed)
			}
			for _, d := range s.dialects() {
				if p, ok := d.progress(false); ok {
					if s.Paces == nil {
						s.Paces = map[string]pace{}
					}
					pace := s.Paces[d.name()]
					pace.see(at, p.Completed)
					s.Paces[d.name()] = pace
				}
			}
		},
	})
	if err != nil {
		return nil, err
	}
	ev.logs[rel] = &s
	return &s, nil
}

// logTracker reads progress off the lines of a log: of the output of our attempts (run.log), of what the sheet names
// under `log`, or of what looks like a log in a stranger's directory. What it finds is guessed, unless the sheet says
// how much there is to do or the lines themselves say that it is done: nobody promised what a line means.
type logTracker struct {
	only string // the one dialect that is understood; empty: all
}

func (t logTracker) Name() string {
	if t.only != "" {
		return t.only
	}
	return "log"
}

func (logTracker) Logs() string { return "" }

func (t logTracker) Recognises(ev *Evidence, spec runsheet.ProgressSpec) bool {
	p, err := t.Read(ev, spec)
	return err == nil && p.Source != ""
}

// Read returns what the log that counts most says; a later one only where it says nothing. Source is empty where none does.
func (t logTracker) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	ours, strangers := ev.logFiles(spec)
	var weak runsheet.Progress // the first that was said without weight
	steps := ""                // the log that counts something else than epochs
	for _, list := range []func() ([]string, error){ours, strangers} {
		rels, err := list()
		if err != nil {
			return runsheet.Progress{Source: t.Name()}, err
		}
		for _, rel := range rels {
			s, err := ev.readLog(rel)
			if err != nil {
				return runsheet.Progress{Source: t.Name()}, err
			}
			p, sure := t.choose(s, spec)
			if sure {
				return p, nil
			}
			if weak.Source == "" {
				weak = p
			}
			if t.only != "" && steps == "" && spec.Epochs {
				bare := spec
				bare.Epochs = false
				if q, _ := t.choose(s, bare); q.Source != "" {
					steps = rel
				}
			}
		}
	}
	if weak.Source != "" {
		return weak, nil
	}
	if steps != "" {
		return runsheet.Progress{Source: t.Name()},
			fmt.Errorf("%s: what %s reads there are no epochs; give `total` instead of `epochs` in the sheet", steps, t.only)
	}
	return runsheet.Progress{Unit: spec.Unit}, nil
}

// choose returns what the first dialect says that says anything for sure, and whether one does: one that counts up to
// the total of the sheet before all others, else what is said without weight. Source is empty where nothing is.
func (t logTracker) choose(s *logState, spec runsheet.ProgressSpec) (first runsheet.Progress, sure bool) {
	for _, d := range s.dialects() {
		if t.only != "" && t.only != d.name() {
			continue
		}
		p, ok := d.progress(spec.Epochs)
		if !ok || p.Total > 0 && p.Completed > p.Total {
			continue // or lines that only looked like its
		}
		u, ok := d.(uncertain)
		weak := ok && u.weak()
		p.Source, p.Unit = d.name(), unit(spec, p.Unit)
		if !p.Finished && !p.EarlyStopped {
			p.Guessed = p.Guessed || spec.Total == 0 || !spec.Epochs && p.Total > 0 && p.Total != spec.Total
			if d, ok := d.(sparse); ok && p.Completed < spec.Total && p.Completed+d.slack() >= spec.Total {
				p.Guessed = true // how it ended says whether the rest was done
			}
		}
		if !spec.Epochs {
			s.Paces[d.name()].tell(&p)
		}
		if !weak && spec.Total > 0 && p.Total == spec.Total {
			return p, true
		}
		if first.Source == "" || !sure && !weak {
			first, sure = p, !weak
		}
	}
	return first, sure
}

// escapes are the control sequences of terminals: CSI (ECMA-48, 5.4) and OSC up to its end.
var escapes = regexp.MustCompile("\x1b\\[[0-?]*[ -/]*[@-~]|\x1b\\][^\x07\x1b]*(?:\x07|\x1b\\\\)|\x1b[@-Z\\\\-_]")

// clean returns the text of a piece of a log: without colours, what was taken back by backspaces, and blanks around it.
func clean(piece []byte) string {
	if bytes.IndexByte(piece, 0x1b) >= 0 {
		piece = escapes.ReplaceAll(piece, nil)
	}
	if bytes.IndexByte(piece, '\b') >= 0 {
		// Keras takes a whole line back before it draws the next one: what stands after the last backspace holds.
		trimmed := bytes.TrimRight(piece, "\b")
		if i := bytes.LastIndexByte(trimmed, '\b'); i >= 0 {
			trimmed = trimmed[i+1:]
		}
		piece = trimmed
	}
	return strings.TrimSpace(strings.ToValidUTF8(string(piece), "\uFFFD")) // as the state will be once it was kept as JSON
}
