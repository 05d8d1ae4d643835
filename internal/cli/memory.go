package cli

import (
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// spareMemory keeps the memory of a process small that lives for days on a login node, which is everybody's, and has
// little to do there: garbage is collected early, and what a round of the launcher took is given back after it, which the
// runtime by itself does slowly.
func spareMemory() {
	debug.SetGCPercent(10)
	for range time.Tick(10 * time.Second) {
		if idleMemory() > 4<<20 {
			debug.FreeOSMemory()
		}
	}
}

// idleMemory returns how many bytes the heap has of the system beyond what was in use when garbage was last collected.
// Holes between objects are not counted: nothing gives those back.
func idleMemory() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/free:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(samples)
	free, objects, live := samples[0].Value.Uint64(), samples[1].Value.Uint64(), samples[2].Value.Uint64()
	return free + objects - min(live, objects)
}
