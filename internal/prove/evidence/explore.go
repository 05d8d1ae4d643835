package evidence

import (
	"math/rand/v2"
	"os"
)

// explore plays base, and then every trial in which up to depth of the writer's next steps fall among the reader's
// operations. Where it makes no difference before which of two operations a step is, it is before the later one. visit
// is told of each, and says whether to go on. Of those with a further step but the first only some are played where few
// says so: nil plays them all.
func explore(base trial, depth int, locks *os.File, few func() bool, visit func(trial, outcome) bool) bool {
	out := base.play(locks)
	if !visit(base, out) {
		return false
	}
	if depth == 0 {
		return true
	}
	next, ok := base.next()
	if !ok {
		return true
	}
	from := 0
	if n := len(base.placed); n > 0 {
		from = base.placed[n-1]
	}
	for k := from; k < len(out.trace); k++ {
		if !next.concerns(out.trace[k]) || waited(out.trace, k) > rounds || len(base.placed) > 0 && few != nil && !few() {
			continue
		}
		further := base
		further.placed = append(append([]int{}, base.placed...), k)
		if !explore(further, depth-1, locks, few, visit) {
			return false
		}
	}
	return true
}

// rounds is how often a reader waits for a writer, before a further time makes no difference.
const rounds = 3

// waited returns how often the reader had waited before the operation k.
func waited(trace []op, k int) (n int) {
	for _, o := range trace[:k] {
		if o.path == "" {
			n++
		}
	}
	return n
}

// next is the step that would fall among the reader's operations next; ok is false where there is none: a call is one
// with the records as they were when it began.
func (t trial) next() (step, bool) {
	at := t.start + len(t.placed)
	if at >= len(t.script.steps) || t.script.steps[at].end != goesOn {
		return step{}, false
	}
	return t.script.steps[at], true
}

// draw returns a trial with up to depth steps among the reader's operations, at places that are drawn.
func draw(scripts []script, depth int, rng *rand.Rand, locks *os.File) trial {
	t := trial{script: &scripts[rng.IntN(len(scripts))], weather: weathers[rng.IntN(len(weathers))], warmth: warmths[rng.IntN(len(warmths))]}
	t.start = rng.IntN(len(t.script.steps))
	operations := len(t.play(locks).trace)
	from := 0
	for range depth {
		if _, ok := t.next(); !ok || operations == 0 {
			break
		}
		// Most steps fall close together: each makes the reader begin again.
		from += rng.IntN(max(operations/2, 1))
		t.placed = append(t.placed, from)
	}
	return t
}
