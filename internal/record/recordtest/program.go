package recordtest

import (
	"fmt"
	"iter"
	"strings"
	"syscall"
)

// An actor is a process with a program. The program is run once for each thing that can happen to it, and what it does
// then is kept: a step is determined by what the process has seen, and what is seen by what stands at the places that
// the step reads. So a program becomes a graph, whose nodes are where it can stand, and to let a process go on in some
// world costs no more than to look up what it reads there.
type actor struct {
	p       *Proc
	mortal  bool
	program func()
	nodes   map[nodeKey]*node
	root    *node
	slot    *slot

	// The program as a coroutine, which stands at a node.
	at     *node
	next   func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
	asks   question
	answer answer
}

// node is where a program stands: before a step.
type node struct {
	question
	number int32
	actor  *actor
	before *node  // how it came here at first: nil at the beginning
	by     answer // to before's question
	after  map[string]*node
	does   [kinds]*branch // what comes of it, by what is done to the actor
}

type nodeKey struct {
	seen uint64
	step Step
}

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

// then returns where the program stands after an answer; nil: it has ended.
func (a *actor) then(s *Sim, n *node, by answer) *node {
	next, known := n.after[by.key]
	if known {
		return next
	}
	if a.at != n {
		a.rewind(s, n)
	}
	next = a.resume(s, n, by)
	n.after[by.key] = next
	return next
}

// rewind runs the program from its beginning to a node.
func (a *actor) rewind(s *Sim, n *node) {
	if n == nil || n.before == nil {
		a.begin()
		a.resume(s, nil, answer{})
		return
	}
	var path []*node
	for ; n.before != nil; n = n.before {
		path = append(path, n)
	}
	a.begin()
	a.resume(s, nil, answer{})
	for i := len(path) - 1; i >= 0; i-- {
		if a.at != path[i].before {
			panic(fmt.Sprintf("%s: %s depends on what it may not depend on", a.p.Name, a.at.step))
		}
		a.resume(s, path[i].before, path[i].by)
	}
}

// begin starts the program anew, and lets go of the one that ran.
func (a *actor) begin() {
	if a.stop != nil {
		a.stop()
	}
	a.p.memory = memory{}
	a.next, a.stop = iter.Pull(func(yield func(struct{}) bool) {
		a.yield = yield
		Run(a.program)
	})
}

// resume gives the program its answer, and returns where it stands then.
func (a *actor) resume(s *Sim, from *node, by answer) *node {
	a.answer, a.at = by, nil
	s.shut = true // what a program does between its steps must not see the world
	_, ok := a.next()
	s.shut = false
	s.Learned++
	if !ok {
		return nil
	}
	key := nodeKey{a.p.seen, a.asks.step}
	n := a.nodes[key]
	if n == nil {
		n = &node{question: a.asks, number: int32(len(s.nodes)), actor: a, before: from, by: by, after: map[string]*node{}}
		a.nodes[key] = n
		s.nodes = append(s.nodes, n)
	}
	a.at = n
	return n
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
