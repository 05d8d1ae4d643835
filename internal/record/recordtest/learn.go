package recordtest

import "fmt"

// effect is what comes of a step in every world in which the same texts stand at the places that it reads.
type effect struct {
	idle   bool // it cannot be done: who waits goes on waiting
	reads  []*fact
	writes []assign
	fail   error // it broke a rule
}

// branch is a step after it has read the same texts: it reads another place, or it is done.
type branch struct {
	place int32
	next  []fork
	done  *effect
}

type fork struct {
	text int32
	to   *branch
}

// effect returns what comes of what is done to an actor in this world.
func (s *Sim) effect(n *node, k kind) *effect {
	if e := s.lookup(n.does[k]); e != nil {
		return e
	}
	return s.learn(&n.does[k], n.actor.slot.bit, func(e *effect) {
		e.idle = !s.perform(n, k)
		e.fail = s.failure
	})
}

// check returns what Check says of this world.
func (s *Sim) check() error { return s.verdict(s.Check, &s.sound) }

// final returns what Final says of this world.
func (s *Sim) final() error { return s.verdict(s.Final, &s.ended) }

func (s *Sim) verdict(rule func() error, known **branch) error {
	if rule == nil {
		return nil
	}
	e := s.lookup(*known)
	if e == nil {
		e = s.learn(known, checker, func(e *effect) { e.fail = rule() })
	}
	return e.fail
}

func (s *Sim) lookup(b *branch) *effect {
	for b != nil && b.done == nil {
		b = b.at(s.at[b.place])
	}
	if b == nil {
		return nil
	}
	return b.done
}

func (b *branch) at(text int32) *branch {
	for _, f := range b.next {
		if f.text == text {
			return f.to
		}
	}
	return nil
}

// learn does something once, to remember what came of it. The world is left as it was.
func (s *Sim) learn(root **branch, who uint64, do func(*effect)) *effect {
	var before state
	before.copyFrom(&s.state)
	s.rec, s.failure = &recording{}, nil
	e := &effect{}
	do(e)
	rec := s.rec
	s.rec, s.failure = nil, nil
	s.state = before
	s.grow()
	e.writes = rec.writes
	at := root
	for _, r := range rec.reads {
		s.note(&s.touched[r.place], who)
		e.reads = append(e.reads, s.fact(r))
		if *at == nil {
			*at = &branch{place: r.place}
		}
		if (*at).place != r.place || (*at).done != nil {
			panic(fmt.Sprintf("a step depends on more than what it reads: %v", s.names[r.place]))
		}
		if (*at).at(r.text) == nil {
			(*at).next = append((*at).next, fork{r.text, nil})
		}
		for i := range (*at).next {
			if (*at).next[i].text == r.text {
				at = &(*at).next[i].to
				break
			}
		}
	}
	*at = &branch{done: e}
	if !e.idle {
		s.changed(e, who)
	}
	return e
}

// changed notes who changed what.
func (s *Sim) changed(e *effect, who uint64) {
	for _, a := range e.writes {
		s.note(&s.touched[a.place], who)
		for _, f := range e.reads {
			if f.place == a.place {
				s.note(&f.changers, who)
			}
		}
	}
}

// grow makes room for places that were heard of since.
func (s *Sim) grow() {
	for len(s.at) < len(s.names) {
		s.at = append(s.at, 0)
	}
	for len(s.touched) < len(s.names) {
		s.touched = append(s.touched, known{})
	}
}

// load makes the world what it was once.
func (s *Sim) load(o *state) {
	s.copyFrom(o)
	s.grow()
}

// apply lets an effect happen.
func (s *Sim) apply(e *effect) {
	for _, a := range e.writes {
		s.state.put(a.place, a.text)
	}
}

// visible says whether an effect changes anything that Check reads.
func (s *Sim) visible(e *effect) bool {
	for _, a := range e.writes {
		if s.touched[a.place].now&checker != 0 {
			return true
		}
	}
	return false
}
