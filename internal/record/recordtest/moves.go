package recordtest

import "fmt"

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
