package tracker

import (
	"cmp"
	"errors"
	"maps"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"runsheet"
	"runsheet/internal/tracker/tfevents"
)

const (
	maxEventFiles = 32  // of one directory, the last by name: each resume makes one
	maxEventTags  = 256 // of one file
	maxEventPaces = 4   // of how many tags of one file the pace is kept
)

// scalars is what the event files of one directory say, or one of them. JSON can hold it.
type scalars struct {
	// Steps holds for each tag the first and the last step at which it was written: the last in the order of writing,
	// not the highest, since a resume goes back.
	Steps  map[string][2]int64 `json:"steps,omitempty"`
	Values runsheet.Metrics    `json:"values,omitempty"` // the last ones, by tag
	Epochs epochSeries         `json:"epochs,omitzero"`  // of the tag that tells the epoch
	Paces  map[string]pace     `json:"paces,omitempty"`  // by tag, counted in its steps; of the tags that tell most
	Void   *int64              `json:"void,omitempty"`   // the session that wrote it says: what was written before, from this step on, is void
}

// events returns what the event files in a directory below the work dir say, merged in the order of their names, which
// is that of their beginnings; nil where there are none. point is called with every scalar while files are read, its step
// counted from 1 where the tag begins at 0; nil: nobody wants them.
//
// A file that is broken is an error, unless a later one says something: then what comes after the fault was written by
// an attempt that is over. What could be read of it is returned all the same.
func (ev *Evidence) events(dir string, point func(step int64, m runsheet.Metrics)) (*scalars, error) {
	files, err := ev.eventFiles(dir)
	if err != nil || len(files) == 0 {
		return nil, err
	}
	var out scalars
	var fault error
	for _, rel := range files {
		s, err := follow(ev, rel, format[scalars]{
			key:   "tfevents/1",
			split: byRecord(tfevents.Split),
			take: func(s *scalars, record []byte) {
				if e, err := tfevents.Decode(record); err == nil {
					s.take(e, func(step int64, tag string, v float64) {
						if point == nil {
							return
						}
						first, ok := out.Steps[tag]
						if !ok {
							first = s.Steps[tag]
						}
						point(step+base(first[0]), runsheet.Metrics{tag: shortest(v)})
					})
				}
			},
		})
		var broken *brokenError
		if err != nil && !errors.As(err, &broken) {
			return nil, err
		}
		if len(s.Values) > 0 {
			fault = nil
		}
		if err != nil {
			fault = err
		}
		out.merge(&s)
	}
	return &out, fault
}

// eventFiles returns the event files in a directory, in the order of their names.
func (ev *Evidence) eventFiles(dir string) ([]string, error) {
	entries, err := ev.List(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if !e.Dir && isEventFile(e.Name) {
			files = append(files, path.Join(dir, e.Name))
		}
	}
	return files[max(0, len(files)-maxEventFiles):], nil
}

// base is what is to be added to a step for it to be a count: whoever begins at 0 counts from 0.
func base(first int64) int64 {
	if first == 0 {
		return 1
	}
	return 0
}

// take takes an event in.
func (s *scalars) take(e tfevents.Event, point func(step int64, tag string, v float64)) {
	if e.Start {
		s.purge(e.Step)
		if s.Void == nil || e.Step < *s.Void {
			s.Void = &e.Step
		}
	}
	for _, v := range e.Scalars {
		tag := strings.ToValidUTF8(v.Tag, "?")
		if _, known := s.Values[tag]; !known && len(s.Values) >= maxEventTags {
			continue
		}
		if s.Values == nil {
			s.Steps, s.Values = map[string][2]int64{}, runsheet.Metrics{}
		}
		s.Values[tag] = v.Value
		if e.Step < 0 || e.Step > maxCount {
			continue
		}
		steps, known := s.Steps[tag]
		if !known {
			steps[0] = e.Step
		}
		steps[1] = e.Step
		s.Steps[tag] = steps
		at, ok := wallTime(e.Wall)
		if ok {
			s.pace(tag, at, e.Step)
		}
		if epochTag(tag) {
			s.Epochs.see(tag, e.Step, v.Value, at)
		}
		point(e.Step, tag, v.Value)
	}
}

// purge takes back what was written from a step on.
func (s *scalars) purge(from int64) {
	for tag, steps := range s.Steps {
		if steps[0] >= from {
			delete(s.Steps, tag)
		} else if steps[1] >= from {
			s.Steps[tag] = [2]int64{steps[0], from - 1}
		}
	}
}

// pace notes when a step was reached, for the few tags that tell most.
func (s *scalars) pace(tag string, at time.Time, step int64) {
	p, ok := s.Paces[tag]
	if !ok && len(s.Paces) >= maxEventPaces {
		least := slices.MaxFunc(slices.Collect(maps.Keys(s.Paces)), func(a, b string) int {
			return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
		})
		if rank(least) <= rank(tag) {
			return
		}
		delete(s.Paces, least)
	}
	if s.Paces == nil {
		s.Paces = map[string]pace{}
	}
	p.see(at, step)
	s.Paces[tag] = p
}

// merge takes in what a later file says.
func (s *scalars) merge(later *scalars) {
	if later.Void != nil {
		s.purge(*later.Void)
	}
	if s.Values == nil {
		s.Steps, s.Values, s.Paces = map[string][2]int64{}, runsheet.Metrics{}, map[string]pace{}
	}
	for tag, v := range later.Values {
		if _, known := s.Values[tag]; known || len(s.Values) < maxMetrics {
			s.Values[tag] = v
		}
	}
	for tag, steps := range later.Steps {
		if known, ok := s.Steps[tag]; ok {
			steps[0] = known[0]
		}
		s.Steps[tag] = steps
	}
	for tag, p := range later.Paces {
		all := slices.Clone(s.Paces[tag])
		for _, m := range p {
			all.see(m.At, m.Count)
		}
		s.Paces[tag] = all
	}
	s.Epochs.merge(&later.Epochs)
}

// wallTime returns the time of an event, and whether it can be one.
func wallTime(wall float64) (time.Time, bool) {
	if !(wall > 0 && wall < 1e11) {
		return time.Time{}, false
	}
	return time.UnixMicro(int64(math.Round(wall * 1e6))).UTC(), true
}

// shortest returns the number that a person would have written for a value that was stored in 32 bits: 0.2, not
// 0.20000000298023224.
func shortest(v float64) float64 {
	if float64(float32(v)) != v {
		return v
	}
	s, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', -1, 32), 64)
	if err != nil {
		return v
	}
	return s
}

// metrics returns the last values, the names with a prefix.
func (s *scalars) metrics(prefix string) runsheet.Metrics {
	out := runsheet.Metrics{}
	for tag, v := range s.Values {
		out[prefix+tag] = shortest(v)
	}
	return out
}

// leading returns the tag whose steps tell the progress best, and whether there is one: see rank. Of several that are
// alike, the one that got furthest.
func (s *scalars) leading() (string, bool) {
	best := ""
	for tag, steps := range s.Steps {
		if rank(tag) == rankNone {
			continue
		}
		if best == "" || cmp.Or(cmp.Compare(rank(tag), rank(best)), cmp.Compare(s.Steps[best][1], steps[1]), cmp.Compare(tag, best)) < 0 {
			best = tag
		}
	}
	return best, best != ""
}

// rankNone is the rank of what is written once, without a step that means anything.
const rankNone = 10

// rank says how well a tag's steps tell the progress: the lower the better. The training loss is written all the time,
// what is evaluated now and then.
func rank(tag string) int {
	words := strings.FieldsFunc(strings.ToLower(tag), func(r rune) bool { return strings.ContainsRune("/_-. :", r) })
	var train, loss, eval bool
	for _, w := range words {
		switch w {
		case "train", "training":
			train = true
		case "loss", "losses":
			loss = true
		case "val", "valid", "validation", "eval", "evaluation", "test", "dev":
			eval = true
		case "hp", "hparam", "hparams":
			return rankNone
		}
	}
	switch {
	case strings.HasPrefix(tag, "batch_"): // of Keras, which counts epochs as soon as one is over
		return rankNone
	case len(words) == 2 && train && loss:
		return 0
	case len(words) == 1 && loss:
		return 1
	case strings.EqualFold(tag, "epoch_loss"):
		return 2
	case eval:
		return 8
	case train && loss:
		return 3
	case train:
		return 4
	case loss:
		return 5
	}
	return 6
}
