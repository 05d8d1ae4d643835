package runsheet

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
)

// Progress is what the evidence of a run said at one moment.
type Progress struct {
	Completed      int64  `json:"completed"`
	Total          int64  `json:"total,omitzero"` // 0: nothing says it
	Unit           string `json:"unit,omitempty"` // "epoch", "evaluation", ...
	EarlyStopped   bool   `json:"early_stopped,omitzero"`
	EarlyStoppedAt int64  `json:"early_stopped_at,omitzero"` // a count, as Completed; 0 unless EarlyStopped
	// Finished: the training code itself says that it is done, whatever the total.
	Finished bool `json:"finished,omitzero"`
	// Guessed: read off log lines by their looks, which nobody promised to mean that. It is shown, but how the attempt
	// ended says whether the work is complete.
	Guessed      bool          `json:"guessed,omitzero"`
	Metrics      Metrics       `json:"metrics,omitempty"`      // the last ones
	Source       string        `json:"source,omitempty"`       // the tracker's name; empty: no evidence was recognised
	AsOf         time.Time     `json:"as_of,omitzero"`         // the moment at which the evidence said so
	Settled      bool          `json:"settled,omitzero"`       // no witness is so young that a change could hide behind its stamp
	LastActivity time.Time     `json:"last_activity,omitzero"` // newest stamp seen on the evidence
	Lacks        string        `json:"lacks,omitempty"`        // the first thing that the unit under way still lacks, as "epoch_3/scores.json", or the file that the sheet names where there is none
	Recent       []time.Time   `json:"recent,omitempty"`       // when the latest units were completed, oldest first, at most 16
	PerUnit      time.Duration `json:"per_unit,omitzero"`      // how long a unit took lately, ns; 0: Recent has one time for each unit
	Error        string        `json:"error,omitempty"`        // what is wrong with the evidence, in words; then nothing above holds but AsOf, unless Broken
	// Broken names a file whose contents make no sense although it does not move any more, and says what is wrong with it:
	// its writer was killed in the middle, or wrote it wrongly. The unit that the file belongs to is not complete; what else
	// is whole still counts: Completed, Total and Unit hold even where Error is set, which is about the same file then.
	// Empty: none is known.
	Broken string `json:"broken,omitempty"`
	// Cuts are the files of lines that ended in the middle of one when they were read.
	Cuts []Cut `json:"cuts,omitempty"`
}

// Cut is a place where a file of lines ended in the middle of a line when an attempt ended. What the next attempt appended
// begins there; what stands before it, up to the last end of a line, is no line.
type Cut struct {
	Path   string `json:"path"`   // slash-separated, relative to the work dir
	Offset int64  `json:"offset"` // bytes from the beginning of the file
	Before string `json:"before"` // hash of the bytes before it, at most 64: a file that was written anew has others there
}

// Complete says whether the evidence shows that the work is done: all units, stopped early by its own rule, or by the
// word of the training code. What is only guessed shows nothing.
func (p *Progress) Complete() bool {
	return p != nil && p.Error == "" && !p.Guessed && (p.EarlyStopped || p.Finished || p.Total > 0 && p.Completed >= p.Total)
}

// Percentage returns the share of the work that is done, in [0, 100], and whether it is known. A run that stopped
// early is at 100: there is nothing left to do.
func (p *Progress) Percentage() (float64, bool) {
	switch {
	case p == nil || p.Error != "":
		return 0, false
	case p.Complete():
		return 100, true
	case p.Total > 0:
		return min(100*float64(max(p.Completed, 0))/float64(p.Total), 100), true
	}
	return 0, false
}

// Further returns whichever of two readings of the same evidence says more work is done; a reading that failed says
// nothing.
func Further(a, b *Progress) *Progress {
	switch {
	case a == nil || a.Error != "" && b != nil:
		return b
	case b == nil || b.Error != "":
		return a
	case a.Complete() != b.Complete():
		if a.Complete() {
			return a
		}
		return b
	case a.Completed >= b.Completed: // on a tie the first, the fresher one
		return a
	}
	return b
}

// Point is the value of a metric at one step of the training, counted as the tracker counts.
type Point struct {
	Step  int64
	Value float64
}

// MarshalJSON renders a point as [step, value], the value as Metrics renders it.
func (p Point) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{p.Step, number(p.Value)})
}

// Metrics are named values. Non-finite values are normal in training; JSON has no number for them, so they are
// written as the strings "NaN", "Infinity" and "-Infinity".
type Metrics map[string]float64

// MarshalJSON implements json.Marshaler.
func (m Metrics) MarshalJSON() ([]byte, error) {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = number(v)
	}
	return json.Marshal(out)
}

// number is what stands for a value in JSON.
func number(v float64) any {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	}
	return v
}

// UnmarshalJSON implements json.Unmarshaler. It returns an error for a value that is neither a number nor one of the
// three strings.
func (m *Metrics) UnmarshalJSON(data []byte) error {
	var in map[string]any
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	out := make(Metrics, len(in))
	for k, v := range in {
		switch v := v.(type) {
		case float64:
			out[k] = v
		case string:
			switch v {
			case "NaN":
				out[k] = math.NaN()
			case "Infinity":
				out[k] = math.Inf(1)
			case "-Infinity":
				out[k] = math.Inf(-1)
			default:
				return fmt.Errorf("metric %q: %q is not a number", k, v)
			}
		default:
			return fmt.Errorf("metric %q: %v is not a number", k, v)
		}
	}
	*m = out
	return nil
}

// String describes the progress in a few words, as "7 of 20 epochs".
func (p *Progress) String() string {
	if p == nil || p.Source == "" {
		return "no evidence"
	}
	if p.Error != "" {
		return p.Error
	}
	return p.counted()
}

// counted is the count in words, whatever is wrong with the rest.
func (p *Progress) counted() string {
	text := units(p.Completed, p.Unit)
	if p.Total > 0 {
		text = fmt.Sprintf("%d of %s", p.Completed, units(p.Total, p.Unit))
	}
	if p.EarlyStopped {
		text += ", stopped early"
	}
	return text
}

// units renders a count of a unit, as "20 epochs"; the unit may be empty.
func units(n int64, unit string) string {
	if unit != "" && n != 1 && !strings.HasSuffix(unit, "s") {
		unit += "s"
	}
	return strings.TrimRight(fmt.Sprintf("%d %s", n, unit), " ")
}
