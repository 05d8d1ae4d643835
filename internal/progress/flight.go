package progress

import (
	"sync"

	"runsheet"
)

// flights are the callers of one process that are waiting for or computing a document. An entry lives only as long as
// somebody uses it, so that their number does not grow with the number of files ever seen.
type flights struct {
	mu sync.Mutex
	m  map[string]*flight
}

// flight is one document that callers wait for.
type flight struct {
	users int           // under flights.mu
	turn  chan struct{} // holds one token: whoever put it there may compute
	last  *shared       // under turn: the last result, for those who came before it was begun
}

// shared is a result for other callers of this process.
type shared struct {
	began    uint64 // in the order of Cache.seq
	digest   string
	progress runsheet.Progress
}

func (fs *flights) join(key string) *flight {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f := fs.m[key]
	if f == nil {
		f = &flight{turn: make(chan struct{}, 1)}
		fs.m[key] = f
	}
	f.users++
	return f
}

func (fs *flights) leave(key string, f *flight) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f.users--; f.users == 0 {
		delete(fs.m, key)
	}
}
