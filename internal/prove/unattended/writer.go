package unattended

import (
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"runsheet/internal/record"
)

// how says in which way a writer puts bytes into a file.
type how int

const (
	adds     how = iota // at the end of the file
	begins              // opens it anew, empty, and writes
	replaces            // writes another file beside it, and renames that over it
)

// step is one thing that a writer does. It may die at each byte of it.
type step struct {
	how  how
	path string // below the work dir; below the attempt's own directory where it begins with "@"
	data string
	done int64 // units of the work that are complete once it is done
	redo int64 // of these, units that the next attempt does once more: it does not know better
	back int   // adds: so many bytes at the end of the file are written over
	doc  bool  // a part of it makes no sense: where one is left, the reason of the run names the file
}

// The files of an attempt of ours.
var (
	ourLog      = "@" + record.LogPath("")      // what the command prints
	ourReport   = "@" + record.ReportedPath("") // what RUNSHEET_PROGRESS names
	ourMeasured = "@" + record.MeasuredPath("") // what the sheet's command for progress printed
)

// leaves says what a file holds from the place on at which its writer died.
type leaves int

const (
	nothing leaves = iota // it ends there
	nuls                  // the length is that of the whole, and NULs take the place of what was never on the disk
	hollow                // nothing at all, although it has its name: a power cut between the rename and the data
)

func (l leaves) String() string {
	return [...]string{"torn", "NULs from there", "empty under its name"}[l]
}

// point is where a writer dies: after n bytes of a step; step -1: before it wrote anything.
type point struct {
	step, n int
	leaves  leaves
}

// points lists the places at which the writer of steps can die.
func points(steps []step) []point {
	out := []point{{step: -1}}
	for k, s := range steps {
		first := 0
		if s.how == adds {
			first = 1 // with no byte of it, it is as after the step before
		}
		for n := first; n <= len(s.data); n++ {
			out = append(out, point{step: k, n: n})
		}
		if len(s.data) > 0 {
			out = append(out, point{k, 0, nuls}, point{k, len(s.data) / 2, nuls})
		}
		if s.how == replaces {
			out = append(out, point{k, 0, hollow})
		}
	}
	return out
}

// within says whether the writer dies in the middle of a step, so that something is left of it.
func (p point) within(steps []step) bool {
	return p.step >= 0 && (p.n < len(steps[p.step].data) || p.leaves != nothing)
}

// torn says whether it leaves a part of a step in the file itself.
func (p point) torn(steps []step) bool {
	return p.within(steps) && (steps[p.step].how != replaces || p.leaves != nothing)
}

// describe says where the writer dies, in words.
func (p point) describe(steps []step) string {
	if p.step < 0 {
		return "before it wrote anything"
	}
	s := steps[p.step]
	verb := [...]string{"appends to", "writes", "replaces"}[s.how]
	return fmt.Sprintf("step %d (%s %s), byte %d of %d, %s", p.step, verb, s.path, p.n, len(s.data), p.leaves)
}

// place is where one attempt writes.
type place struct {
	workDir, attemptDir string
	// clock stamps the files that it writes, a second later with each step; zero: they have the stamps of the moment.
	clock time.Time
}

// abs returns the path of a step's file.
func (p *place) abs(rel string) string {
	if name, ours := strings.CutPrefix(rel, "@"); ours {
		return filepath.Join(p.attemptDir, name)
	}
	return filepath.Join(p.workDir, filepath.FromSlash(rel))
}

// write does a step whole.
func (p *place) write(s step) error { return p.writePart(s, len(s.data), nothing) }

// writePart does the first n bytes of a step, and leaves the file as the writer's death does.
func (p *place) writePart(s step, n int, left leaves) error {
	to := p.abs(s.path)
	made := p.workDir
	for dir := path.Dir(strings.TrimPrefix(s.path, "@")); dir != "."; dir = path.Dir(dir) {
		made = filepath.Join(p.workDir, dir)
	}
	if made != p.workDir {
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
	}
	_, err := os.Lstat(to)
	fresh := err != nil
	data := []byte(s.data[:n])
	switch left {
	case nuls:
		data = append(data, make([]byte, len(s.data)-n)...)
	case hollow:
		data = nil
	}
	flag := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if s.how != adds {
		flag = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	at := to
	if s.how == replaces {
		at += ".tmp"
	}
	if s.back > 0 {
		flag = os.O_RDWR
	}
	if !p.clock.IsZero() {
		p.clock = p.clock.Add(time.Second)
	}
	f, err := os.OpenFile(at, flag, 0o600)
	if err != nil {
		return err
	}
	if s.back > 0 {
		_, err = f.Seek(-int64(s.back), io.SeekEnd)
	}
	if err == nil {
		_, err = f.Write(data)
	}
	if err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := p.stamp(at); err != nil {
		return err
	}
	if at != to && (n == len(s.data) || left != nothing) {
		if err := os.Rename(at, to); err != nil {
			return err
		}
	}
	if fresh && made != p.workDir { // a new name changes its directory
		return p.stamp(filepath.Dir(to))
	}
	return nil
}

// stamp gives a file the time of the writer's clock.
func (p *place) stamp(path string) error {
	if p.clock.IsZero() {
		return nil
	}
	return os.Chtimes(path, p.clock, p.clock)
}

// writeUpTo does all steps up to the point of death.
func (p *place) writeUpTo(steps []step, at point) error {
	for k := 0; k <= at.step; k++ {
		if err := p.writeStep(steps, k, at); err != nil {
			return err
		}
	}
	return nil
}

// writeStep does one of the steps, up to the point of death.
func (p *place) writeStep(steps []step, k int, at point) error {
	if k < at.step {
		return p.write(steps[k])
	}
	return p.writePart(steps[k], at.n, at.leaves)
}

// end is the point behind the last of some steps.
func end(steps []step) point {
	if len(steps) == 0 {
		return point{step: -1}
	}
	return point{step: len(steps) - 1, n: len(steps[len(steps)-1].data)}
}
