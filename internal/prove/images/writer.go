package images

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/journal"
	"runsheet/internal/progress"
	"runsheet/internal/record"
)

// disk is what the writers write through; a test puts one with a fault in its place.
var disk = durable.OS()

// layout says where things lie on the file system under test.
type layout string

// own is the directory of one writer; its sheet, its journal and its runs lie there.
func (l layout) own(writer int) string { return filepath.Join(string(l), fmt.Sprintf("w%d", writer)) }

// shared is the work dir that all writers compete for.
func (l layout) shared() string { return filepath.Join(string(l), "common", "runs", "1") }

// sheetPath is the sheet of a writer. The file itself is never made: nothing here reads it.
func sheetPath(own string) string { return filepath.Join(own, "sheet.yaml") }

// stateDir is where a writer's journal lies.
func stateDir(own string) string { return record.StateDir(own, sheetPath(own)) }

// spec is how the progress of the runs is read.
var spec = runsheet.ProgressSpec{Tracker: "epochs", Total: 1000}

// writerOrders begin a writer.
type writerOrders struct {
	Root string
	ID   int
	Seed uint64
}

// command is what a writer is told from then on.
type command struct {
	Count int    // operations at random; a stop ends them early
	Last  string // then this one; "": none
	Stop  bool
}

// report is a line of what a writer tells.
type report struct {
	Fact *fact  `json:",omitempty"`
	Op   string `json:",omitempty"` // an operation begins
	Done bool   `json:",omitempty"` // the command was done, and nothing is written until the next
	Err  string `json:",omitempty"` // the writer cannot go on
}

// write is a writer process. It ends when its standard input does.
func write(in io.Reader, out io.Writer) error {
	lines := json.NewDecoder(bufio.NewReader(in))
	var o writerOrders
	if err := lines.Decode(&o); err != nil {
		return err
	}
	w := &writer{orders: o, own: layout(o.Root).own(o.ID), sys: record.NewSystem(disk), out: out,
		rng: rand.New(rand.NewPCG(o.Seed, uint64(o.ID)))}
	w.sys.Procs = known{w.sys.Procs}
	w.cache = progress.New(disk, progress.Options{})
	commands := make(chan command)
	go func() {
		defer close(commands)
		for {
			var c command
			if lines.Decode(&c) != nil {
				w.stop.Store(true)
				return
			}
			if c.Stop {
				w.stop.Store(true)
			} else {
				commands <- c
			}
		}
	}()
	for c := range commands {
		if err := w.obey(c); err != nil {
			w.tell(report{Err: err.Error()})
			return err
		}
		w.stop.Store(false)
		w.tell(report{Done: true})
	}
	return nil
}

// writer does what launchers, supervisors and readers do, one operation after the other.
type writer struct {
	orders writerOrders
	own    string
	sys    record.System
	cache  *progress.Cache
	rng    *rand.Rand
	stop   atomic.Bool

	mu  sync.Mutex
	out io.Writer

	runs    []*job
	made    int // runs, documents and journals, for their names
	docs    []documentOf
	journal *journal.Writer
	lock    *record.LauncherLock
	events  int64           // in the journal
	pending []journal.Event // what the launcher has yet to write into it
	lines   int64
}

// job is a run's work dir, and what its writer knows of it.
type job struct {
	dir    string
	view   record.View
	tenure *record.Tenure
	epochs int64
}

// begun says whether the attempt has a supervisor.
func (r *job) begun() bool { return r.tenure != nil }

// waits says whether an attempt was claimed and nobody has begun it.
func (r *job) waits() bool { return r.view.Claim != nil && r.view.End == nil && r.tenure == nil }

type documentOf struct {
	path   string
	number int64
}

// obey does a command.
func (w *writer) obey(c command) error {
	all := operations()
	for i := 0; i < c.Count && !w.stop.Load(); i++ {
		if err := w.do(all[w.rng.IntN(len(all))]); err != nil {
			return err
		}
	}
	if c.Last != "" {
		for _, op := range all {
			if op.name == c.Last {
				return w.do(op)
			}
		}
		return fmt.Errorf("no operation %q", c.Last)
	}
	return nil
}

func (w *writer) do(op operation) error {
	w.tell(report{Op: op.name})
	if err := w.catchUp(); err != nil {
		return err
	}
	if err := op.do(w); err != nil {
		return fmt.Errorf("%s: %w", op.name, err)
	}
	return nil
}

// acknowledged tells of a fact, after the call that made it durable has returned.
func (w *writer) acknowledged(kind, path, want string, number int64) {
	w.tell(report{Fact: &fact{kind, path, want, number}})
}

func (w *writer) tell(r report) {
	line, err := json.Marshal(r)
	if err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out.Write(append(line, '\n')) // nobody is there to hear of an error
}
