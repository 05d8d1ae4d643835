package tracker

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"runsheet"
	"runsheet/internal/durable"
)

// Of more logs than this only the last by name are looked at.
const maxLogFiles = 256

// Logs follows the logs of one run: only their stamps, never what they say. It remembers which files there are for as
// long as their directory does not change. It is safe for use by several goroutines; the zero value is ready.
type Logs struct{ last atomic.Pointer[listing] }

// listing is what was found last: it still is what there is, while the directory has that stamp.
type listing struct {
	workDir, source, log string // what was asked for
	dir                  string
	stamp                Stamp
	files                []string
}

// Newest returns when a log of the run in the work dir changed last; zero if there is none. The sheet's glob decides
// which they are, else the tracker named source. The stamps of directories are trusted once they are older than tick.
func (l *Logs) Newest(disk durable.Disk, workDir, source string, spec runsheet.ProgressSpec, now time.Time, tick time.Duration) time.Time {
	known := l.last.Load()
	if known == nil || known.workDir != workDir || known.source != source || known.log != spec.Log || LookAt(disk, known.dir) != known.stamp {
		known = find(disk, workDir, source, spec)
		if age := now.Sub(time.Unix(0, known.stamp.Newest())); known.dir != "" && age >= tick {
			l.last.Store(known)
		}
	}
	var newest int64
	for _, file := range known.files {
		st, target, _ := look(disk, file)
		if st = (found{stamp: st, target: target}).resolved(); st.Kind == Regular {
			newest = max(newest, st.MTime)
		}
	}
	if newest == 0 {
		return time.Time{}
	}
	return time.Unix(0, min(newest, now.UnixNano()))
}

// find looks for the logs. Where they all lie in one directory it says which, as it was before it was read.
func find(disk durable.Disk, workDir, source string, spec runsheet.ProgressSpec) *listing {
	l := &listing{workDir: workDir, source: source, log: spec.Log}
	glob := spec.Log
	if t, ok := ByName(source); glob == "" && ok {
		glob = t.Logs()
	}
	if glob = path.Clean(glob); glob == "." || !filepath.IsLocal(glob) {
		return l
	}
	dirs := []string{workDir}
	segments := strings.Split(glob, "/")
	for i, seg := range segments {
		if !strings.ContainsAny(seg, `*?[\`) {
			for j := range dirs {
				dirs[j] = filepath.Join(dirs[j], seg)
			}
			continue
		}
		if i == len(segments)-1 && len(dirs) == 1 {
			l.dir = dirs[0]
			l.stamp = LookAt(disk, l.dir)
		}
		var below []string
		for _, dir := range dirs {
			below = append(below, list(disk, dir, seg)...)
		}
		dirs = below[max(0, len(below)-maxLogFiles):]
	}
	l.files = dirs
	return l
}

// list returns the paths in dir whose names match pattern, in order.
func list(disk durable.Disk, dir, pattern string) []string {
	entries, err := disk.ReadDir("progress", dir)
	if err != nil {
		return nil
	}
	var files []string
	for _, e := range entries {
		if ok, err := path.Match(pattern, e.Name()); ok && err == nil && !strings.HasPrefix(e.Name(), ".") {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	slices.Sort(files)
	return files[max(0, len(files)-maxLogFiles):]
}
