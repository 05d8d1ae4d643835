package progress

import (
	"time"

	"runsheet/internal/durable"
	"runsheet/internal/tracker"
)

// How long after a change another one may get the same stamp.
const (
	// fineTick: Linux stamps files with the time of the last timer interrupt, at most 10 ms ago (HZ=100). Twice that,
	// since the stamp lags behind the clock that is read here by up to one interrupt.
	fineTick = 20 * time.Millisecond
	// coarseTick is for local file systems that keep whole seconds.
	coarseTick = 2 * time.Second
	// networkTick is how long a client may answer from memory: acdirmax of NFS, the longest of its usual times.
	networkTick = time.Minute
)

// Tick tells how long after a change another one may still get the same stamp, on the file systems that the work dir
// and what its links lead to lie on.
func Tick(workDir string, witnesses []tracker.Witness) time.Duration {
	paths := []string{workDir}
	fine, stamped := false, false
	see := func(s tracker.Stamp) {
		if s.CTime != 0 {
			stamped = true
			fine = fine || s.CTime%int64(time.Second) != 0
		}
	}
	for _, w := range witnesses {
		see(w.Stamp)
		if w.Target != nil {
			see(*w.Target)
			paths = append(paths, w.Abs(workDir))
		}
	}
	if !stamped {
		return 0 // nothing is there that could be changed unseen
	}
	for _, p := range paths {
		// A dangling link lies on no file system, and has no stamp either.
		if fs, err := durable.FileSystemOf(p); err == nil && !fs.Local {
			return networkTick
		}
	}
	if fine {
		return fineTick
	}
	return coarseTick
}
