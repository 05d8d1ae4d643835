package tracker

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"runsheet"
	"runsheet/internal/durable"
)

// Tracker reads progress out of one kind of evidence. Implementations have no state.
type Tracker interface {
	// Name is what a sheet calls it.
	Name() string
	// Recognises says whether the work dir holds this kind of evidence. Where it does not, what was looked at is named
	// as witnesses, so that evidence which appears later is noticed.
	Recognises(ev *Evidence, spec runsheet.ProgressSpec) bool
	// Read returns what the evidence says, and names its witnesses. It sets neither AsOf, Settled nor LastActivity.
	// Its errors are in words for the user: what is broken or cannot be read, and what to do.
	Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error)
	// Logs returns a glob below the work dir of the logs that such training code writes, one path segment.
	Logs() string
}

// ByName returns the tracker of that name, and whether there is one; "" is "auto".
func ByName(name string) (Tracker, bool) {
	if name == "" || name == (auto{}).Name() {
		return auto{}, true
	}
	for _, t := range all() {
		if t.Name() == name {
			return t, true
		}
	}
	return nil, false
}

// Names lists what ByName knows: "auto", then those that auto chooses among in the order in which it asks them, those
// that read one kind of line in a log, and those that a sheet has to set up.
func Names() []string {
	names := []string{(auto{}).Name()}
	for _, t := range all() {
		names = append(names, t.Name())
	}
	return names
}

// Result is one reading of the evidence.
type Result struct {
	Progress  runsheet.Progress // Settled is not set
	Witnesses []Witness         // as of before anything was read
	Passing   bool              // something was still being written, or could not be read: the answer must not be kept
	Another   bool              // a file was read that was not any more what its witness says
	Foreign   bool              // the training code's progress.json took part
	Broken    *Witness          // the training code's progress.json, broken for good
	Cursors   []Cursor          // where the next reading goes on
}

// Look reads the evidence in the work dir dir, an absolute path. Faults are told in Result.Progress.Error. Where ctx is done
// before the end, nothing but the cursors is of any use: the next reading goes on from them.
func Look(ctx context.Context, disk durable.Disk, dir string, spec runsheet.ProgressSpec, opts Options) Result {
	ev := NewEvidence(ctx, disk, dir, opts)
	asOf := ev.now()
	p, err := read(ev, spec)
	switch {
	case err != nil:
		p = faulty(dir, p, err, ev.moving)
	case ev.passed != nil && !ev.moving:
		p.Broken = ev.passed.Error()
	}
	p.Cuts = ev.Cuts()
	if ctx.Err() != nil {
		ev.keepPrior()
	}
	p.AsOf, p.LastActivity = asOf, ev.newest()
	r := Result{Progress: p, Witnesses: ev.Witnesses(), Passing: ev.moving || ctx.Err() != nil,
		Another: ev.another, Foreign: ev.doc.foreign(), Cursors: ev.cursors}
	// A server that does not answer, a directory above that lacks a permission: no witness would tell when it is over.
	var cannot *unreadableError
	r.Passing = r.Passing || errors.As(err, &cannot)
	broken := ev.passed
	errors.As(err, &broken)
	if broken != nil && broken.rel == documentName && (err == nil || isBroken(err)) {
		for _, w := range r.Witnesses {
			if w.Path == documentName {
				r.Broken = &w
			}
		}
	}
	return r
}

func read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	t, ok := ByName(spec.Tracker)
	if !ok {
		return runsheet.Progress{Source: spec.Tracker},
			fmt.Errorf("no tracker is called %q; there are %s", spec.Tracker, strings.Join(Names(), ", "))
	}
	for _, f := range spec.Files {
		if !filepath.IsLocal(filepath.FromSlash(f)) {
			return runsheet.Progress{Source: t.Name()}, fmt.Errorf("progress.files: %q does not lie below the work dir", f)
		}
	}
	ev.WitnessIdentity(".")
	if _, err := ev.Look("."); err != nil {
		return runsheet.Progress{Source: t.Name()}, err
	}
	ev.complete = spec.Exited
	for _, c := range spec.Cuts {
		ev.cuts[c.Path] = append(ev.cuts[c.Path], c)
	}
	p, err := t.Read(ev, spec)
	if err == nil {
		err = contradiction(p, spec)
	}
	if spec.Total > 0 && p.Source != (evaluation{}).Name() { // of which there is one
		if p.Total > 0 && p.Total < spec.Total {
			p.Finished = false // with what it was told to do then
		}
		p.Total = spec.Total // the sheet knows best
	}
	if p.EarlyStopped && p.Total > 0 && p.Completed >= p.Total {
		p.EarlyStopped, p.EarlyStoppedAt = false, 0 // all is done, whatever a rule would have had
	}
	return p, err
}

// contradiction is the fault of evidence that counts more than it says itself that there is. A total of the sheet is none of
// its own, and where the sheet says that there is more, the evidence tells of what there was to do before.
func contradiction(p runsheet.Progress, spec runsheet.ProgressSpec) error {
	if p.Total == 0 || p.Total == spec.Total || p.Completed <= max(p.Total, spec.Total) {
		return nil
	}
	return &brokenError{err: fmt.Errorf("the evidence contradicts itself (%s): it says %s, more than there are", p.Source, &p),
		hint: "look at what the training code writes there"}
}

// faulty returns the progress of a reading that found a fault. If one file is broken for good, the units in others still count.
func faulty(dir string, p runsheet.Progress, err error, moving bool) runsheet.Progress {
	out := runsheet.Progress{Source: p.Source, Error: words(dir, err)}
	if broken := (*brokenError)(nil); errors.As(err, &broken) && !moving {
		out.Completed, out.Total, out.Unit, out.Broken = p.Completed, p.Total, p.Unit, broken.Error()
		if broken.rel == "" {
			out.Completed = 0 // the count itself cannot be
		}
	}
	return out
}

// words renders an error of a reading as what a person is told.
func words(dir string, err error) string {
	text := err.Error()
	var broken *brokenError
	if errors.As(err, &broken) {
		hint := broken.hint
		if hint == "" {
			hint = "repair or remove it"
		}
		if broken.rel == documentName {
			hint += "; `runsheet status --recompute` sets it aside"
		}
		text += ". In " + dir + ": " + hint
	} else if cannot := (*unreadableError)(nil); errors.As(err, &cannot) {
		text += ". In " + dir
	}
	return text
}
