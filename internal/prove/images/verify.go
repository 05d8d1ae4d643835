package images

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/check"
	"runsheet/internal/durable"
	"runsheet/internal/journal"
	"runsheet/internal/proc"
	"runsheet/internal/progress"
	"runsheet/internal/record"
)

// image is a clone, and what it must hold.
type image struct {
	Kind  int    // of kinds
	File  string // the clone
	At    string // where the original is mounted, and the clone is over it: records hold absolute paths
	Facts []fact
}

// finding is what came of looking at an image.
type finding struct {
	mu sync.Mutex

	Wrong     []string
	Whole     int // documents that were read
	Recovered int // attempts without an end
}

// verify mounts an image, which brings back what the file system's own log holds, and looks.
func verify(ctx context.Context, im image, _ func(string, ...any)) (f *finding, err error) {
	f = &finding{}
	k := kinds[im.Kind]
	if err := k.mount(im.File, im.At, k.clone); err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, unix.Unmount(im.At, 0)) }()
	for _, fact := range im.Facts {
		if why := fact.holds(); why != "" {
			f.wrong("acknowledged and lost: %s: it %s", fact, why)
		}
	}
	broken, whole, err := torn(im.At)
	if err != nil {
		return f, err
	}
	f.Whole = whole
	for _, b := range broken {
		f.wrong("torn: %s", b)
	}
	if len(f.Wrong) > 0 {
		return f, nil
	}
	err = f.recover(ctx, im)
	return f, err
}

// recover does what the next launchers do, and then checks everything.
func (f *finding) recover(ctx context.Context, im image) error {
	sheets, err := projects(im.At)
	if err != nil {
		return err
	}
	var launchers errgroup.Group
	launchers.SetLimit(8) // they wait for the disk
	for _, sheet := range sheets {
		launchers.Go(func() error {
			f.project(ctx, sheet)
			return nil
		})
	}
	launchers.Wait()
	for _, fact := range im.Facts {
		if why := fact.holds(); why != "" && fact.Kind != progressFact { // the evidence itself may be older
			f.wrong("lost by the recovery: %s: it %s", fact, why)
		}
	}
	return ctx.Err()
}

// project recovers and checks one sheet.
func (f *finding) project(ctx context.Context, sheet *runsheet.Sheet) {
	state := record.StateDir(sheet.Dir, sheet.Path)
	lock, _, err := record.HoldSheet(durable.OS(), proc.System(), state)
	if err != nil {
		f.wrong("%s: cannot be held: %v", state, err)
		return
	}
	defer lock.Release()
	for _, r := range sheet.Runs {
		f.sameProgress(ctx, r)
		if err := f.takeOver(ctx, r.WorkDir); err != nil {
			f.wrong("%s: cannot be recovered: %v", r.WorkDir, err)
		}
	}
	j, err := journal.Open(durable.OS(), state, record.JournalPath(state))
	if err == nil {
		err = errors.Join(j.Append(journal.Event{Kind: journal.LauncherStarted, Text: "after the crash"}), j.Close())
	}
	if err != nil {
		f.wrong("%s: cannot go on: %v", state, err)
	}
	for _, v := range check.Sheet(ctx, durable.OS(), sheet) {
		if v.Severity == check.Broken {
			f.wrong("check: %s", v)
		}
	}
}

func (f *finding) wrong(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Wrong = append(f.Wrong, fmt.Sprintf(format, args...))
}

// sameProgress makes sure that the cache says what the evidence says that is there after the crash.
func (f *finding) sameProgress(ctx context.Context, r runsheet.Run) {
	told := progress.New(durable.OS(), progress.Options{OnDamage: func(path string, err error) {
		f.wrong("torn: %s: %v", path, err)
	}}).Get(ctx, r.WorkDir, r.Progress, false)
	seen := progress.New(durable.OS(), progress.Options{}).Get(ctx, r.WorkDir, r.Progress, true)
	if told.Error != "" || told.Completed != seen.Completed || told.Metrics["epoch"] != seen.Metrics["epoch"] {
		f.wrong("%s: the progress is told as %d epochs %v %s, and the evidence has %d epochs %v %s",
			r.WorkDir, told.Completed, told.Metrics, told.Error, seen.Completed, seen.Metrics, seen.Error)
	}
}

// takeOver writes the ends that the crash prevented.
func (f *finding) takeOver(ctx context.Context, workDir string) error {
	sys := record.NewSystem(durable.OS())
	sys.Procs = rebooted{known{sys.Procs}}
	v, err := record.Look(sys, workDir)
	if err != nil || v.Claim == nil || v.End != nil {
		return err
	}
	f.mu.Lock()
	f.Recovered++
	f.mu.Unlock()
	_, err = record.TakeOver(ctx, sys, record.AttemptDir(workDir, v.Attempt), record.Heir{})
	return err
}

// known is this machine under ids of its own: where the proof runs it may have none.
type known struct{ proc.Procs }

func (k known) Self() runsheet.Process {
	p := k.Procs.Self()
	p.Machine = runsheet.Machine{ID: "images", Random: "images"}
	return p
}

// rebooted is this machine after the crash: another boot, on which nothing of the one before lives.
type rebooted struct{ proc.Procs }

func (r rebooted) Self() runsheet.Process {
	p := r.Procs.Self()
	p.BootID = strings.Repeat("0", len(p.BootID))
	return p
}

func (rebooted) Check(runsheet.Process) proc.State { return proc.Elsewhere }

// projects lists what there is below root: the sheets of the writers, and of nobody for the shared run, with their runs.
func projects(root string) (sheets []*runsheet.Sheet, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != record.DirName {
			return err
		}
		dir := filepath.Dir(path)
		i := slices.IndexFunc(sheets, func(s *runsheet.Sheet) bool { return strings.HasPrefix(dir, filepath.Join(s.Dir, "runs")+"/") })
		run := runsheet.Run{Name: filepath.Base(dir), WorkDir: dir, Progress: spec}
		switch {
		case i >= 0:
			sheets[i].Runs = append(sheets[i].Runs, run)
		case filepath.Base(filepath.Dir(dir)) == "runs": // nobody has opened a journal there
			own := filepath.Dir(filepath.Dir(dir))
			sheets = append(sheets, &runsheet.Sheet{Dir: own, Path: sheetPath(own), Runs: []runsheet.Run{run}})
		default:
			sheets = append(sheets, &runsheet.Sheet{Dir: dir, Path: sheetPath(dir)})
		}
		return fs.SkipDir
	})
	return sheets, err
}
