package proc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"runsheet"
)

func TestEndAllPolite(t *testing.T) {
	n := nonce(t)
	dir := t.TempDir()
	cmd, p := start(t, n, `trap 'echo bye > `+dir+`/bye; exit 3' TERM; echo; while :; do sleep 0.01; done`)
	go cmd.Wait()
	find := func() ([]runsheet.Process, error) { return System().Find(n, p.PID, p) }
	if err := EndAll(t.Context(), System(), find, time.Minute, SystemClock()); err != nil {
		t.Fatal(err)
	}
	if cmdGone := System().Check(p); cmdGone != Gone {
		t.Errorf("it is %v", cmdGone)
	}
	if got := names(dir); len(got) != 1 {
		t.Error("it could not say good-bye")
	}
}

func TestEndAllStopped(t *testing.T) {
	n := nonce(t)
	_, p := start(t, n, `echo; exec sleep 1000`)
	if err := System().Signal(p, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "stopped", func() bool { s, _, err := readStat(p.PID, nil); return err == nil && s.state == 'T' })
	if System().Check(p) != Alive {
		t.Error("a stopped process is not alive")
	}
	find := func() ([]runsheet.Process, error) { return System().Find(n, 0, p) }
	begin := time.Now()
	if err := EndAll(t.Context(), System(), find, time.Minute, SystemClock()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("it took %v: the stopped process never acted on SIGTERM", took)
	}
}

func TestEndAllHard(t *testing.T) {
	n := nonce(t)
	_, p := start(t, n, `trap '' TERM; echo; while :; do sleep 1000; done`)
	find := func() ([]runsheet.Process, error) { return System().Find(n, p.PID, p) }
	const grace = 300 * time.Millisecond
	begin := time.Now()
	if err := EndAll(t.Context(), System(), find, grace, SystemClock()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < grace {
		t.Errorf("killed after %v, before the grace was over", took)
	}
	if got := System().Check(p); got != Gone {
		t.Errorf("it is %v", got)
	}
}

// Processes that are born while we kill are found by looking again. Those of the storm are not even in one session.
func TestEndAllForkStorm(t *testing.T) {
	n := nonce(t)
	_, p := start(t, n, `
		storm() { trap '' TERM; for i in {1..300}; do setsid sleep 1000 & sleep 0.002; done; wait; }
		storm & storm & storm & echo; wait`)
	find := func() ([]runsheet.Process, error) { return System().Find(n, p.PID, p) }
	eventually(t, "a storm", func() bool { return len(must(find())) > 30 })
	if err := EndAll(t.Context(), System(), find, 50*time.Millisecond, SystemClock()); err != nil {
		t.Fatal(err)
	}
	if left := must(find()); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestEndAllContext(t *testing.T) {
	n := nonce(t)
	_, p := start(t, n, `trap '' TERM; echo; while :; do sleep 1000; done`)
	find := func() ([]runsheet.Process, error) { return System().Find(n, p.PID, p) }
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if err := EndAll(ctx, System(), find, time.Hour, SystemClock()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("err = %v", err)
	}
	if System().Check(p) != Alive {
		t.Error("killed although the context had ended")
	}
	if err := EndAll(t.Context(), System(), find, 0, SystemClock()); err != nil {
		t.Fatal(err)
	}
}

// world is processes with habits, in a time of its own.
type world struct {
	now    time.Time
	next   int
	alive  map[int]*habit
	killed time.Time // of the first SIGKILL
}

type habit struct {
	dies     time.Duration // after SIGTERM; negative: ignores it
	children int           // forked at the first signal it gets
	stopped  bool          // acts on SIGTERM only once continued
	immortal bool
	told     bool
	at       time.Time // of its death; zero: none in sight
}

func (w *world) Now() time.Time { return w.now }

func (w *world) Wait(ctx context.Context, d time.Duration) error {
	w.now = w.now.Add(d)
	return ctx.Err()
}

func (w *world) Self() runsheet.Process { return runsheet.Process{PID: 1} }

func (w *world) Check(p runsheet.Process) State {
	if w.alive[p.PID] == nil {
		return Gone
	}
	return Alive
}

func (w *world) Find(string, int, runsheet.Process) (found []runsheet.Process, err error) {
	for pid, h := range w.alive {
		if !h.at.IsZero() && !h.stopped && !w.now.Before(h.at) {
			delete(w.alive, pid)
			continue
		}
		found = append(found, runsheet.Process{PID: pid})
	}
	return found, nil
}

func (w *world) Signal(p runsheet.Process, sig syscall.Signal) error {
	h := w.alive[p.PID]
	if h == nil {
		return nil
	}
	if !h.told {
		h.told = true
		for range h.children {
			w.next++
			w.alive[w.next] = &habit{dies: h.dies, children: h.children - 1}
		}
	}
	switch {
	case sig == syscall.SIGCONT:
		h.stopped = false
	case sig == syscall.SIGKILL && w.killed.IsZero():
		w.killed = w.now
		fallthrough
	case sig == syscall.SIGKILL:
		if h.immortal {
			return errors.New("operation not permitted")
		}
		delete(w.alive, p.PID)
	case sig == syscall.SIGTERM && h.dies >= 0:
		h.at = w.now.Add(h.dies)
	}
	return nil
}

func TestEndAllProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		begin := time.Unix(1000, 0)
		w := &world{now: begin, alive: map[int]*habit{}, next: 100}
		grace := time.Duration(rapid.IntRange(0, 5000).Draw(t, "grace")) * time.Millisecond
		slowest := time.Duration(0)
		ignores, immortals := false, 0
		for pid := range rapid.IntRange(0, 6).Draw(t, "processes") {
			h := &habit{
				dies:     time.Duration(rapid.IntRange(-1, 8000).Draw(t, "dies")) * time.Millisecond,
				children: rapid.IntRange(0, 3).Draw(t, "children"),
				stopped:  rapid.Bool().Draw(t, "stopped"),
				immortal: rapid.IntRange(0, 9).Draw(t, "immortal") == 0,
			}
			if h.immortal {
				immortals++
				h.dies = -1
			}
			ignores = ignores || h.dies < 0
			slowest = max(slowest, h.dies*time.Duration(h.children+1)) // each generation is told when it is found
			w.alive[pid+2] = h
		}
		err := EndAll(context.Background(), w, func() ([]runsheet.Process, error) { return w.Find("", 0, runsheet.Process{}) }, grace, w)
		var unended *UnendedError
		switch {
		case immortals == 0 && err != nil:
			t.Fatalf("err = %v", err)
		case immortals > 0 && !errors.As(err, &unended):
			t.Fatalf("err = %v, want *UnendedError", err)
		case unended != nil && len(unended.Processes) != immortals:
			t.Fatalf("%v: want %d processes", unended, immortals)
		}
		if len(w.alive) != immortals {
			t.Fatalf("%d left", len(w.alive))
		}
		if !w.killed.IsZero() && w.killed.Sub(begin) < grace {
			t.Fatalf("SIGKILL after %v, grace %v", w.killed.Sub(begin), grace)
		}
		if !ignores && slowest+time.Second < grace && !w.killed.IsZero() {
			t.Fatalf("SIGKILL though all went by themselves within %v of %v", slowest, grace)
		}
		if took := w.now.Sub(begin); took > grace+killWait+time.Second {
			t.Fatalf("took %v", took)
		}
	})
}

func TestEndAllErrors(t *testing.T) {
	w := &world{now: time.Unix(1000, 0), alive: map[int]*habit{}}
	broken := errors.New("broken")
	err := EndAll(t.Context(), w, func() ([]runsheet.Process, error) { return nil, broken }, 0, w)
	if !errors.Is(err, broken) {
		t.Errorf("err = %v", err)
	}
	e := &UnendedError{}
	for i := range 7 {
		e.Processes = append(e.Processes, runsheet.Process{PID: i + 10})
		e.Why = append(e.Why, "")
	}
	e.Why[0] = `"cp" in an uninterruptible wait`
	want := `cannot end 7 of the processes: process 10 "cp" in an uninterruptible wait; process 11; process 12; process 13; process 14; and 2 more`
	if got := e.Error(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if strings.ContainsAny(fmt.Sprint(e), "\n\r") {
		t.Error("more than one line")
	}
}
