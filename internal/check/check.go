package check

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"runsheet"
	"runsheet/internal/diagnose"
	"runsheet/internal/durable"
	"runsheet/internal/observe"
	"runsheet/internal/record"
)

// Severity says whether a finding means that a rule is broken.
type Severity string

// The severities. Only a Broken finding makes a check fail.
const (
	Broken Severity = "violation" // a rule does not hold
	Noted  Severity = "note"      // worth a line, but nothing is wrong
)

// Violation is one finding.
type Violation struct {
	Severity Severity `json:"severity"`
	Path     string   `json:"path"` // absolute
	What     string   `json:"what"` // what is wrong there; one line, without control characters
	Do       string   `json:"do"`   // what a person should do; one line
}

// String renders the finding as a line, in the form of our errors.
func (v Violation) String() string {
	return fmt.Sprintf("%s: %s: %s (%s)", v.Severity, diagnose.Clean(v.Path), v.What, diagnose.Clean(v.Do))
}

// Failed says whether any rule is broken.
func Failed(findings []Violation) bool {
	return slices.ContainsFunc(findings, func(v Violation) bool { return v.Severity == Broken })
}

// Sheet checks the state directory of a sheet (its journal and its launcher's lock), and then its runs in their order.
// Where ctx is done before the end, what was found until then is returned.
func Sheet(ctx context.Context, disk durable.Disk, sheet *runsheet.Sheet) []Violation {
	return newChecker(disk).sheet(ctx, sheet)
}

// Runs checks runs without a sheet, in their order. Where ctx is done before the end, what was found until then is
// returned.
func Runs(ctx context.Context, disk durable.Disk, runs []runsheet.Run) []Violation {
	return newChecker(disk).runs(ctx, runs)
}

// checker is one check.
type checker struct {
	disk  durable.Disk
	sys   record.System
	pause time.Duration // between the two looks at what is suspected

	workDirs map[string]string // of the runs of the sheet, and their names
}

// secondLook is how long a suspicion is left alone before the second look: far longer than any two steps of ours lie
// apart, but for those that wait for a disk.
const secondLook = 150 * time.Millisecond

func newChecker(disk durable.Disk) *checker {
	disk = readOnly{disk}
	return &checker{disk: disk, sys: record.NewSystem(disk), pause: secondLook, workDirs: map[string]string{}}
}

func (c *checker) sheet(ctx context.Context, sheet *runsheet.Sheet) []Violation {
	for _, r := range sheet.Runs {
		c.workDirs[r.WorkDir] = r.Name
	}
	out := c.sure(ctx, func(f *findings) { c.state(f, record.StateDir(sheet.Dir, sheet.Path)) })
	return append(out, c.runs(ctx, sheet.Runs)...)
}

func (c *checker) runs(ctx context.Context, runs []runsheet.Run) []Violation {
	found := make([][]Violation, len(runs))
	var g errgroup.Group
	g.SetLimit(4 * runtime.GOMAXPROCS(0)) // file servers answer several questions at once
	for i, r := range runs {
		g.Go(func() error {
			found[i] = c.answered(ctx, r)
			return nil
		})
	}
	g.Wait()
	return slices.Concat(found...)
}

// answered checks a run, or says that its file system does not answer: then nobody waits for it.
func (c *checker) answered(ctx context.Context, r runsheet.Run) []Violation {
	found, silent, ok := observe.Try(ctx, r.WorkDir, observe.Patience, func() []Violation {
		return c.sure(ctx, func(f *findings) { c.run(ctx, f, r) })
	})
	if ok || silent.IsZero() {
		return found
	}
	var f findings
	f.broken(r.WorkDir, "check again once it answers", "of %s: its file system has not answered for %s, so that nothing of it was checked",
		r.Name, runsheet.Span(time.Since(silent).Round(time.Second)))
	return f.list
}

// answers says whether the file system of a directory answers.
func answers(dir string) bool {
	_, _, ok := observe.Try(context.Background(), dir, observe.Patience, func() struct{} {
		os.Lstat(dir) //nolint:errcheck // whatever it says
		return struct{}{}
	})
	return ok
}

// run looks at one run once: its records first, its evidence after.
func (c *checker) run(ctx context.Context, f *findings, r runsheet.Run) {
	if info, err := c.disk.Lstat("check", r.WorkDir); err == nil && !info.IsDir() && info.Mode()&fs.ModeSymlink == 0 {
		f.broken(r.WorkDir, "move it away", "a file stands where the work dir of %s is to be", r.Name)
		return
	}
	if v, err := record.Look(c.sys, r.WorkDir); err == nil {
		if theirs := record.Foreign(c.sys, r, v.Claim); theirs != nil {
			f.broken(r.WorkDir, runsheet.ForeignHint(r, *theirs), "of %s: %s: %s", r.Name, runsheet.ForeignReason(r, *theirs), theirs.Identity)
			return
		}
	}
	c.records(f, r.WorkDir)
	ended := false
	if v, err := record.Look(c.sys, r.WorkDir); err == nil {
		ended = v.End != nil
		r.Progress = runsheet.Facts{Claim: v.Claim, End: v.End}.Spec(r.Progress)
	}
	c.progress(ctx, f, r, ended)
}

// sure returns what two looks agree on; where the first finds nothing, there is no second.
func (c *checker) sure(ctx context.Context, look func(f *findings)) []Violation {
	if ctx.Err() != nil {
		return nil
	}
	var first, second findings
	look(&first)
	if len(first.list) == 0 {
		return nil
	}
	t := time.NewTimer(c.pause)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return nil
	case <-t.C:
	}
	look(&second)
	return slices.DeleteFunc(second.list, func(v Violation) bool { return !slices.Contains(first.list, v) })
}

// findings collects what one look finds. What it says must not depend on the moment, or two looks would not agree.
type findings struct{ list []Violation }

// broken adds a broken rule.
func (f *findings) broken(path, do, format string, args ...any) {
	f.add(Broken, path, do, format, args)
}

// note adds what is worth a line.
func (f *findings) note(path, do, format string, args ...any) { f.add(Noted, path, do, format, args) }

func (f *findings) add(s Severity, path, do, format string, args []any) {
	v := Violation{s, path, diagnose.Clean(fmt.Sprintf(format, args...)), diagnose.Clean(do)}
	if !slices.Contains(f.list, v) {
		f.list = append(f.list, v)
	}
}
