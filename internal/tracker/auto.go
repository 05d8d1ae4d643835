package tracker

import "runsheet"

// auto chooses among the others by what it finds.
type auto struct{}

func (auto) Name() string { return "auto" }

func (auto) Logs() string { return "" }

func (auto) Recognises(ev *Evidence, spec runsheet.ProgressSpec) bool {
	_, ok := choose(ev, spec)
	return ok
}

// Read reads with the tracker that recognises the evidence. Where none does, nothing is known but what the sheet says.
func (auto) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	t, ok := choose(ev, spec)
	if !ok {
		return runsheet.Progress{Total: spec.Total, Unit: spec.Unit}, nil
	}
	if t != Tracker(epochs{}) {
		spec.Files = nil // they are those of an epoch
	}
	ev.startOver()
	return t.Read(ev, spec)
}

// choose returns the first tracker that recognises the evidence.
func choose(ev *Evidence, spec runsheet.ProgressSpec) (Tracker, bool) {
	bare := spec
	bare.Files = nil
	for _, t := range automatic() {
		s := bare
		if t == Tracker(epochs{}) {
			s = spec
		}
		if t.Recognises(ev, s) {
			return t, true
		}
	}
	return nil, false
}
