package durable

import (
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"
)

// underway are the operations of this process that the operating system has not answered yet. A call into a file system
// that hangs cannot be called off, so whoever does not want to wait for it must be able to tell that it hangs: a long
// reading of many answers is something else.
var underway struct {
	sync.Mutex
	operations map[*operation]struct{}
}

type operation struct {
	path    string
	since   time.Time
	givenUp bool // nobody waits for it any more
}

// asked notes that an operation on path begins; answered is to be called when it is over.
func asked(path string) *operation {
	o := &operation{path: path, since: time.Now()}
	underway.Lock()
	if underway.operations == nil {
		underway.operations = map[*operation]struct{}{}
	}
	underway.operations[o] = struct{}{}
	underway.Unlock()
	return o
}

func (o *operation) answered() {
	underway.Lock()
	delete(underway.operations, o)
	underway.Unlock()
}

// Unanswered returns since when this process has waited for the oldest operation on path, or on something below it, that
// its file system has not answered yet. ok is false where it waits for none.
func Unanswered(path string) (since time.Time, ok bool) {
	underway.Lock()
	defer underway.Unlock()
	for o := range underway.operations {
		if !o.givenUp && below(o.path, path) && (!ok || o.since.Before(since)) {
			since, ok = o.since, true
		}
	}
	return since, ok
}

// GiveUp says that nobody waits any more for what has been under way since then, or longer, on path or on something below
// it: Unanswered does not tell of it.
func GiveUp(path string, since time.Time) {
	underway.Lock()
	defer underway.Unlock()
	for o := range underway.operations {
		o.givenUp = o.givenUp || !o.since.After(since) && below(o.path, path)
	}
}

// below says whether path is dir, or lies below it, by its text.
func below(path, dir string) bool {
	rest, ok := strings.CutPrefix(path, dir)
	return ok && (rest == "" || rest[0] == '/' || strings.HasSuffix(dir, "/"))
}

// Ask runs f, which touches path without a Disk, and lets Unanswered tell of it meanwhile.
func Ask(path string, f func()) {
	defer asked(path).answered()
	f()
}

type osFile struct{ f *os.File }

func (f osFile) OS() *os.File { return f.f }
func (f osFile) Name() string { return f.f.Name() }

func (f osFile) Read(p []byte) (int, error) {
	defer asked(f.f.Name()).answered()
	return f.f.Read(p)
}

func (f osFile) ReadAt(p []byte, off int64) (int, error) {
	defer asked(f.f.Name()).answered()
	return f.f.ReadAt(p, off)
}

func (f osFile) Write(p []byte) (int, error) {
	defer asked(f.f.Name()).answered()
	return f.f.Write(p)
}

func (f osFile) WriteAt(p []byte, off int64) (int, error) {
	defer asked(f.f.Name()).answered()
	return f.f.WriteAt(p, off)
}

func (f osFile) Sync() error {
	defer asked(f.f.Name()).answered()
	return f.f.Sync()
}

func (f osFile) Truncate(size int64) error {
	defer asked(f.f.Name()).answered()
	return f.f.Truncate(size)
}

func (f osFile) Stat() (fs.FileInfo, error) {
	defer asked(f.f.Name()).answered()
	return f.f.Stat()
}

func (f osFile) Close() error {
	defer asked(f.f.Name()).answered()
	return f.f.Close()
}
