package history

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/proc"
	"runsheet/internal/record"
)

// actor is one process that does operations and notes them.
type actor struct {
	dir   string
	life  int
	floor [workDirs]int
	rng   *rand.Rand
	log   *os.File
	sys   record.System
	next  int
	who   string // how its starts and ends are told from those of others
}

// worker runs an actor: DIR LOG CLIENT SEED LIFE FLOOR...
func worker(args []string) int {
	a, err := act(args)
	if err == nil {
		return 0
	}
	if a != nil && !starved(err) && a.note(op{Kind: opWrong, Out: err.Error(), Call: now(), Return: now()}) == nil {
		return 0 // nothing that was done explains it
	}
	fmt.Fprintf(os.Stderr, "history: %v\n", err)
	return 1
}

// starved says whether an error is the machine's.
func starved(err error) bool {
	for _, errno := range []unix.Errno{unix.ENOSPC, unix.EDQUOT, unix.EIO, unix.EROFS, unix.EMFILE, unix.ENFILE, unix.ENOMEM} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// act does the operations of one process; the actor that it returns can note what went wrong.
func act(args []string) (*actor, error) {
	if len(args) != 5+workDirs {
		return nil, errors.New("the worker takes other arguments")
	}
	log, err := os.OpenFile(args[1], os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	a := &actor{dir: args[0], log: log, sys: record.NewSystem(durable.OS())}
	a.who = process(a.sys.Procs.Self())
	seed, err := strconv.ParseUint(args[3], 10, 64)
	if err != nil {
		return nil, err
	}
	a.rng = rand.New(rand.NewPCG(seed, 3))
	if a.life, err = strconv.Atoi(args[4]); err != nil {
		return nil, err
	}
	for d := range workDirs {
		if a.floor[d], err = strconv.Atoi(args[5+d]); err != nil {
			return nil, err
		}
	}
	for a.next < perWorker {
		d := a.rng.IntN(workDirs)
		switch n := a.rng.IntN(10); {
		case n < 3:
			_, err = a.look(d)
		case n < 7:
			err = a.pushOn(d)
		case n < 8:
			err = a.request(d)
		default:
			err = a.holdSheet()
		}
		if err != nil {
			return a, err
		}
	}
	return a, nil
}

// process names a process in a history.
func process(p runsheet.Process) string { return fmt.Sprintf("%d.%d", p.PID, p.StartTime) }

// do notes an operation, does it, and notes what came of it. f returns the outcome, or an error that means that the
// operation itself could not be done.
func (a *actor) do(o op, f func(o *op) error) error {
	o.ID, o.Life, o.Call = a.next, a.life, now()
	a.next++
	if err := a.note(o); err != nil {
		return err
	}
	err := f(&o)
	o.Return = now()
	if err != nil {
		return fmt.Errorf("%s of work dir %d, attempt %d: %w", o.Kind, o.Dir, o.Attempt, err)
	}
	return a.note(o)
}

func (a *actor) note(o op) error {
	line, err := json.Marshal(o)
	if err == nil {
		_, err = a.log.Write(append(line, '\n'))
	}
	return err
}

func (a *actor) look(d int) (v record.View, err error) {
	err = a.do(op{Kind: opLook, Dir: d}, func(o *op) (err error) {
		if v, err = record.Look(a.sys, workDirIn(a.dir, d)); err != nil {
			return err
		}
		o.Seen = &seen{Attempt: v.Attempt}
		if v.Claim != nil {
			o.Seen.Claim = v.Claim.Nonce
		}
		if v.Start != nil {
			o.Seen.Start = startOf(*v.Start)
		}
		if v.End != nil {
			o.Seen.End = endOf(*v.End)
		}
		if v.Request != nil {
			o.Seen.Request = v.Request.Number
		}
		if v.Attempt == 0 {
			o.Seen.Attempt = a.floor[d] // nobody claims that or a lower one
		}
		return nil
	})
	return v, err
}

// startOf and endOf name the start and the end that stand there.
func startOf(s runsheet.Start) string {
	if s.Void {
		return "void " + process(s.Process)
	}
	return process(s.Process)
}

func endOf(e runsheet.End) string {
	if e.Kind == runsheet.EndExit {
		return process(e.By)
	}
	return "heir " + process(e.By)
}

// pushOn looks, and does what may be done next about a work dir, as launchers, supervisors and heirs would.
func (a *actor) pushOn(d int) error {
	v, err := a.look(d)
	if err != nil {
		return err
	}
	if v.Claim == nil || v.End != nil {
		mine, err := a.claim(d, v)
		if err != nil || mine == 0 || a.rng.IntN(4) == 0 {
			return err // now and then it is left to others
		}
		return a.supervise(d, mine)
	}
	if a.rng.IntN(2) == 0 {
		return a.supervise(d, v.Attempt)
	}
	return a.inherit(d, v.Attempt)
}

// claim claims the next attempt, and returns its number; 0 where somebody else was first.
func (a *actor) claim(d int, v record.View) (mine int, err error) {
	facts := runsheet.Facts{Attempt: v.Attempt, Claim: v.Claim, Start: v.Start, End: v.End, Request: v.Request}
	nonce := record.NewNonce()
	next := max(v.Attempt, a.floor[d]) + 1
	err = a.do(op{Kind: opClaim, Dir: d, Attempt: next, In: nonce}, func(o *op) error {
		c, err := record.Claim(a.sys, facts, a.floor[d], runsheet.Claim{Run: "run", Nonce: nonce, WorkDir: workDirIn(a.dir, d),
			Executor: "local", Command: "true", Identity: "true"})
		o.Attempt = c.Attempt
		switch {
		case errors.Is(err, record.ErrTaken):
			o.Out = "taken"
		case err != nil:
			return err
		default:
			o.Out, mine = "ok", c.Attempt
		}
		return nil
	})
	return mine, err
}

// supervise does what a supervisor does, without a command.
func (a *actor) supervise(d, attempt int) error {
	var t *record.Tenure
	err := a.do(op{Kind: opTake, Dir: d, Attempt: attempt}, func(o *op) (err error) {
		t, err = record.Take(a.sys, a.attemptDir(d, attempt))
		switch {
		case err == nil:
			o.Out = "ok"
		case errors.Is(err, record.ErrHeld):
			o.Out = "held"
		case errors.Is(err, record.ErrOver):
			o.Out = "over"
		case errors.Is(err, record.ErrSuperseded):
			o.Out = "superseded"
		default:
			return err
		}
		return nil
	})
	if err != nil || t == nil {
		return err
	}
	a.rest()
	began := false
	if err := a.do(op{Kind: opBegin, Dir: d, Attempt: attempt, In: a.who}, func(o *op) error {
		err := t.Begin(0)
		if errors.Is(err, record.ErrOver) {
			o.Out = "over"
			return nil
		}
		began = err == nil
		o.Out = "ok"
		return err
	}); err != nil {
		return err
	}
	a.rest()
	if !began {
		return a.do(op{Kind: opLeave, Dir: d, Attempt: attempt}, func(*op) error { t.Leave(); return nil })
	}
	code := 0
	return a.do(op{Kind: opEnd, Dir: d, Attempt: attempt, In: a.who}, func(o *op) error {
		err := t.End(runsheet.End{Kind: runsheet.EndExit, ExitCode: &code, At: time.Now()})
		if errors.Is(err, record.ErrOver) {
			o.Out = "over"
			return nil
		}
		o.Out = "ok"
		return err
	})
}

// inherit tries to take an attempt over, now and then again and again until its supervisor lets go.
func (a *actor) inherit(d, attempt int) error {
	tries := 1
	if a.rng.IntN(2) == 0 {
		tries = 30
	}
	for range tries {
		if over, err := a.takeOver(d, attempt); over || err != nil {
			return err
		}
	}
	return nil
}

// takeOver tries once, and says whether the attempt has an end.
func (a *actor) takeOver(d, attempt int) (over bool, err error) {
	void := op{Kind: opVoid, Dir: d, Attempt: attempt, In: "void " + a.who}
	err = a.do(void, func(*op) error {
		return a.do(op{Kind: opHeir, Dir: d, Attempt: attempt, In: "heir " + a.who}, func(o *op) error {
			e, err := record.TakeOver(context.Background(), a.sys, a.attemptDir(d, attempt), record.Heir{})
			if errors.Is(err, record.ErrLive) {
				o.Out = "" // it wrote no end
				return nil
			}
			o.Out, over = endOf(e), err == nil
			return err
		})
	})
	return over, err
}

func (a *actor) request(d int) error {
	return a.do(op{Kind: opRequest, Dir: d}, func(o *op) error {
		r, err := record.Request(a.sys, workDirIn(a.dir, d), runsheet.RequestRetry, "prove")
		o.Out = strconv.Itoa(r.Number)
		return err
	})
}

// holdSheet becomes the launcher for a moment.
func (a *actor) holdSheet() error {
	var lock *record.LauncherLock
	if err := a.do(op{Kind: opHold}, func(o *op) (err error) {
		lock, _, err = record.HoldSheet(durable.OS(), quick{a.sys.Procs}, filepath.Join(a.dir, "state"))
		o.Out = "ok"
		if errors.Is(err, record.ErrLauncher) {
			o.Out, err = "held", nil
		}
		return err
	}); err != nil || lock == nil {
		return err
	}
	a.rest()
	return a.do(op{Kind: opRelease}, func(*op) error { return lock.Release() })
}

// quick is the processes of this machine, of which each is alive as far as the name of a lock's holder is concerned:
// that name is for people, and nobody shall wait for it here.
type quick struct{ proc.Procs }

func (quick) Check(runsheet.Process) proc.State { return proc.Alive }

// rest lets others in.
func (a *actor) rest() {
	if a.rng.IntN(2) == 0 {
		time.Sleep(time.Duration(a.rng.IntN(3000)) * time.Microsecond)
	}
}

func (a *actor) attemptDir(d, attempt int) string {
	return record.AttemptDir(workDirIn(a.dir, d), attempt)
}
