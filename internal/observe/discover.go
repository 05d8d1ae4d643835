package observe

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

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
// What lies below a run belongs to it. Symbolic links are not followed, hidden directories and what the kernel makes up
// (/proc, /sys, /dev) not entered, and what cannot be read is passed over. Names are the paths below dir.
func Discover(disk durable.Disk, dir string) ([]runsheet.Run, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if _, err := disk.ReadDir("discover", dir); err != nil {
		return nil, err
	}
	d := discovery{disk: disk, sys: record.NewSystem(disk), root: dir}
	if kind, err := durable.FileSystemOf(dir); err != nil || !kind.Pseudo {
		d.walk(dir, 0, device(disk.Lstat("discover", dir)))
	}
	slices.SortFunc(d.runs, func(a, b runsheet.Run) int { return strings.Compare(a.Name, b.Name) })
	return d.runs, nil
}

type discovery struct {
	disk durable.Disk
	sys  record.System
	root string
	dirs int
	runs []runsheet.Run
}

func (d *discovery) walk(dir string, depth int, dev uint64) {
	if d.dirs++; d.dirs > maxDirs || depth > maxDepth {
		return
	}
	if run, ok := d.recognise(dir); ok {
		d.runs = append(d.runs, run)
		return
	}
	entries, err := d.disk.ReadDir("discover", dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && e.Type()&fs.ModeSymlink == 0 {
			below := filepath.Join(dir, e.Name())
			there := device(e.Info())
			if there != dev && pseudo(below) {
				continue
			}
			d.walk(below, depth+1, there)
		}
	}
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

// recognise makes a run of a directory that is one.
func (d *discovery) recognise(dir string) (runsheet.Run, bool) {
	shown, err := filepath.Rel(d.root, dir)
	if err != nil {
		shown = dir
	}
	run := runsheet.Run{Name: shown, WorkDir: dir, Shown: shown, Progress: runsheet.ProgressSpec{Tracker: "auto"}}
	if v, err := record.Look(d.sys, dir); err != nil {
		return run, true // records that cannot be read are shown, with their error
	} else if v.Claim != nil {
		run.Command, run.Resumed, run.Progress = v.Claim.Identity, v.Claim.Identity, v.Claim.Progress
		return run, true
	}
	return run, tracker.Recognises(d.disk, dir)
}
