package launcher

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"runsheet/internal/durable"
)

// watcher tells of changes in the directories of live attempts: one inotify instance with watches that move along. It
// only makes things quick; what it misses is seen by polling.
//
// It does not use fsnotify, which always asks for IN_MODIFY as well: a training log that writes a thousand lines a
// second would wake the launcher a thousand times.
type watcher struct {
	file  *os.File // nil: there is no inotify
	wake  chan struct{}
	mu    sync.Mutex
	byWD  map[int32]watched
	byDir map[string]int32    // directory -> watch
	fresh map[string]struct{} // work dirs that something was heard of
	works map[string]followed // by work dir
}

type watched struct{ dir, workDir string }

// followed is what is watched of a work dir.
type followed struct {
	dirs []string // as they were asked for
	all  bool     // every one of them, and nobody can write to them behind our back
}

// mask is what is heard of: files finished, made, moved in or linked.
const mask = unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_CLOSE_WRITE | unix.IN_DELETE_SELF | unix.IN_MOVE_SELF | unix.IN_ONLYDIR

func newWatcher() *watcher {
	w := &watcher{wake: make(chan struct{}, 1), byWD: map[int32]watched{}, byDir: map[string]int32{},
		fresh: map[string]struct{}{}, works: map[string]followed{}}
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return w // the limit of instances per user; polling does
	}
	w.file = os.NewFile(uintptr(fd), "inotify")
	go w.read()
	return w
}

func (w *watcher) close() {
	if w.file != nil {
		w.file.Close()
	}
}

// changes tells that something was heard since heard was called last.
func (w *watcher) changes() <-chan struct{} { return w.wake }

// heard returns the work dirs that something was heard of since the last call.
func (w *watcher) heard() map[string]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make(map[string]bool, len(w.fresh))
	for dir := range w.fresh {
		out[dir] = true
	}
	clear(w.fresh)
	return out
}

// follows says whether changes in a work dir will be heard of: it is watched, and no other machine can write to it
// behind our back.
func (w *watcher) follows(workDir string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.works[workDir].all
}

// follow makes the watches those of the given work dirs: of each the listed directories, and the newest directory
// right below the work dir, in which the next evidence appears. It says whether there are new ones: what happened
// before is not heard of.
func (w *watcher) follow(want map[string][]string) (fresh bool) {
	if w.file == nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for dir, wd := range w.byDir {
		if _, ok := want[w.byWD[wd].workDir]; !ok {
			w.drop(dir)
		}
	}
	for workDir, dirs := range want {
		if slices.Equal(w.works[workDir].dirs, dirs) {
			continue
		}
		fresh = true
		kind, err := durable.FileSystemOf(workDir)
		all := err == nil && kind.Local
		for _, dir := range dirs {
			all = w.add(dir, workDir) && all
		}
		if newest := newestBelow(workDir); newest != "" {
			w.add(newest, workDir)
		}
		w.works[workDir] = followed{dirs, all}
	}
	for workDir := range w.works {
		if _, ok := want[workDir]; !ok {
			delete(w.works, workDir)
		}
	}
	return fresh
}

func (w *watcher) add(dir, workDir string) bool {
	if _, ok := w.byDir[dir]; ok {
		return true
	}
	var wd int
	var err error
	raw, cerr := w.file.SyscallConn()
	if cerr == nil {
		cerr = raw.Control(func(fd uintptr) { wd, err = unix.InotifyAddWatch(int(fd), dir, mask) })
	}
	if cerr != nil || err != nil {
		return false // gone, or the limit of watches per user
	}
	w.byDir[dir], w.byWD[int32(wd)] = int32(wd), watched{dir, workDir}
	return true
}

func (w *watcher) drop(dir string) {
	wd := w.byDir[dir]
	if raw, err := w.file.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { unix.InotifyRmWatch(int(fd), uint32(wd)) })
	}
	delete(w.byDir, dir)
	delete(w.byWD, wd)
}

// read takes events in until the instance is closed.
func (w *watcher) read() {
	buf := make([]byte, 64<<10)
	for {
		n, err := w.file.Read(buf)
		if errors.Is(err, fs.ErrClosed) || err != nil && n <= 0 {
			return
		}
		w.take(buf[:n])
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// take takes a buffer of struct inotify_event in (inotify(7)).
func (w *watcher) take(buf []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(buf) >= unix.SizeofInotifyEvent {
		wd := int32(binary.NativeEndian.Uint32(buf))
		what := binary.NativeEndian.Uint32(buf[4:])
		size := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(buf[12:]))
		if size > len(buf) {
			return
		}
		name := string(bytes.TrimRight(buf[unix.SizeofInotifyEvent:size], "\x00"))
		buf = buf[size:]
		from, ok := w.byWD[wd]
		if !ok {
			continue
		}
		w.fresh[from.workDir] = struct{}{}
		switch {
		case what&unix.IN_IGNORED != 0:
			delete(w.byDir, from.dir)
			delete(w.byWD, wd)
		case what&unix.IN_ISDIR != 0 && from.dir == from.workDir && name != "":
			// The watch below the work dir moves along to the newest directory.
			for dir, at := range w.byDir {
				if w.byWD[at].workDir == from.workDir && filepath.Dir(dir) == from.workDir && dir != from.workDir {
					w.drop(dir)
				}
			}
			w.add(filepath.Join(from.workDir, name), from.workDir)
		}
	}
}

// newestBelow returns the directory right below dir that was changed last, hidden ones aside; "" where there is none.
func newestBelow(dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	newest, at := "", int64(0)
	for _, e := range entries {
		if !e.IsDir() || e.Name()[0] == '.' {
			continue
		}
		if info, err := e.Info(); err == nil && info.ModTime().UnixNano() > at {
			newest, at = filepath.Join(dir, e.Name()), info.ModTime().UnixNano()
		}
	}
	return newest
}
