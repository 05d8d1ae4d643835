package history

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"runsheet/internal/prove/method"
)

// patience is how long the order of one history may be looked for.
const patience = 30 * time.Second

// check looks for an order of each independent part of what was done.
func (w *world) check(r *method.Result) error {
	for _, o := range w.ops {
		if o.Kind == opWrong {
			r.Violate("nothing that was done explains this: %s", o.Out)
			return nil
		}
	}
	for _, p := range parts(w.ops) {
		switch porcupine.CheckOperationsTimeout(p.model, p.ops, patience) {
		case porcupine.Illegal:
			r.Violate("no order explains what was seen of %s:\n%s", p.name, p)
			return nil
		case porcupine.Unknown:
			return fmt.Errorf("no order was found for %s within %v, and none was ruled out (%d operations)", p.name, patience, len(p.ops))
		}
	}
	return w.endsBeforeClaims(r)
}

// part is what can be ordered by itself.
type part struct {
	name  string
	model porcupine.Model
	ops   []porcupine.Operation
}

func (p *part) add(o op) {
	p.ops = append(p.ops, porcupine.Operation{ClientId: o.Client, Input: o, Output: o.Out, Call: o.Call, Return: o.Return})
}

// String lists the operations by the time of their calls.
func (p *part) String() string {
	ops := slices.Clone(p.ops)
	slices.SortFunc(ops, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
	var b strings.Builder
	for i, x := range ops {
		if i == 80 {
			fmt.Fprintf(&b, "  ... and %d more\n", len(ops)-i)
			break
		}
		o := x.Input.(op)
		until := "killed"
		if o.Return != never {
			until = fmt.Sprint((o.Return-ops[0].Call)/1000, "µs")
		}
		fmt.Fprintf(&b, "  %7dµs to %9s  client %d: %s", (o.Call-ops[0].Call)/1000, until, o.Client, o.Kind)
		if o.In != "" {
			fmt.Fprintf(&b, " %s", o.In)
		}
		if !o.Pending {
			fmt.Fprintf(&b, " -> %q", o.Out)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// The reads that a look is taken apart into.
const (
	readClaim   = "read claim"
	readStart   = "read start"
	readEnd     = "read end"
	readRequest = "read request"
)

// parts takes operations apart into histories of their own: each attempt of each life, the requests of each work dir and
// life, the launcher's lock, and over all lives the numbers that were given out.
func parts(ops []op) []*part {
	byName := map[string]*part{}
	var all []*part
	of := func(model porcupine.Model, format string, args ...any) *part {
		name := fmt.Sprintf(format, args...)
		if byName[name] == nil {
			byName[name] = &part{name: name, model: model}
			all = append(all, byName[name])
		}
		return byName[name]
	}
	for _, o := range ops {
		attempt := func(n int) *part {
			return of(attemptModel(), "attempt %d of work dir %d, life %d", n, o.Dir, o.Life)
		}
		switch o.Kind {
		case opHold, opRelease:
			of(lockModel(), "the launcher's lock").add(o)
		case opDied:
			if o.Attempt == 0 {
				of(lockModel(), "the launcher's lock").add(o)
			} else {
				attempt(o.Attempt).add(o)
			}
		case opRequest:
			of(requestModel(), "the requests of work dir %d, life %d", o.Dir, o.Life).add(o)
		case opClaim:
			of(numberModel(), "the number %d of work dir %d", o.Attempt, o.Dir).add(o)
			attempt(o.Attempt).add(o)
		case opLook:
			if o.Seen == nil {
				continue // killed: it saw nothing
			}
			read := func(p *part, kind, value string) {
				x := o
				x.Kind, x.Out = kind, value
				p.add(x)
			}
			read(of(requestModel(), "the requests of work dir %d, life %d", o.Dir, o.Life), readRequest, strconv.Itoa(o.Seen.Request))
			read(attempt(o.Seen.Attempt+1), readClaim, "") // or it would have been returned
			if o.Seen.Claim != "" {
				read(attempt(o.Seen.Attempt), readClaim, o.Seen.Claim)
				read(attempt(o.Seen.Attempt), readStart, o.Seen.Start)
				read(attempt(o.Seen.Attempt), readEnd, o.Seen.End)
			}
		default:
			attempt(o.Attempt).add(o)
		}
	}
	return all
}

// endsBeforeClaims makes sure that no attempt was claimed before the one below it could have an end.
func (w *world) endsBeforeClaims(r *method.Result) error {
	type slot struct{ dir, life, attempt int }
	ended := map[slot]int64{} // the earliest call that may have written its end
	for _, o := range w.ops {
		at := slot{o.Dir, o.Life, o.Attempt}
		if wrote := o.Kind == opEnd || o.Kind == opHeir && (o.Pending || o.Out == o.In); !wrote {
			continue
		}
		if t, ok := ended[at]; !ok || o.Call < t {
			ended[at] = o.Call
		}
	}
	floor := map[slot]int{} // the first attempt of a life follows on none
	for _, o := range w.ops {
		if at := (slot{o.Dir, o.Life, 0}); o.Kind == opClaim && (floor[at] == 0 || o.Attempt < floor[at]) {
			floor[at] = o.Attempt
		}
	}
	for _, o := range w.ops {
		if o.Kind != opClaim || o.Out != "ok" || o.Attempt == floor[slot{o.Dir, o.Life, 0}] {
			continue
		}
		if t, ok := ended[slot{o.Dir, o.Life, o.Attempt - 1}]; !ok || t > o.Return {
			r.Violate("attempt %d of work dir %d was claimed before anybody could have ended attempt %d", o.Attempt, o.Dir, o.Attempt-1)
		}
	}
	return nil
}

// numberModel: a number is given out once, whatever became of its work dir.
func numberModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return false },
		Step: func(state, input, output any) (bool, any) {
			given := state.(bool)
			switch o := input.(op); {
			case o.Pending:
				return true, true
			case o.Out == "ok":
				return !given, true
			}
			return given, given
		},
	}
}

// requestModel: each request has the number after the one before it.
func requestModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return 0 },
		Step: func(state, input, output any) (bool, any) {
			last := state.(int)
			o := input.(op)
			switch {
			case o.Kind == readRequest:
				return o.Out == strconv.Itoa(last), last
			case o.Pending:
				return true, last + 1
			}
			return o.Out == strconv.Itoa(last+1), last + 1
		},
	}
}

// lockModel: whoever gets the lock is the only one that has it; whoever does not, finds somebody else there.
func lockModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return -1 },
		Step: func(state, input, output any) (bool, any) {
			holder := state.(int)
			o := input.(op)
			switch {
			case o.Kind == opRelease || o.Kind == opDied:
				if holder == o.Client {
					return true, -1
				}
				return o.Pending || o.Kind == opDied, holder
			case o.Pending:
				if holder == -1 {
					return true, o.Client
				}
				return true, holder
			case o.Out == "ok":
				return holder == -1, o.Client
			}
			return holder != -1, holder
		},
	}
}

// attempt is the state of one attempt: three registers that are written once, and who owns it.
type attempt struct {
	claim, start, end string
	owner             int // a client; -1: nobody
}

// attemptModel says what may be done to an attempt, and what is seen of it then.
func attemptModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return attempt{owner: -1} },
		Step: func(state, input, output any) (bool, any) {
			s := state.(attempt)
			ok := s.step(input.(op))
			return ok, s
		},
	}
}

// step does an operation, and says whether it could have had the outcome that it had. A pending one had none: it does
// what it can do, or comes too late to do anything.
func (s *attempt) step(o op) bool {
	put := func(register *string) bool {
		free := *register == ""
		if free {
			*register = o.In
		}
		return free
	}
	switch o.Kind {
	case readClaim:
		return s.claim == o.Out
	case readStart:
		return s.start == o.Out
	case readEnd:
		return s.end == o.Out
	case opClaim:
		won := put(&s.claim)
		return o.Pending || won == (o.Out == "ok")
	case opTake:
		free := s.owner == -1 && s.start == "" && s.end == "" && s.claim != ""
		switch {
		case o.Pending && free || o.Out == "ok":
			s.owner = o.Client
			return free
		case o.Out == "over":
			return s.start != "" || s.end != ""
		}
		return true // held: also by an heir that is about to write the end
	case opBegin:
		if s.owner != o.Client {
			return o.Pending
		}
		won := put(&s.start)
		return o.Pending || won == (o.Out == "ok")
	case opEnd:
		if s.owner != o.Client {
			return o.Pending
		}
		s.owner = -1
		won := put(&s.end)
		return o.Pending || won == (o.Out == "ok")
	case opLeave, opDied:
		if s.owner == o.Client {
			s.owner = -1
		}
		return true
	case opVoid: // the start of an attempt that had none when the takeover looked
		put(&s.start)
		return true
	case opHeir:
		switch {
		case o.Pending:
			if s.owner == -1 && s.start != "" {
				put(&s.end)
			}
			return true
		case o.Out == "":
			return true // its supervisor lives, or another heir was there
		case o.Out == o.In && s.end == "":
			s.end = o.In
			return s.owner == -1 && s.start != ""
		}
		return s.end == o.Out
	}
	return false
}
