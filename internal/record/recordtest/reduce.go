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

// glance is a look of an actor in a world, or what it comes to after all its looks.
type glance struct {
	node   *node
	kind   kind
	effect *effect
}

// move is a stretch: what the others have seen before it, and the deed.
type move struct {
	leader int
	looks  []glance // of the leader, up to the deed
	deed   glance
	seen   []stop
}

// stop is how far an actor has looked before somebody else's deed.
type stop struct {
	slot  int
	looks []glance
	at    int32 // where it stands then
}

// look follows an actor through its looks. deed says whether a deed follows them; waits, that it must wait for others.
func (s *Sim) look(l *slot) (looks []glance, deed, waits bool, err error) {
	been := map[int32]int{}
	timed := 0
	for at := s.at[l.local]; ; {
		n := s.nodes[at]
		g := glance{n, doStep, s.effect(n, doStep)}
		if g.effect.idle && n.timer {
			g.kind, g.effect = doTimer, s.effect(n, doTimer)
			timed = len(looks) + 1
		}
		if g.effect.idle {
			return looks, false, true, nil
		}
		if first, again := been[at]; again {
			if timed <= first {
				err = fmt.Errorf("%s turns in a circle", n.actor.p.Name)
			}
			return looks, false, false, err
		}
		been[at] = len(looks)
		looks = append(looks, g)
		if g.effect.fail != nil || len(g.effect.writes) != 1 || g.effect.writes[0].place != l.local || g.effect.writes[0].text == 0 {
			return looks, true, false, nil
		}
		at = g.effect.writes[0].text
	}
}

// moves lists what may come next in this world, and says whether anybody can ever do anything without a fault.
func (s *Sim) moves(faults bool) (all []move, some bool, err error) {
	slots := s.slots
	looks := make([][]glance, len(slots))
	deeds := make([]bool, len(slots))
	for i, l := range slots {
		if s.at[l.local] == 0 {
			continue
		}
		var waits bool
		if looks[i], deeds[i], waits, err = s.look(l); err != nil {
			return nil, false, err
		}
		some = some || !waits
	}
	for i, l := range slots {
		if s.at[l.local] == 0 {
			continue
		}
		own := looks[i]
		if n := s.nodes[s.at[l.local]]; faults && n.actor.mortal {
			all = s.with(all, move{leader: i, deed: glance{n, doCrash, s.effect(n, doCrash)}}, slots, looks)
			for k, g := range own {
				for kind := doRefuse; kind <= doLose && g.node.writes(); kind++ {
					all = s.with(all, move{leader: i, looks: own[:k], deed: glance{g.node, kind, s.effect(g.node, kind)}}, slots, looks)
				}
			}
		}
		if deeds[i] {
			all = s.with(all, move{leader: i, looks: own[:len(own)-1], deed: own[len(own)-1]}, slots, looks)
		}
	}
	return all, some, nil
}

// with adds a move in each way in which the others can have looked before its deed.
func (s *Sim) with(all []move, m move, slots []*slot, looks [][]glance) []move {
	from := len(all)
	all = append(all, m)
	if len(m.deed.effect.writes) == 0 {
		return all
	}
	if len(slots) > 1 {
		s.keep.copyFrom(&s.state)
		defer func() { s.load(&s.keep) }()
		s.apply(m.deed.effect)
	}
	for i, l := range slots {
		if i == m.leader || looks[i] == nil || m.deed.effect.writesTo(l.local) {
			continue
		}
		for k, g := range looks[i] {
			if len(g.effect.writes) != 1 || g.effect.writes[0].place != l.local || g.effect.writes[0].text == 0 || g.effect.fail != nil {
				break // a deed
			}
			if !m.deed.effect.writesAny(g.effect.reads) || s.same(g) {
				continue
			}
			for _, before := range all[from:] {
				if n := len(before.seen); n > 0 && before.seen[n-1].slot == i {
					continue
				}
				before.seen = append(before.seen[:len(before.seen):len(before.seen)], stop{i, looks[i][:k+1], g.effect.writes[0].text})
				all = append(all, before)
			}
		}
	}
	return all
}

func (e *effect) writesTo(place int32) bool { return find(e.writes, place) >= 0 }

func (e *effect) writesAny(facts []*fact) bool {
	for _, f := range facts {
		if e.writesTo(f.place) {
			return true
		}
	}
	return false
}

// same says whether a look would come to the same in this world.
func (s *Sim) same(g glance) bool {
	e := s.effect(g.node, g.kind)
	return !e.idle && e.fail == nil && len(e.writes) == 1 && e.writes[0] == g.effect.writes[0]
}

// make makes a move. It returns the rule that was broken by it.
func (s *Sim) make(m move, t *story) error {
	for _, st := range m.seen {
		for _, g := range st.looks {
			t.tell(g.node, g.kind)
		}
		s.state.put(s.slots[st.slot].local, st.at)
	}
	for _, g := range m.looks {
		t.tell(g.node, g.kind)
	}
	t.tell(m.deed.node, m.deed.kind)
	s.state.put(s.slots[m.leader].local, m.deed.node.number)
	return s.take(m.deed.kind, m.deed.effect)
}

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
	alive := ^s.dead()
	if l.bit != 1<<others {
		alive &^= l.bit
	}
	for _, a := range e.writes {
		if a.place != l.local && s.touched[a.place]&alive != 0 {
			return nil
		}
	}
	for _, f := range e.reads {
		if f.changers&alive != 0 {
			return nil
		}
	}
	for _, a := range e.writes {
		s.private[a.place] |= l.bit
	}
	for _, f := range e.reads {
		f.trusted |= l.bit
	}
	return e
}
