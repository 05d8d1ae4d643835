package observe

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
	"runsheet/internal/tracker"
)

// How much of a strange tree is looked at.
const (
	maxDepth = 12
	maxDirs  = 1_000_000
)

// Discover finds the runs below dir: directories that hold records of ours, or evidence that a tracker recognises.
// What lies below a run belongs to it, unless records of ours say otherwise: they are looked for below dir itself and below the
// directories of sheets, whatever evidence lies there. But where several trainings lie in directories of one, as TensorBoard, Lightning
// and MLflow keep them, each is a run, and what only the looks of a log tell of a directory gives way to runs below it.
// Symbolic links are not followed. Hidden directories and those of the kernel (/proc, /sys, /dev) are not entered, and
// unreadable ones are passed over. A mount below dir that does not answer is shown as a run, so that it is not missed.
// Names are the paths below dir.
func Discover(disk durable.Disk, dir string) ([]runsheet.Run, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	type found struct {
		runs []runsheet.Run
		err  error
	}
	// More patience than with what is mounted below: that is found not to answer first.
	out, silent, ok := Try(context.Background(), dir, 4*Patience/3, func() (f found) {
		f.runs, f.err = discover(disk, dir)
		return f
	})
	if !ok {
		return nil, fmt.Errorf("its file system has not answered for %s", runsheet.Span(time.Since(silent)))
	}
	return out.runs, out.err
}

func discover(disk durable.Disk, dir string) ([]runsheet.Run, error) {
	if _, err := disk.ReadDir("discover", dir); err != nil {
		return nil, err
	}
	d := discovery{disk: disk, sys: record.NewSystem(disk), root: dir, real: dir, taken: map[string]bool{}}
	durable.Ask(dir, func() {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			d.real = real
		}
	})
	if kind, err := durable.FileSystemOf(dir); err != nil || !kind.Pseudo {
		d.walk(dir, 0, device(disk.Lstat("discover", dir)), false)
	}
	slices.SortFunc(d.runs, func(a, b runsheet.Run) int { return strings.Compare(a.Name, b.Name) })
	return d.runs, nil
}

type discovery struct {
	disk durable.Disk
	sys  record.System
	root string
	real string // root without symbolic links
	dirs int
	runs []runsheet.Run

	taken map[string]bool // parts of directories above, which are runs already
}

// walk finds the runs in dir and below it. ours: only those that have records of ours.
func (d *discovery) walk(dir string, depth int, dev uint64, ours bool) {
	if d.dirs++; d.dirs > maxDirs || depth > maxDepth {
		return
	}
	if d.taken[dir] {
		return
	}
	if run, ok := d.recorded(dir); ok {
		d.runs = append(d.runs, run)
		return
	}
	if ours {
		d.below(dir, depth, dev, ours)
		return
	}
	what, recognised := tracker.Recognise(d.disk, dir)
	if what.Own {
		if depth == 0 || d.sheets(dir) {
			d.below(dir, depth, dev, true)
		}
		d.runs = append(d.runs, d.stranger(dir))
		return
	}
	// What our own records tell of is no stranger's: the walk below finds it.
	parts := slices.DeleteFunc(slices.Clone(what.Parts), func(p tracker.Part) bool { return d.taken[p.Dir] || d.ours(p.Dir, dir) })
	for _, part := range parts {
		d.taken[part.Dir] = true
	}
	before := len(d.runs)
	d.below(dir, depth, dev, false)
	switch alone := len(d.runs) == before; {
	case recognised && alone && len(parts) == min(len(what.Parts), 1):
		d.runs = append(d.runs, d.stranger(dir)) // all that there is
	default:
		for _, part := range parts {
			run := d.stranger(part.Dir)
			run.Progress = part.Progress
			d.runs = append(d.runs, run)
		}
	}
}

// ours says whether records of ours lie in path or in a directory between it and top.
func (d *discovery) ours(path, top string) bool {
	for ; path != top && strings.HasPrefix(path, top); path = filepath.Dir(path) {
		if _, ok := d.recorded(path); ok {
			return true
		}
	}
	return false
}

// sheets says whether sheets of ours lie in dir: they keep their journals there, and their runs below it as a rule.
func (d *discovery) sheets(dir string) bool {
	_, err := d.disk.Lstat("discover", filepath.Join(dir, record.DirName))
	return err == nil
}

// below walks the directories in dir.
func (d *discovery) below(dir string, depth int, dev uint64, ours bool) {
	entries, err := d.disk.ReadDir("discover", dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && e.Type()&fs.ModeSymlink == 0 {
			if !d.answers(path) {
				d.runs = append(d.runs, d.stranger(path))
				continue
			}
			there := device(e.Info())
			if there != dev && pseudo(path) {
				continue
			}
			d.walk(path, depth+1, there, ours)
		}
	}
}

// answers says whether a directory can be looked at: it is not the mount point of a file system that does not answer.
func (d *discovery) answers(path string) bool {
	if !durable.IsMount(filepath.Join(d.real, strings.TrimPrefix(path, d.root))) {
		return true
	}
	_, _, ok := Try(context.Background(), path, Patience, func() error {
		_, err := d.disk.Lstat("discover", path)
		return err
	})
	return ok
}

// device returns the number of the file system that a file is on; 0: not known.
func device(info fs.FileInfo, err error) uint64 {
	if err != nil {
		return 0
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Dev
	}
	return 0
}

// pseudo says whether the kernel makes up what is below a mount point. Device files are on a tmpfs, or on what looks
// like one.
func pseudo(mount string) bool {
	kind, err := durable.FileSystemOf(mount)
	return err == nil && (kind.Pseudo || mount == "/dev")
}

// stranger makes a run of a directory that holds no records of ours.
func (d *discovery) stranger(dir string) runsheet.Run {
	shown, err := filepath.Rel(d.root, dir)
	if err != nil {
		shown = dir
	}
	return runsheet.Run{Name: shown, WorkDir: dir, Shown: shown, Progress: runsheet.ProgressSpec{Tracker: "auto"}}
}

// recorded makes a run of a directory that holds records of ours.
func (d *discovery) recorded(dir string) (runsheet.Run, bool) {
	run := d.stranger(dir)
	v, err := record.Look(d.sys, dir)
	if err != nil {
		return run, true // records that cannot be read are shown, with their error
	}
	if v.Claim == nil {
		return run, false
	}
	run.Params = named(v.Claim.Run)
	run.Command, run.Resumed, run.Progress = v.Claim.Identity, v.Claim.Identity, v.Claim.Progress
	return run, true
}
