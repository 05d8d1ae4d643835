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
	fd    int      // of file: it may be closed while a file system keeps a call waiting
	wake  chan struct{}
	mu    sync.Mutex
	byWD  map[int32]watched
	byDir map[string]int32    // directory -> watch
	fresh map[string]struct{} // work dirs that something was heard of
	works map[string]followed // by work dir
	// try does what touches the files below a work dir, and says whether it was done in time.
	try func(workDir string, f func()) bool
}

type watched struct{ dir, workDir string }

// followed is what is watched of a work dir.
type followed struct {
	dirs []string // as they were asked for
	all  bool     // every one of them, and nobody can write to them behind our back
}

// mask is what is heard of: files finished, made, moved in or linked.
const mask = unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_CLOSE_WRITE | unix.IN_DELETE_SELF | unix.IN_MOVE_SELF | unix.IN_ONLYDIR

func newWatcher(try func(workDir string, f func()) bool) *watcher {
	w := &watcher{wake: make(chan struct{}, 1), byWD: map[int32]watched{}, byDir: map[string]int32{},
		fresh: map[string]struct{}{}, works: map[string]followed{}, try: try}
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return w // the limit of instances per user; polling does
	}
	w.file, w.fd = os.NewFile(uintptr(fd), "inotify"), fd
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
	for workDir, dirs := range w.changed(want) {
		var all bool
		if !w.try(workDir, func() { all = w.watch(workDir, dirs) }) {
			continue // it is tried again, once its file system answers
		}
		fresh = true
		w.mu.Lock()
		w.works[workDir] = followed{dirs, all}
		w.mu.Unlock()
	}
	return fresh
}

// changed drops the watches that are not wanted any more, and returns what is not watched as it is wanted.
func (w *watcher) changed(want map[string][]string) map[string][]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for dir, wd := range w.byDir {
		if _, ok := want[w.byWD[wd].workDir]; !ok {
			w.drop(dir)
		}
	}
	for workDir := range w.works {
		if _, ok := want[workDir]; !ok {
			delete(w.works, workDir)
		}
	}
	out := map[string][]string{}
	for workDir, dirs := range want {
		if !slices.Equal(w.works[workDir].dirs, dirs) {
			out[workDir] = dirs
		}
	}
	return out
}

// watch adds the watches of a work dir, and says whether they tell of everything.
func (w *watcher) watch(workDir string, dirs []string) (all bool) {
	kind, err := durable.FileSystemOf(workDir)
	all = err == nil && kind.Local
	for _, dir := range dirs {
		all = w.add(dir, workDir) && all
	}
	if newest := newestBelow(workDir); newest != "" {
		w.add(newest, workDir)
	}
	return all
}

// add adds a watch. The mutex is not held meanwhile: the file system may not answer.
func (w *watcher) add(dir, workDir string) bool {
	w.mu.Lock()
	_, ok := w.byDir[dir]
	w.mu.Unlock()
	if ok {
		return true
	}
	var wd int
	var err error
	durable.Ask(dir, func() { wd, err = unix.InotifyAddWatch(w.fd, dir, mask) })
	if err != nil {
		return false // gone, or the limit of watches per user
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.byDir[dir], w.byWD[int32(wd)] = int32(wd), watched{dir, workDir}
	return true
}

// drop removes a watch. The caller holds the mutex.
func (w *watcher) drop(dir string) {
	wd := w.byDir[dir]
	unix.InotifyRmWatch(w.fd, uint32(wd))
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
	for _, made := range w.heed(buf) {
		w.try(made.workDir, func() { w.add(made.dir, made.workDir) })
		w.mu.Lock()
		w.fresh[made.workDir] = struct{}{} // not before: whoever looks then is told of what comes next
		w.mu.Unlock()
	}
}

// heed notes what was heard of, and returns the directories that were made and are to be watched now.
func (w *watcher) heed(buf []byte) (made []watched) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(buf) >= unix.SizeofInotifyEvent {
		wd := int32(binary.NativeEndian.Uint32(buf))
		what := binary.NativeEndian.Uint32(buf[4:])
		size := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(buf[12:]))
		if size > len(buf) {
			return made
		}
		name := string(bytes.TrimRight(buf[unix.SizeofInotifyEvent:size], "\x00"))
		buf = buf[size:]
		from, ok := w.byWD[wd]
		if !ok {
			continue
		}
		if what&unix.IN_ISDIR == 0 || from.dir != from.workDir || name == "" {
			w.fresh[from.workDir] = struct{}{}
		}
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
			made = append(made, watched{filepath.Join(from.workDir, name), from.workDir})
		}
	}
	return made
}

// newestBelow returns the directory right below dir that was changed last, hidden ones aside; "" where there is none.
func newestBelow(dir string) string {
	entries, err := durable.OS().ReadDir("watch", dir)
	if err != nil {
		return ""
	}
	newest, at := "", int64(0)
	for _, e := range entries {
		if !e.IsDir() || e.Name()[0] == '.' {
			continue
		}
		var info fs.FileInfo
		durable.Ask(dir, func() { info, err = e.Info() })
		if err == nil && info.ModTime().UnixNano() > at {
			newest, at = filepath.Join(dir, e.Name()), info.ModTime().UnixNano()
		}
	}
	return newest
}
