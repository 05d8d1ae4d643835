package tracker

import (
	"errors"
	"fmt"
	"io"
	"math"
)

// Schema is what the documents that Runsheet publishes as progress.json carry in their field "schema". A document
// without it was written by the training code: it is evidence, and never replaced.
const Schema = "runsheet.progress/1"

const documentName = "progress.json"

// No run has more epochs than this; a larger total means "no limit" to those who wrote it.
const maxEpochs = 1e9

// document is what a progress.json says. Two writers are known: the trainer leaves total_epochs out, and writes the
// real percentage even when it stopped early; the monitor adds the total and writes 100 then. (danielmao2019/Pylon,
// runners/trainers/base_trainer.py and agents/manager/training_job.py)
type document struct {
	ours       bool
	epochs     bool  // it has completed_epochs: of a trainer
	lines      bool  // a second object follows the first
	completed  int64 // epochs
	total      int64 // 0: not said
	percentage float64
	early      bool
	earlyAt    int64 // a count; 0: not said
}

// foreign says whether the training code has left a document about epochs.
func (d *document) foreign() bool { return d != nil && d.epochs && !d.ours }

// Ours says whether data is a document that Runsheet published.
func Ours(r io.Reader) bool {
	d, err := parseDocument(r)
	return err == nil && d.ours
}

// document reads progress.json, once per reading; it returns nil where there is none, or where it has nothing to do
// with epochs. A broken one is read again while it moves.
func (ev *Evidence) document() (*document, error) {
	if ev.doc != nil || ev.docErr != nil {
		return ev.doc, ev.docErr
	}
	var doc *document
	moving, err := ev.steadily(documentName, func() error {
		doc = nil
		st, err := ev.Look(documentName)
		if err != nil || st.Kind == Absent {
			return err
		}
		err = ev.read(documentName, maxDocument, func(r io.Reader) (err error) {
			if doc, err = parseDocument(r); err != nil {
				return ev.broken(documentName, err)
			}
			return nil
		})
		if absent(err) {
			return nil // removed in between, as the witness will show
		}
		return err
	})
	if err != nil && moving {
		ev.moving = true
		err = fmt.Errorf("%w; it is still being written", err)
	}
	if err != nil {
		doc = nil
	} else if doc == nil {
		doc = &document{}
	}
	ev.doc, ev.docErr = doc, err
	return doc, err
}

// parseDocument reads a progress.json. Fields that cannot be are an error; other fields are passed over.
func parseDocument(r io.Reader) (*document, error) {
	s := newScanner(r)
	d := &document{}
	var complaint error
	err := s.document(func(depth int) error {
		if s.kind() != '{' {
			return s.skip(depth)
		}
		defer func() {
			s.space()
			d.lines = s.kind() == '{'
		}()
		return s.object(depth, func(key string) error {
			switch key {
			case "schema":
				if s.kind() != '"' {
					return s.skip(1)
				}
				text, err := s.text()
				d.ours = text == Schema
				return err
			case "completed_epochs", "total_epochs", "early_stopped_at_epoch", "progress_percentage", "early_stopped":
				from := s.fault("")
				if k := s.kind(); k == '{' || k == '[' || k == '"' {
					d.epochs = d.epochs || key == "completed_epochs"
					complaint = sane(complaint, key, "no number", from)
					return s.skip(1)
				}
				v, err := s.scalar()
				if err == nil {
					if why := d.set(key, v); why != "" {
						complaint = sane(complaint, key, why, from)
					}
				}
				return err
			}
			return s.skip(1)
		})
	})
	if syn := (*syntaxError)(nil); errors.As(err, &syn) && !syn.cut && !d.epochs && !d.ours && d.lines {
		return d, nil // a log of JSON lines, as of stable-baselines3
	}
	if err != nil {
		return nil, err
	}
	if !d.epochs || d.ours {
		return d, nil
	}
	if complaint == nil {
		complaint = d.contradiction()
	}
	return d, complaint
}

// sane keeps the first complaint about a value, which begins where the fault stands.
func sane(first error, key, why string, at error) error {
	syn, ok := at.(*syntaxError)
	if first != nil || !ok {
		return first
	}
	syn.what, syn.cut = key+" is "+why, false
	return syn
}

// set takes over a field; it returns what is wrong with the value, or "".
func (d *document) set(key string, v any) string {
	if key == "early_stopped" {
		b, ok := v.(bool)
		if !ok && v != nil {
			return "neither true nor false"
		}
		d.early = b
		return ""
	}
	d.epochs = d.epochs || key == "completed_epochs"
	if v == nil {
		if key == "completed_epochs" {
			return "null"
		}
		return ""
	}
	f, ok := v.(float64)
	switch {
	case !ok:
		return "no number"
	case math.IsNaN(f):
		return "NaN"
	case f < 0:
		return "negative"
	}
	if key == "progress_percentage" {
		if f > 100+1e-6 {
			return "above 100"
		}
		d.percentage = min(f, 100)
		return ""
	}
	if f != math.Trunc(f) {
		return "not whole"
	}
	if f > maxEpochs {
		if key == "total_epochs" {
			return "" // no limit: not known
		}
		return "too large"
	}
	switch n := int64(f); key {
	case "completed_epochs":
		d.completed = n
	case "total_epochs":
		d.total = n
	case "early_stopped_at_epoch":
		d.earlyAt = n
	}
	return ""
}

// contradiction says which fields cannot both be true.
func (d *document) contradiction() error {
	switch {
	case d.total > 0 && d.completed > d.total:
		return &syntaxError{what: fmt.Sprintf("completed_epochs is %d, more than total_epochs, which is %d", d.completed, d.total)}
	case d.early && d.earlyAt > 0 && d.total > 0 && d.earlyAt > d.total:
		return &syntaxError{what: fmt.Sprintf("early_stopped_at_epoch is %d, more than total_epochs, which is %d", d.earlyAt, d.total)}
	}
	return nil
}

// totalEpochs returns the total that the document gives or allows to compute; 0: it does not. The trainer writes no
// total, but completed/total*100.
func (d *document) totalEpochs() int64 {
	switch {
	case !d.foreign():
		return 0
	case d.total > 0:
		return d.total
	case d.percentage > 0 && d.completed > 0 && !(d.early && d.percentage == 100):
		if t := math.Round(float64(d.completed) * 100 / d.percentage); t <= maxEpochs {
			return int64(t)
		}
	}
	return 0
}
