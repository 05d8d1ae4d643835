package observe

import (
	"os"

	"golang.org/x/sys/unix"

	"runsheet/internal/durable"
)

// heardOf is what a Listener is told of: files made, linked, written and closed. A process that dies closes its files.
const heardOf = unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_MODIFY | unix.IN_CLOSE_WRITE | unix.IN_ONLYDIR

// A Listener tells that something happened in some directories. It only makes things quick: what happens on another machine
// is not heard of, so whoever waits looks now and then as well.
type Listener struct {
	file *os.File // nil: there is no inotify
	fd   int
	wake chan struct{}
	dirs map[string]bool // whether a directory is watched
}

// Listen returns a Listener of no directory yet.
func Listen() *Listener {
	l := &Listener{wake: make(chan struct{}, 1), dirs: map[string]bool{}}
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return l // the limit of instances per user
	}
	l.file, l.fd = os.NewFile(uintptr(fd), "inotify"), fd
	go l.read()
	return l
}

// To adds a directory, and says whether all that happens there from now on is heard of.
func (l *Listener) To(dir string) bool {
	if l.file == nil || l.dirs[dir] {
		return l.dirs[dir]
	}
	kind, err := durable.FileSystemOf(dir)
	if err == nil {
		durable.Ask(dir, func() { _, err = unix.InotifyAddWatch(l.fd, dir, heardOf) })
	}
	if err == nil && kind.Local {
		l.dirs[dir] = true
	}
	return l.dirs[dir]
}

// Heard gets a value after something happened.
func (l *Listener) Heard() <-chan struct{} { return l.wake }

// Close ends listening.
func (l *Listener) Close() {
	if l.file != nil {
		l.file.Close()
	}
}

func (l *Listener) read() {
	buf := make([]byte, 64<<10)
	for {
		if n, err := l.file.Read(buf); err != nil || n <= 0 {
			return
		}
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}
