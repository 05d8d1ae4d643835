package readers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"runsheet/internal/prove/method"
	"runsheet/internal/record"
)

// act is one part of a run: one kind of evidence, one clock, with or without killing.
type act struct {
	name  string
	kind  string
	tick  time.Duration // of the clock; 0: that of the file system
	kill  bool
	share int64 // of the reads, in percent

	quota          int64  // of reads
	changes, kills int    // that are counted one by one
	orders         orders // what a test plants
}

// stage is an act that goes on: its processes, its evidence, and a reader of the method's own.
type stage struct {
	*board
	act
	evidence evidence
	dir      string
	rng      *rand.Rand
	own      *worker // a reader in this process, one call at a time
	ownWords bytes.Buffer
	spawn    func(slot int) error
	workers  []*exec.Cmd
	said     []*bytes.Buffer
}

// start makes the evidence and starts the readers, behind a closed gate.
func (a act) start(ctx context.Context, c method.Config, rng *rand.Rand) (*stage, error) {
	base, dir, err := place(c, strings.NewReplacer(" ", "-", ",", "").Replace(a.name))
	if err != nil {
		return nil, err
	}
	side := filepath.Join(base, "side")
	for _, d := range []string{side, record.Dir(dir)} {
		if err := os.Mkdir(d, 0o700); err != nil {
			return nil, err
		}
	}
	o := a.orders
	o.Dir, o.Board, o.Kind, o.Tick, o.Seed = dir, filepath.Join(base, "board"), a.kind, a.tick, c.Seed
	b, err := openBoard(o.Board)
	if err != nil {
		return nil, err
	}
	b.gate.Store(true)
	s := &stage{board: b, act: a, dir: dir, rng: rng, workers: make([]*exec.Cmd, workers), said: make([]*bytes.Buffer, workers)}
	if a.kind == kindForeign {
		s.evidence = &foreign{b: b, path: filepath.Join(dir, "progress.json"), rng: rng, pieces: a.tick == 0}
	} else {
		s.evidence = newEpochs(b, dir, side, rng)
	}
	s.own = newWorker(orders{Board: o.Board, Dir: dir, Kind: a.kind, Tick: a.tick}, b, &s.ownWords)
	s.spawn = func(slot int) error {
		o := o
		o.Slot = slot
		text, err := json.Marshal(o)
		if err != nil {
			return err
		}
		cmd := method.Command(ctx, name, string(text))
		if s.said[slot] == nil {
			s.said[slot] = &bytes.Buffer{}
		}
		cmd.Stdout = s.said[slot]
		if err := cmd.Start(); err != nil {
			return err
		}
		s.workers[slot] = cmd
		return nil
	}
	for slot := range s.workers {
		if err := s.spawn(slot); err != nil {
			s.end()
			return nil, err
		}
	}
	return s, nil
}

// end lets the workers finish, and returns what they said.
func (s *stage) end() (said []string, err error) {
	s.stop.Store(true)
	s.gate.Store(false)
	for slot, cmd := range s.workers {
		if cmd == nil {
			continue
		}
		timer := time.AfterFunc(patience, func() { cmd.Process.Kill() })
		if werr := cmd.Wait(); werr != nil && err == nil {
			err = fmt.Errorf("worker %d: %w", slot, werr)
		}
		timer.Stop()
		said = append(said, strings.Split(strings.TrimSpace(s.said[slot].String()), "\n")...)
		s.workers[slot] = nil
	}
	return append(said, strings.Split(strings.TrimSpace(s.ownWords.String()), "\n")...), err
}

// run does the act. What the readers complain of goes into the result.
func (a act) run(ctx context.Context, c method.Config, number int, sum *tally, r *method.Result) error {
	s, err := a.start(ctx, c, rand.New(rand.NewPCG(c.Seed, uint64(number+2))))
	if err != nil {
		return err
	}
	defer s.close()
	err = s.play(ctx, sum, r)
	if err == nil {
		if herr := s.evidence.unharmed(); herr != nil {
			r.Violate("%s: the training code's progress.json was changed: %v", a.name, herr)
		}
	}
	said, werr := s.end()
	if errors.Is(err, errStuck) {
		r.Violate("%s: %v", a.name, err)
		err = nil
	}
	if err == nil && ctx.Err() == nil {
		err = werr
	}
	sum.reads += s.reads.Load()
	sum.raw += s.raw.Load()
	sum.torn += s.torn.Load()
	sum.wrong += s.wrong.Load()
	sum.excused += s.excused.Load()
	sum.versions += s.done.Load()
	if bad := s.torn.Load() + s.wrong.Load(); bad > 0 {
		r.Violate("%s: %d torn or empty, %d never true of %d reads", a.name, s.torn.Load(), s.wrong.Load(), s.reads.Load())
		for _, line := range said {
			if line != "" {
				r.Violate("%s: %s", a.name, line)
			}
		}
	}
	return err
}

func (s *stage) play(ctx context.Context, sum *tally, r *method.Result) error {
	if err := s.evidence.once(); err != nil { // something to read
		return err
	}
	steps := []func(context.Context, *tally, *method.Result) error{s.settledChanges}
	if s.kill {
		steps = append(steps, s.killHolders)
	} else if s.kind == kindEpochs && s.settles() < time.Second {
		steps = append(steps, s.youngChanges)
	}
	for _, step := range append(steps, s.storm) {
		if err := step(ctx, sum, r); err != nil || len(r.Violations) > 0 || s.bad() {
			return err
		}
	}
	return nil
}

func (s *stage) bad() bool { return s.torn.Load()+s.wrong.Load() > 0 }

// settles is how old a change must be for nothing to hide behind its stamp, and a little more.
func (s *stage) settles() time.Duration {
	if s.tick >= time.Second {
		return 2200 * time.Millisecond
	}
	return 60 * time.Millisecond
}

// hold closes the gate, and waits until nobody reads.
func (s *stage) hold(ctx context.Context) error {
	s.gate.Store(true)
	return wait(ctx, "the readers to come back", func() bool { return s.readers() == 0 })
}

// readMore opens the gate, and waits for n more reads.
func (s *stage) readMore(ctx context.Context, n int64) error {
	until := s.reads.Load() + n
	s.gate.Store(false)
	return wait(ctx, fmt.Sprintf("%d reads", n), func() bool { return s.reads.Load() >= until || s.bad() })
}

// settledChanges: a change that is older than the tick when anybody looks is computed once.
func (s *stage) settledChanges(ctx context.Context, sum *tally, r *method.Result) error {
	changes := s.changes
	if s.tick >= time.Second {
		changes = max(changes/5, 1)
	}
	for range changes {
		if err := s.hold(ctx); err != nil {
			return err
		}
		if err := s.evidence.once(); err != nil {
			return err
		}
		if err := pause(ctx, s.settles()); err != nil {
			return err
		}
		before := s.computations.Load()
		if err := s.readMore(ctx, 500); err != nil {
			return err
		}
		if err := s.hold(ctx); err != nil {
			return err
		}
		n := s.computations.Load() - before
		sum.settled++
		sum.settledComputations += n
		if n != 1 && !s.bad() {
			r.Violate("%s: %d computations for one change that was older than the tick", s.name, n)
			return nil
		}
	}
	return nil
}

// youngChanges: a change while everybody reads is computed once or twice.
func (s *stage) youngChanges(ctx context.Context, sum *tally, r *method.Result) error {
	s.gate.Store(false)
	for range s.changes {
		if err := s.rest(ctx); err != nil {
			return err
		}
		before, reads := s.computations.Load(), s.reads.Load()
		if err := s.evidence.once(); err != nil {
			return err
		}
		if err := pause(ctx, s.settles()); err != nil {
			return err
		}
		if err := s.rest(ctx); err != nil {
			return err
		}
		if err := wait(ctx, "reads", func() bool { return s.reads.Load() > reads+500 || s.bad() }); err != nil {
			return err
		}
		n := s.computations.Load() - before
		sum.young++
		sum.youngComputations += n
		if (n < 1 || n > 2) && !s.bad() {
			r.Violate("%s: %d computations for one change that was younger than the tick", s.name, n)
			return nil
		}
	}
	return nil
}

// rest waits until the cache has nothing left to compute.
func (s *stage) rest(ctx context.Context) error {
	return waitFor(ctx, 15*time.Second, "the cache to settle", func() bool {
		return s.own.cache.Get(ctx, s.dir, specOf(s.kind), false).Settled || s.bad()
	})
}

// killHolders kills the process that computes, which holds the lock, at random moments: another one computes at once,
// and nothing is computed more than once for each killing.
func (s *stage) killHolders(ctx context.Context, sum *tally, r *method.Result) error {
	for range s.kills {
		if err := s.hold(ctx); err != nil {
			return err
		}
		if err := s.evidence.once(); err != nil {
			return err
		}
		if err := pause(ctx, s.settles()); err != nil {
			return err
		}
		before, reads := s.computations.Load(), s.reads.Load()
		s.computing.Store(0)
		s.gate.Store(false)
		if err := wait(ctx, "somebody to compute", func() bool { return s.computing.Load() != 0 }); err != nil {
			return err
		}
		time.Sleep(time.Duration(s.rng.IntN(4000)) * time.Microsecond)
		if err := s.killWorker(int(s.computing.Load())); err != nil {
			return err
		}
		killed := time.Now()
		if err := wait(ctx, "reads after the computing process was killed", func() bool { return s.reads.Load() > reads+500 || s.bad() }); err != nil {
			return err
		}
		if took := time.Since(killed); took > lockPatience && !s.bad() {
			r.Violate("%s: the lock of a killed process was held against the others for %v", s.name, took)
		}
		if err := s.hold(ctx); err != nil {
			return err
		}
		n := s.computations.Load() - before
		sum.kills++
		sum.killComputations += n
		if (n < 1 || n > 2) && !s.bad() {
			r.Violate("%s: %d computations for one change whose first computation was killed", s.name, n)
			return nil
		}
	}
	return nil
}

// lockPatience is after how long a reader goes on without a lock that nobody lets go.
const lockPatience = 9 * time.Second

// killWorker kills the worker with that pid, and starts another in its place.
func (s *stage) killWorker(pid int) error {
	for slot, cmd := range s.workers {
		if cmd == nil || cmd.Process.Pid != pid {
			continue
		}
		if err := cmd.Process.Kill(); err != nil {
			return err
		}
		cmd.Wait() // it tells of the signal
		s.workers[slot] = nil
		s.reading[slot].n.Store(0)
		return s.spawn(slot)
	}
	return fmt.Errorf("process %d computes and is no worker", pid)
}

// storm changes the evidence in bursts and at leisure, until there are enough reads.
func (s *stage) storm(ctx context.Context, _ *tally, _ *method.Result) error {
	s.recompute.Store(s.kind == kindEpochs)
	s.gate.Store(false)
	enough := func() bool { return s.reads.Load() >= s.quota || s.bad() }
	for !enough() {
		for range 1 + s.rng.IntN(6) {
			if err := s.evidence.step(); err != nil {
				return err
			}
			// A coarse clock hides what is quick. Who writes in pieces takes its time: where a stamp hid two of its
			// documents, a reader might take a piece of each.
			gap := time.Duration(s.rng.IntN(20)) * time.Millisecond
			if s.tick > 0 {
				gap /= 3
			} else if s.kind == kindForeign {
				gap += 12 * time.Millisecond
			}
			if err := pause(ctx, gap); err != nil {
				return err
			}
		}
		// Leisure: most reads are those of a cache that holds.
		until := time.Now().Add(s.settles() + time.Duration(s.rng.IntN(400))*time.Millisecond)
		if err := wait(ctx, "time to pass", func() bool { return enough() || time.Now().After(until) }); err != nil {
			return err
		}
	}
	return s.last(ctx)
}

// last looks once more when all is quiet: what stands is what the last change left.
func (s *stage) last(ctx context.Context) error {
	if err := s.hold(ctx); err != nil {
		return err
	}
	s.own.check(s.rng)
	return nil
}
