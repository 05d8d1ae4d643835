package recordtest

// fact is a text at a place, and the actors that have been seen to change it.
type fact struct {
	assign
	changers known
}

// known is a set of actors that grows. A search uses what was known when it began, so that it does the same in equal
// worlds.
type known struct {
	before, now uint64
	trusted     uint64 // the actors that relied on it that no other who lived was one of these
}

// learnt is what is known of all places.
type learnt struct {
	facts   map[uint64]*fact
	touched []known // by place: the actors that read or wrote it
	refuted bool    // what was relied on was wrong
}

// note adds an actor.
func (l *learnt) note(k *known, who uint64) {
	k.now |= who
	l.refuted = l.refuted || k.trusted&^who != 0 && k.before&who == 0
}

// trust notes that an actor relies on it that none of those alive is in the set.
func (l *learnt) trust(k *known, who, alive uint64) {
	k.trusted |= who
	l.refuted = l.refuted || k.now&alive != 0
}

// revise makes what is known now the knowledge of the next search.
func (l *learnt) revise() {
	l.refuted = false
	for _, f := range l.facts {
		f.changers = known{before: f.changers.now, now: f.changers.now}
	}
	for i := range l.touched {
		l.touched[i] = known{before: l.touched[i].now, now: l.touched[i].now}
	}
}

// Bits that are no actor's own.
const (
	others  = 62              // all actors beyond that number: they never count as dead
	checker = uint64(1) << 63 // Check and Final
)

// fact returns what is known of a text at a place.
func (s *Sim) fact(a assign) *fact {
	key := uint64(uint32(a.place))<<32 | uint64(uint32(a.text))
	f := s.facts[key]
	if f == nil {
		f = &fact{assign: a}
		s.facts[key] = f
	}
	return f
}
