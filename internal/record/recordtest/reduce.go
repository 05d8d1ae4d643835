package recordtest

import "fmt"

// The graph of worlds is searched: what the places hold, and where each actor stands in its program. None is gone on
// from twice. Of the interleavings that differ only in the order of independent steps one is enough, and which one is
// said here. Two steps are independent if neither writes a place that the other reads or writes, and in a given world
// also if what each comes to is the same before the other and after it. Check and Final depend
// on what the places hold alone, and none of what follows changes the order of the steps that write such places: each
// of the worlds that Check could see is shown to it.
//
// Calm steps come first. A calm step reads nothing that another living actor may change, and writes nothing that another,
// Check or Final may touch. It is independent of all that can come before it, so it is taken at once, and what the others
// could have done before it, they do after it. That its actor dies before it is, for all others, as if it had died
// after it. To wake up is calm, too: see Await.
//
// What an actor may change is not known beforehand. It is learnt: a place and what stands there, with all actors that
// have been seen to change just that. If an actor turns out to change something that was trusted not to change, the
// search begins anew with that knowledge, until it ends without such a surprise. Then there is none in what was not
// searched either: of the interleavings that have one, take one with the fewest steps. All steps before the last keep
// to what is known, so that they can be put into the order that was searched; that changes nothing that the last step
// depends on, so the search would have met it.
//
// Looks come last. A look is a step that writes nothing but where its own actor stands. All other steps, and all faults,
// are deeds. In any interleaving a look can be moved behind the next deed of another actor if it is independent of it;
// once no look can be moved, it consists of stretches in each of which one actor, the leader, looks around until its
// deed, and of every other actor that looks in it, the last look would see something else after the deed. Within a stretch
// nothing changes but by the deed, so what an actor sees in it does not depend on the others. So from each world there is
// one move for each deed and for each way in which the others can have looked before it: not at all, or up to a look
// that the deed would spoil. An actor that dies leaves no trace of its looks, so it dies without any, and whoever is
// killed by the deed has not looked.

// settle takes calm steps as long as there are any.
func (s *Sim) settle(faults bool, t *story) (steps int, err error) {
	for again := true; again; {
		again = false
		for _, l := range s.slots {
			for s.at[l.local] != 0 {
				e := s.calm(l, faults)
				if e == nil {
					break
				}
				t.tell(s.nodes[s.at[l.local]], doStep)
				s.apply(e)
				again = true
				if steps++; steps > maxCalm {
					return steps, fmt.Errorf("process %d turns in a circle", l.pid)
				}
			}
		}
	}
	return steps, nil
}

// dead returns the bits of the actors that were killed or have ended.
func (s *Sim) dead() uint64 {
	var bits uint64
	for _, l := range s.slots {
		if s.at[l.local] == 0 && s.at[l.life] == s.gone && l.bit != 1<<others {
			bits |= l.bit
		}
	}
	return bits
}

// calm returns what comes of the next step of an actor if that step can be taken at once, before and instead of
// anything else: it can come out in one way only, it reads nothing that another who lives may change, and it writes
// nothing that another who lives, Check or Final may touch. It returns nil for all other steps. See Explorer.
func (s *Sim) calm(l *slot, faults bool) *effect {
	n := s.nodes[s.at[l.local]]
	if n.timer || faults && n.actor.mortal && n.writes() {
		return nil
	}
	e := s.effect(n, doStep)
	if e.idle || e.fail != nil {
		return nil
	}
	if n.wait != nil { // it sees nothing by being woken: what it would do later it can do then
		return e
	}
	if l.bit == 1<<others {
		return nil
	}
	alive := ^s.dead() &^ l.bit
	for _, a := range e.writes {
		if a.place != l.local && s.touched[a.place].before&alive != 0 {
			return nil
		}
	}
	for _, f := range e.reads {
		if f.changers.before&alive != 0 {
			return nil
		}
	}
	for _, a := range e.writes {
		if a.place != l.local {
			s.trust(&s.touched[a.place], l.bit, alive)
		}
	}
	for _, f := range e.reads {
		s.trust(&f.changers, l.bit, alive)
	}
	return e
}
