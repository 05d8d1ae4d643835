package recordtest

import (
	"fmt"
	"strings"
)

// kind is what is done to an actor.
type kind uint8

const (
	doStep kind = iota
	doTimer
	doCrash
	doRefuse
	doLose
	kinds
)

var kindNames = [kinds]string{"", " [its timer]", " [dies before this]", " [refused]", " [reply lost]"}

// fault says whether it counts as one.
func (k kind) fault() bool { return k >= doCrash }

// choice is one thing that may come next.
type choice struct {
	slot uint8
	kind kind
}

// option is a choice and what comes of it.
type option struct {
	choice
	effect *effect
}

// options lists what may come next in this world, and says whether anybody can act without a fault.
func (s *Sim) options(out []option, faults bool) (_ []option, some bool) {
	for i, l := range s.slots {
		n := s.nodes[s.at[l.local]]
		if n == nil {
			continue
		}
		for k := range kinds {
			switch {
			case k == doTimer && !n.timer, k.fault() && (!faults || !n.actor.mortal), k > doCrash && !n.writes():
				continue
			}
			if e := s.effect(n, k); !e.idle {
				some = some || !k.fault()
				out = append(out, option{choice{uint8(i), k}, e})
			}
		}
	}
	return out, some
}

// take lets something happen. It returns the rule that was broken by it.
func (s *Sim) take(k kind, e *effect) error {
	s.apply(e)
	if k.fault() {
		s.state.put(s.budget, s.at[s.budget]+1)
	}
	if e.fail != nil || !s.visible(e) {
		return e.fail
	}
	return s.check()
}

// faults says whether there may be more of them.
func (s *Sim) faults(most int) bool { return int(s.at[s.budget]) < most }

// story tells the steps of a run, one a line.
type story []string

func (t *story) tell(n *node, k kind) {
	if t != nil {
		*t = append(*t, fmt.Sprintf("%3d %s: %s%s", len(*t)+1, n.actor.p.Name, n.step, kindNames[k]))
	}
}

// String returns the story.
func (t *story) String() string { return strings.Join(*t, "\n") }
