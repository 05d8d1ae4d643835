package readers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/progress"
	"runsheet/internal/record"
)

const (
	workers    = 4
	goroutines = 8 // in each worker
	maxTold    = 5 // faults that a worker describes
)

// orders are what a worker is told.
type orders struct {
	Dir   string // the work dir
	Board string
	Kind  string // of the evidence
	Naive bool
	Tick  time.Duration // of the clock of the file system; 0: its own
	Slot  int
	Seed  uint64
	Fault string // planted by a test
}

// worker is a process of readers.
type worker struct {
	orders
	*board
	out   io.Writer
	opts  progress.Options
	cache *progress.Cache
	spec  runsheet.ProgressSpec
	told  atomic.Int64
	seen  [2]atomic.Bool                    // documents that were there once
	last  atomic.Pointer[runsheet.Progress] // for a planted fault
}

// work is what a worker does; the result is its exit code.
func work(args []string) int {
	var o orders
	if len(args) != 1 || json.Unmarshal([]byte(args[0]), &o) != nil {
		fmt.Fprintln(os.Stderr, "readers: bad orders")
		return 2
	}
	b, err := openBoard(o.Board)
	if err != nil {
		fmt.Fprintf(os.Stderr, "readers: %v\n", err)
		return 2
	}
	debug.SetGCPercent(400) // reading is what is wanted, not collecting
	parent := os.Getppid()
	go func() {
		for range time.Tick(100 * time.Millisecond) {
			if os.Getppid() != parent {
				os.Exit(3) // whoever started us is gone
			}
		}
	}()
	newWorker(o, b, os.Stdout).read()
	return 0
}

func newWorker(o orders, b *board, out io.Writer) *worker {
	w := &worker{orders: o, board: b, out: out, spec: specOf(o.Kind)}
	w.opts = progress.Options{CacheDir: filepath.Join(filepath.Dir(o.Board), "cache"), OnCompute: w.computes, OnDamage: w.damaged}
	w.cache = progress.New(diskWith(o.Tick), w.opts)
	return w
}

// computes is called while the lock of the document is held.
func (w *worker) computes(string) {
	w.computations.Add(1)
	w.computing.Store(int64(os.Getpid()))
	// Some readings are slow, so that others come in between.
	time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
}

func (w *worker) damaged(path string, err error) {
	w.torn.Add(1)
	w.tell("a damaged document was read: %s: %v", path, err)
}

// tell describes a fault to the method.
func (w *worker) tell(format string, args ...any) {
	if w.told.Add(1) <= maxTold {
		fmt.Fprintf(w.out, format+"\n", args...)
	}
}

// read reads until it shall stop.
func (w *worker) read() {
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(w.Seed, uint64(w.Slot*goroutines+g)))
			n := int64(0)
			for !w.stop.Load() {
				if !w.enter(w.Slot) {
					continue
				}
				switch {
				case w.Naive:
					w.naive()
				default:
					w.check(rng)
					if n%8 == 0 {
						w.document(rng)
					}
				}
				w.leave(w.Slot)
				if n++; n%16 == 0 {
					w.reads.Add(16)
				}
			}
			w.reads.Add(n % 16)
		})
	}
	wg.Wait()
}

// get asks for the progress, mostly as a process that goes on, sometimes as one that has just started.
func (w *worker) get(rng *rand.Rand) runsheet.Progress {
	cache, recompute := w.cache, w.recompute.Load() && rng.IntN(5000) == 0
	if rng.IntN(64) == 0 {
		cache = progress.New(diskWith(w.Tick), w.opts)
	}
	p := cache.Get(context.Background(), w.Dir, w.spec, recompute)
	return w.planted(rng, p)
}

// check reads once, and holds the answer against the ledger.
func (w *worker) check(rng *rand.Rand) {
	least, unfinished, before := w.done.Load(), w.unfinished.Load(), time.Now()
	p := w.get(rng)
	after, most := time.Now(), w.begun.Load()
	if p.Error != "" && w.Kind == kindForeign && w.stoodStill(before, unfinished) {
		w.excused.Add(1)
		return
	}
	if p.Error != "" {
		w.torn.Add(1)
		w.tell("an error instead of an answer: %s", p.Error)
		return
	}
	s := stateOf(w.Kind, p)
	var fault string
	switch {
	case !w.held(s, least, most):
		fault = fmt.Sprintf("%d completed, mark %d, in a call of %v during which the evidence said %+v and after it %+v (versions %d to %d)",
			s.completed, s.mark, after.Sub(before), unpack(w.ledger[least%ledgerSize].Load()), unpack(w.ledger[most%ledgerSize].Load()), least, most)
		if age := w.age(s, least); age < 0 {
			fault += ": the evidence never said that"
		} else {
			fault += fmt.Sprintf(": it said so %d versions earlier", age)
		}
	case p.AsOf.Before(before) || p.AsOf.After(after):
		fault = fmt.Sprintf("as of %v, in a call from %v to %v", p.AsOf, before, after)
	case w.Kind == kindEpochs && p.Completed > 0 && p.Total != total:
		fault = fmt.Sprintf("a total of %d instead of %d", p.Total, total)
	}
	if fault != "" {
		w.wrong.Add(1)
		w.tell("wrong: %s", fault)
	}
}

// document reads a document that we write, as anybody does.
func (w *worker) document(rng *rand.Rand) {
	i := rng.IntN(2)
	path := record.ProgressPath(w.Dir)
	if i == 1 {
		if w.Kind == kindForeign {
			return // that one is the training code's
		}
		path = filepath.Join(w.Dir, "progress.json")
	}
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !w.seen[i].Load():
		return
	case err == nil && !json.Valid(data):
		err = errors.New("no JSON")
	}
	w.raw.Add(1)
	if err != nil {
		w.torn.Add(1)
		w.tell("a document of ours: %s (%d bytes): %v", path, len(data), err)
		return
	}
	w.seen[i].Store(true)
}

// naive reads once from the store that the project began with.
func (w *worker) naive() {
	if err := readNaive(durable.OS(), w.Dir); err != nil {
		w.torn.Add(1)
		w.tell("%v", err)
	}
}
