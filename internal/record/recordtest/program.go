package recordtest

import (
	"fmt"
	"iter"
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
