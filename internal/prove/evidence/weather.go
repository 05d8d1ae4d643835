package evidence

import "time"

// epoch is when a script begins.
var epoch = time.Unix(1_800_000_000, 0)

// age is longer than anything is young.
const age = time.Hour

// weather is how time passes while a script is played.
type weather struct {
	name  string
	grain time.Duration // of the stamps of the file system
	tick  time.Duration // how long a change may hide behind a stamp: at least twice the grain, as in production
	pause time.Duration // before each step of the writer
	chunk int           // bytes that are read at once
}

// weathers are the ways. A pause longer than the patience of the trackers is a reader that was suspended.
var weathers = []weather{
	{name: "each change with its own stamp", grain: time.Millisecond, tick: 20 * time.Millisecond, pause: 30 * time.Millisecond, chunk: 24},
	{name: "all within one tick", grain: 10 * time.Millisecond, tick: 20 * time.Millisecond, pause: 0, chunk: 40},
	{name: "a reader that is suspended for seconds", grain: 10 * time.Millisecond, tick: 20 * time.Millisecond, pause: 3 * time.Second, chunk: 24},
	{name: "stamps of whole seconds", grain: time.Second, tick: 2 * time.Second, pause: 300 * time.Millisecond, chunk: 32},
}

// warmth is what the reader knows when it begins.
type warmth struct {
	name  string
	reads bool // there was a reading
	lag   int  // how many steps of the writer there were after it
	young bool // of files that had just changed; else of old ones
	same  bool // by the same process
	// soon: the call begins as soon as the last step is done; else when all is old.
	soon bool
	// slice is how many bytes of a growing file are read before that is kept; 0: as in production.
	slice int64
	// off is before which of its operations on the evidence the reading was called off; 0: it was not.
	off int
}

var warmths = []warmth{
	{name: "cold"},
	{name: "cold, young files", soon: true},
	{name: "warm", reads: true},
	{name: "warm, of one step earlier", reads: true, lag: 1},
	{name: "warm, of one step earlier, young files, the same process", reads: true, lag: 1, young: true, same: true, soon: true},
	{name: "warm, of two steps earlier, the same process, young files", reads: true, lag: 2, same: true, soon: true},
	{name: "of a reading in slices of one step earlier, that was called off", reads: true, lag: 1, soon: true, slice: 30, off: 20},
	{name: "of a reading in slices of two steps earlier, that was called off, the same process", reads: true, lag: 2, same: true, slice: 30, off: 30},
}
