package evidence

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/progress"
)

const (
	readers    = 2 // processes
	goroutines = 3 // in each
	maxTold    = 3 // faults that a reader describes
)

// orders are what a process of the method is told.
type orders struct {
	Role    string // "write" or "read"
	Way     string
	Dir     string // the work dir
	Board   string
	Slot    int
	Seed    uint64
	Attempt int64
}

// cutsName is the file beside the board in which readers find where earlier attempts were cut.
const cutsName = "cuts.json"

// work is what a process of the method does; the result is its exit code.
func work(args []string) int {
	var o orders
	if len(args) != 1 || json.Unmarshal([]byte(args[0]), &o) != nil {
		fmt.Fprintln(os.Stderr, "evidence: bad orders")
		return 2
	}
	b, err := openBoard(o.Board)
	if err != nil {
		fmt.Fprintf(os.Stderr, "evidence: %v\n", err)
		return 2
	}
	parent := os.Getppid()
	go func() {
		for range time.Tick(100 * time.Millisecond) {
			if os.Getppid() != parent {
				os.Exit(3) // whoever started us is gone
			}
		}
	}()
	for _, w := range ways() {
		if w.name != o.Way {
			continue
		}
		if o.Role == "read" {
			newReader(w, o, b, os.Stdout).read()
			return 0
		}
		path := filepath.Join(o.Dir, filepath.FromSlash(w.file))
		err := w.write(&writer{way: w, b: b, path: path, rng: rand.New(rand.NewPCG(o.Seed, uint64(o.Attempt)))})
		fmt.Fprintf(os.Stderr, "evidence: %v\n", err)
	}
	return 2
}

// reader asks for the progress again and again.
type reader struct {
	way
	orders
	b     *board
	out   io.Writer
	opts  progress.Options
	cache *progress.Cache
	told  atomic.Int64

	mu   sync.Mutex
	cuts []runsheet.Cut
	of   int64 // attempt
}

func newReader(w way, o orders, b *board, out io.Writer) *reader {
	r := &reader{way: w, orders: o, b: b, out: out, opts: progress.Options{CacheDir: filepath.Join(filepath.Dir(o.Board), "cache")}, of: -1}
	r.cache = progress.New(durable.OS(), r.opts)
	return r
}

// known is how the progress is to be read now: where earlier attempts were cut stands in the claim of this one.
func (r *reader) known() (runsheet.ProgressSpec, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := r.b.attempt.Load(); n != r.of {
		data, err := os.ReadFile(filepath.Join(filepath.Dir(r.Board), cutsName))
		if err == nil {
			r.cuts = nil
			err = json.Unmarshal(data, &r.cuts)
		}
		if err != nil && !os.IsNotExist(err) {
			return r.spec, err
		}
		r.of = n
	}
	spec := r.spec
	spec.Cuts = r.cuts
	return spec, nil
}

// read reads until it shall stop.
func (r *reader) read() {
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(r.Seed, uint64(r.Slot*goroutines+g+1)))
			for !r.b.stop.Load() {
				if !r.b.enter(r.Slot) {
					continue
				}
				cache, recompute := r.cache, rng.IntN(50) == 0
				if rng.IntN(10) == 0 {
					cache = progress.New(durable.OS(), r.opts) // a process that has just started
				}
				r.check(cache, recompute)
				r.b.leave(r.Slot)
			}
		})
	}
	wg.Wait()
}

// check reads once, and holds the answer against the ledger.
func (r *reader) check(cache *progress.Cache, recompute bool) runsheet.Progress {
	spec, err := r.known()
	if err != nil {
		r.wrong("where attempts were cut cannot be read: %v", err)
		return runsheet.Progress{}
	}
	least := r.b.done.Load()
	p := cache.Get(context.Background(), r.Dir, spec, recompute)
	most, highest := r.b.begun.Load(), r.b.most.Load()
	r.b.reads.Add(1)
	if p.Settled {
		r.b.settled.Add(1)
	}
	said := p.Completed
	if p.Error != "" {
		r.b.errors.Add(1)
		// While a file moves all the time, to say that is no lie; and a document that is empty or torn is broken.
		if said = broken; !p.Settled && most-least > 1 {
			return p
		}
	}
	switch {
	case said > highest:
		r.wrong("%d completed (settled: %t), and nobody has ever written more than %d", said, p.Settled, highest)
	case !r.b.held(said, least, most):
		age := r.b.age(said, least)
		when := "it never did"
		if age >= 0 {
			when = fmt.Sprintf("it did %d versions earlier", age)
		}
		r.wrong("%d completed (settled: %t, error: %q), in a call in which the evidence went from %d to %d (versions %d to %d) and never said so; %s", said, p.Settled, p.Error,
			r.b.ledger[least%ledgerSize].Load(), r.b.ledger[most%ledgerSize].Load(), least, most, when)
	}
	return p
}

func (r *reader) wrong(format string, args ...any) {
	r.b.wrong.Add(1)
	if r.told.Add(1) <= maxTold {
		fmt.Fprintf(r.out, format+"\n", args...)
	}
}
