package readers

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"runsheet"
)

// The kinds of evidence.
const (
	kindEpochs  = "epochs"
	kindForeign = "foreign"
)

const (
	total     = 1000 // epochs
	maxEpochs = 12   // directories: few, so that reading them is quick
)

// specOf is what the readers ask for.
func specOf(kind string) runsheet.ProgressSpec {
	if kind == kindForeign {
		return runsheet.ProgressSpec{Tracker: "auto"}
	}
	return runsheet.ProgressSpec{Tracker: "auto", Total: total}
}

// stateOf is the state that an answer tells.
func stateOf(kind string, p runsheet.Progress) state {
	if kind == kindForeign {
		return state{p.Completed, p.Total}
	}
	return state{p.Completed, int64(p.Metrics["mark"])}
}

// evidence is what training code leaves, changed one step at a time.
type evidence interface {
	// step changes something.
	step() error
	// once changes something with one operation, which nobody sees half done.
	once() error
	// unharmed says what became of the training code's own files that it did not do.
	unharmed() error
}

// epochs is training that writes directories. Each holds a mark in its scores, whose last digit can be changed in place
// without a change of size, inode or, within a tick, stamp.
type epochs struct {
	b         *board
	dir, side string // side: where things are prepared, on the same file system
	rng       *rand.Rand
	marks     []int64 // of the complete epochs
	next      int64
	made      int
}

func newEpochs(b *board, dir, side string, rng *rand.Rand) *epochs {
	return &epochs{b: b, dir: dir, side: side, rng: rng, next: 100_000}
}

var epochFiles = []string{"training_losses.pt", "optimizer_buffer.json", "validation_scores.json"}

func scores(mark int64) []byte {
	return fmt.Appendf(nil, `{"aggregated": {"loss": NaN, "mark": %d}, "per_datapoint": {"mark": [NaN, 1, %d]}}`, mark, mark)
}

// digit is where the last digit of the mark stands.
func digit(mark int64) int64 {
	return int64(bytes.IndexByte(scores(mark), '}')) - 1
}

func (e *epochs) mark() int64 {
	e.next += 10
	return e.next
}

func (e *epochs) epoch(n int) string { return filepath.Join(e.dir, "epoch_"+strconv.Itoa(n)) }

// aside returns a new name on the side.
func (e *epochs) aside() string {
	e.made++
	return filepath.Join(e.side, strconv.Itoa(e.made))
}

// is the state with these marks.
func (e *epochs) is(marks []int64) state {
	if len(marks) == 0 {
		return state{}
	}
	return state{int64(len(marks)), marks[len(marks)-1]}
}

// to changes the evidence to these marks by op.
func (e *epochs) to(marks []int64, op func() error) error {
	e.marks = marks
	return e.b.change(e.is(marks), op)
}

func (e *epochs) step() error {
	if n := len(e.marks); n < maxEpochs && e.rng.IntN(3) == 0 {
		return e.written()
	}
	return e.once()
}

func (e *epochs) once() error {
	n := len(e.marks)
	choice := e.rng.IntN(12)
	switch {
	case n == 0 || n < maxEpochs && choice < 3:
		return e.staged()
	case n == maxEpochs || choice == 3:
		return e.dropped()
	case choice < 10:
		return e.poked()
	}
	return e.rewritten()
}

// staged completes the next epoch by one rename.
func (e *epochs) staged() error {
	n, mark, at := len(e.marks), e.mark(), e.aside()
	if err := os.Mkdir(at, 0o777); err != nil {
		return err
	}
	for _, f := range epochFiles {
		if err := os.WriteFile(filepath.Join(at, f), scores(mark), 0o666); err != nil {
			return err
		}
	}
	return e.to(append(e.marks[:n:n], mark), func() error { return os.Rename(at, e.epoch(n)) })
}

// written completes the next epoch as training code does: a directory, two files written in place, the scores by
// rename.
func (e *epochs) written() error {
	n, mark := len(e.marks), e.mark()
	if err := os.Mkdir(e.epoch(n), 0o777); err != nil {
		return err
	}
	for _, f := range epochFiles[:2] {
		if err := os.WriteFile(filepath.Join(e.epoch(n), f), []byte("[]"), 0o666); err != nil {
			return err
		}
	}
	tmp := filepath.Join(e.epoch(n), "json_x.tmp")
	if err := os.WriteFile(tmp, scores(mark), 0o666); err != nil {
		return err
	}
	return e.to(append(e.marks[:n:n], mark), func() error { return os.Rename(tmp, filepath.Join(e.epoch(n), epochFiles[2])) })
}

// dropped takes the last epoch away. It is kept, so that its inodes are not given to another.
func (e *epochs) dropped() error {
	n := len(e.marks) - 1
	at := e.aside()
	return e.to(e.marks[:n:n], func() error { return os.Rename(e.epoch(n), at) })
}

// poked changes one digit of the last scores in place.
func (e *epochs) poked() error {
	n := len(e.marks) - 1
	old := e.marks[n]
	mark := old/10*10 + (old+1+e.rng.Int64N(9))%10
	f, err := os.OpenFile(filepath.Join(e.epoch(n), epochFiles[2]), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return e.to(append(e.marks[:n:n], mark), func() error {
		_, err := f.WriteAt([]byte{byte('0' + mark%10)}, digit(mark))
		return err
	})
}

// rewritten replaces the last scores by rename.
func (e *epochs) rewritten() error {
	n, mark, tmp := len(e.marks)-1, e.mark(), e.aside()
	if err := os.WriteFile(tmp, scores(mark), 0o666); err != nil {
		return err
	}
	return e.to(append(e.marks[:n:n], mark), func() error { return os.Rename(tmp, filepath.Join(e.epoch(n), epochFiles[2])) })
}

func (e *epochs) unharmed() error { return nil }

// foreign is training code that writes its own progress.json, in place: truncate, and write. Every document has the
// same size, so that only stamps tell them apart, and fits a page, so that no single read mixes two of them.
type foreign struct {
	b      *board
	path   string
	rng    *rand.Rand
	pieces bool // written in two pieces
	last   []byte
}

func (f *foreign) step() error {
	v := f.b.begun.Load() + 1
	s := state{200_000 + f.rng.Int64N(700_000), 1_000_000 + v%900_000}
	f.last = fmt.Appendf(nil, `{"completed_epochs": %d, "progress_percentage": %.4f, "early_stopped": false, `+
		`"early_stopped_at_epoch": null, "runner_type": "trainer", "history": %q, "total_epochs": %d}`,
		s.completed, 100*float64(s.completed)/float64(s.mark), bytes.Repeat([]byte("x"), 300), s.mark)
	return f.b.change(s, func() error {
		out, err := os.OpenFile(f.path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
		if err != nil {
			return err
		}
		defer out.Close()
		at := 0
		if f.pieces && f.rng.IntN(2) == 0 {
			at = f.rng.IntN(len(f.last))
			if _, err := out.Write(f.last[:at]); err != nil {
				return err
			}
			time.Sleep(time.Duration(f.rng.IntN(1000)) * time.Microsecond)
		}
		_, err = out.Write(f.last[at:])
		return err
	})
}

func (f *foreign) once() error { return f.step() }

func (f *foreign) unharmed() error {
	data, err := os.ReadFile(f.path)
	if err == nil && !bytes.Equal(data, f.last) {
		err = fmt.Errorf("it holds %d bytes that the training code did not write: %.200q", len(data), data)
	}
	return err
}
