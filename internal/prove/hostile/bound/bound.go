// Package bound holds what is done with one input to a bound of memory and time, for the fuzz targets of the proof.
// It is imported by tests only, and knows nothing of what they test.
package bound

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

// What one input may cost: the heap that lives at once, in bytes, and the time.
const (
	Memory = 64 << 20
	Time   = 10 * time.Second
)

// runaway is the heap at which nothing is waited for any more: the machine is worth more than the finding.
const runaway = 2 << 30

// again is how often a peak above Memory is measured once more. What f lets go of while a collection runs is counted as
// in use by that collection, more of it the busier the machine is; what really lives at once is there every time.
const again = 2

// glance is how often the heap is looked at.
const glance = 100 * time.Millisecond

// T is what is needed of a *testing.T.
type T interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Do does f, which handles one input, and fails t where it takes more than Memory. A hang of Time, or a heap that runs
// away, ends the process with a panic: that is how a fuzzing engine learns of it.
func Do(t T, f func()) {
	t.Helper()
	began := time.Now()
	var over atomic.Bool
	var watch *time.Timer
	watch = time.AfterFunc(time.Hour, func() { // begun below, once it has its name
		switch {
		case over.Load():
			return
		case time.Since(began) > Time:
			panic(fmt.Sprintf("one input takes longer than %v", Time))
		case read(live) > runaway:
			panic(fmt.Sprintf("one input takes more than %d MiB of memory", runaway>>20))
		}
		watch.Reset(glance)
	})
	watch.Reset(glance)
	before, base := read(allocated), read(marked)
	f()
	took := read(allocated) - before
	over.Store(true)
	watch.Stop()
	if took <= Memory {
		return // what was never allocated cannot have lived at once
	}
	most := peak(f, base)
	for range again {
		if most <= Memory {
			return
		}
		most = min(most, peak(f, base))
	}
	if most > Memory {
		t.Fatalf("one input takes %d MiB of memory at once, and %d MiB in all; at most %d MiB", most>>20, took>>20, Memory>>20)
	}
}

// The figures of the runtime, in bytes: allocated since the process began, in objects that are not yet freed, and in
// objects that the last collection found in use.
const (
	allocated = "/gc/heap/allocs:bytes"
	live      = "/memory/classes/heap/objects:bytes"
	marked    = "/gc/heap/live:bytes"
)

func read(name string) uint64 {
	s := []metrics.Sample{{Name: name}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// peak does f once more, collecting all the time, and returns the most that lived at once beyond base, which is what
// lived before f was done for the first time: its caller may still hold what came of that.
func peak(f func(), base uint64) uint64 {
	runtime.GC()
	base = min(base, read(marked))
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	most, done, ended := uint64(0), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			default:
			}
			runtime.GC()
			if now := read(marked); now > base {
				most = max(most, now-base)
			}
		}
	}()
	f()
	close(done)
	<-ended
	return most
}
