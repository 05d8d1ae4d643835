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

type listing struct {
	dir, pattern string
	stamp        Stamp
	names        []string
}

// Newest returns when a log of the run in the work dir changed last; zero if there is none. The sheet's glob decides
// which they are, else the tracker named source. The stamps of directories are trusted once they are older than tick.
func (l *Logs) Newest(disk durable.Disk, workDir, source string, spec runsheet.ProgressSpec, now time.Time, tick time.Duration) time.Time {
	glob := spec.Log
	if t, ok := ByName(source); glob == "" && ok {
		glob = t.Logs()
	}
	if glob = path.Clean(glob); glob == "." || !filepath.IsLocal(glob) {
		return time.Time{}
	}
	var newest int64
	see := func(file string) {
		st, target, _ := look(disk, file)
		if st = (found{stamp: st, target: target}).resolved(); st.Kind == Regular {
			newest = max(newest, st.MTime)
		}
	}
	dirs := []string{workDir}
	segments := strings.Split(glob, "/")
	for i, seg := range segments {
		last := i == len(segments)-1
		if !strings.ContainsAny(seg, `*?[\`) {
			for j := range dirs {
				dirs[j] = filepath.Join(dirs[j], seg)
			}
			if last {
				for _, f := range dirs {
					see(f)
				}
			}
			continue
		}
		var below []string
		for _, dir := range dirs {
			for _, name := range l.list(disk, dir, seg, len(dirs) == 1 && last, now, tick) {
				if file := filepath.Join(dir, name); last {
					see(file)
				} else {
					below = append(below, file)
				}
			}
		}
		dirs = below[max(0, len(below)-maxLogFiles):]
	}
	if newest == 0 {
		return time.Time{}
	}
	return time.Unix(0, min(newest, now.UnixNano()))
}

// list returns the names in dir that match pattern.
func (l *Logs) list(disk durable.Disk, dir, pattern string, keep bool, now time.Time, tick time.Duration) []string {
	st := LookAt(disk, dir)
	if known := l.last.Load(); keep && known != nil && known.dir == dir && known.pattern == pattern && known.stamp == st {
		return known.names
	}
	entries, err := disk.ReadDir("progress", dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if ok, err := path.Match(pattern, e.Name()); ok && err == nil && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	names = names[max(0, len(names)-maxLogFiles):]
	if age := now.Sub(time.Unix(0, st.Newest())); keep && age >= tick {
		l.last.Store(&listing{dir, pattern, st, names})
	}
	return names
}
