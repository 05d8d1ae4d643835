package plan

import (
	"fmt"

	"runsheet"
)

// leaveInVain has attempts leave a queue that will never start them, as things are, where another host of the pool may: they
// would wait for ever. Whether that has room now makes no difference. Where no other may, they stay: what is in the way may
// be changed, and nothing else is left to be tried. What was claimed for such a queue, and is not in it, is given up at once.
func (in Input) leaveInVain(s *space, actions []runsheet.Action) {
	for i := range actions {
		if actions[i].Verb != runsheet.VerbWait || i >= len(in.Facts) || !in.Facts[i].Queued() {
			continue
		}
		f := in.Facts[i]
		h := s.named(f.Claim.Host)
		switch {
		case h == nil:
		case f.Unsubmitted() && h.refuses(in.Runs[i].Resources) != "":
			actions[i] = runsheet.Action{Run: i, Verb: runsheet.VerbRecover, Reason: h.Name + " " + h.never(in.Runs[i])}
		case f.Never && s.another(h, in.Runs[i]) != "":
			actions[i] = runsheet.Action{Run: i, Verb: runsheet.VerbEnd, Kind: runsheet.EndVoid,
				Reason: fmt.Sprintf("%s; %s may start it", f.Why, s.another(h, in.Runs[i]))}
		}
	}
}

// named returns a host by its name; nil: it is not in the pool.
func (s *space) named(host string) *room {
	for _, h := range s.hosts {
		if h.Name == host {
			return h
		}
	}
	return nil
}

// another names a host, but not this one, that may take an attempt of the run, if not now; empty: there is none.
func (s *space) another(than *room, run runsheet.Run) string {
	for _, h := range s.hosts {
		if h != than && h.never(run) == "" {
			return h.Name
		}
	}
	return ""
}
