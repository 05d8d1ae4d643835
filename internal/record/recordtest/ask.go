package recordtest

import (
	"fmt"
	"strings"
	"syscall"
)

// question is what a program wants next.
type question struct {
	step  Step
	do    func() (any, error)
	wait  func() bool // instead of do: it waits until that is so
	timer bool        // or until a timer fires
}

// answer is what it gets.
type answer struct {
	value any
	err   error
	key   string // tells it from other answers
}

func answered(value any, err error) answer {
	if b, ok := value.([]byte); ok {
		return answer{value, err, fmt.Sprintf("%s\x00%v", b, err)}
	}
	return answer{value, err, fmt.Sprintf("%v\x00%v", value, err)}
}

// writes says whether the step is one that can be refused, or whose reply can be lost.
func (q question) writes() bool { return q.step.Op == "write-once" || q.step.Op == "link" }

// step lets the process do something, once it is its turn.
func (p *Proc) step(s Step, do func() (any, error)) (any, error) {
	if p.ghost {
		return do()
	}
	if p.actor == nil { // no explorer drives it
		if p.Dead() {
			panic(Died{p})
		}
		return do()
	}
	a := p.actor.ask(question{step: s, do: do})
	return a.value, a.err
}

// ask is called by the program.
func (a *actor) ask(q question) answer {
	if a.p.over {
		panic(Died{a.p})
	}
	a.asks = q
	if !a.yield(struct{}{}) {
		a.p.over = true
		panic(Died{a.p})
	}
	a.p.seen = hash(q.step.Op, q.step.Path, a.answer.key, fmt.Sprint(a.p.seen))
	return a.answer
}

// Forget says that from here on the process depends on nothing of what it has seen but on what it is given here, so
// that histories which come to the same are one. Where the same is given at two places of the program, they must be
// one as well.
func (p *Proc) Forget(but ...any) {
	if p.ghost {
		return
	}
	p.waited = 0
	p.seen = hash("forget", fmt.Sprint(but...), fmt.Sprint(p.spawns, p.open))
}

// perform does to an actor what kind says, and says whether that was possible.
func (s *Sim) perform(n *node, k kind) bool {
	a := n.actor
	var by answer
	switch {
	case k == doCrash:
		a.p.Kill()
		return true
	case n.wait != nil:
		if n.wait() != (k == doStep) {
			return false
		}
		by = answered(k == doTimer, nil)
	default:
		by = s.call(n, k)
	}
	if a.p.Dead() {
		return true
	}
	if next := a.then(s, n, by); next != nil {
		s.put(a.slot.local, next.number)
	} else {
		a.p.Kill()
	}
	return true
}

// call does the step before which an actor stands.
func (s *Sim) call(n *node, k kind) answer {
	p := n.actor.p
	var value any
	var err error
	if k != doRefuse {
		if s.Before != nil {
			s.Before(p, n.step)
		}
		value, err = n.do()
		if s.After != nil {
			s.After(p, n.step, err)
		}
	}
	if k == doRefuse || k == doLose {
		value, err = nil, fmt.Errorf("%s: %w", n.step, syscall.EIO)
	}
	return answered(value, err)
}

// hash returns a hash of some texts, which depends on where one ends and the next begins (FNV-1a, then mixed).
func hash(parts ...string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, b := range []byte(strings.Join(parts, "\x00\x01")) {
		h = (h ^ uint64(b)) * 0x100000001b3
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	return h ^ h>>29
}
