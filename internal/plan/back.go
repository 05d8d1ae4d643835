package plan

import "runsheet"

// bringBack has attempts leave a queue, in which they wait for a place, where a host that comes before it in the pool has
// room for them now. The last ones are first: theirs would come last. What is launched now has got its room before.
func (in Input) bringBack(s *space, actions []runsheet.Action) {
	for i := len(actions) - 1; i >= 0; i-- {
		if actions[i].Verb != runsheet.VerbWait || i >= len(in.Facts) || !in.Facts[i].Queued() {
			continue
		}
		if h := s.before(in.Facts[i].Claim.Host, in.Runs[i]); h != "" {
			actions[i] = runsheet.Action{Run: i, Verb: runsheet.VerbEnd, Kind: runsheet.EndVoid, Reason: "there is room on " + h}
		}
	}
}

// before takes room for an attempt on the first host before the given one that has it now, and returns its name; empty:
// none has. A queue has no room: there the attempt would wait as well.
func (s *space) before(host string, run runsheet.Run) string {
	for _, h := range s.hosts {
		switch {
		case h.Name == host:
			return ""
		case h.Queue || h.slots >= h.Slots || h.never(run) != "": // fit would say why, which takes its time for ten thousand
			continue
		}
		if devices, why, _ := h.fit(run.Resources); why == "" {
			h.hold(devices, run.Resources)
			return h.Name
		}
	}
	return ""
}
