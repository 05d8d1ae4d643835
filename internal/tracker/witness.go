package tracker

import (
	"errors"
	"io/fs"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"runsheet/internal/durable"
)

// Kind is what a path is.
type Kind string

// The kinds of paths.
const (
	Absent     Kind = "absent"
	Regular    Kind = "file"
	Directory  Kind = "dir"
	Link       Kind = "link"
	Other      Kind = "other"      // a FIFO, a device, a socket
	Unreadable Kind = "unreadable" // it cannot even be looked at
)

// Stamp is what a path was at one moment. Two equal stamps mean the same contents, unless a change was so quick that
// the clock of the file system did not tick in between.
type Stamp struct {
	Kind  Kind   `json:"kind"`
	Inode uint64 `json:"inode,omitzero"`
	Size  int64  `json:"size,omitzero"`  // bytes
	MTime int64  `json:"mtime,omitzero"` // nanoseconds since 1970
	CTime int64  `json:"ctime,omitzero"` // nanoseconds since 1970
}

// Newest returns the later of the two times of a stamp, in nanoseconds since 1970; 0 for an absent path.
func (s Stamp) Newest() int64 { return max(s.MTime, s.CTime) }

// Witness is a path whose stamp decides whether what was read still holds; absence is a stamp, too.
type Witness struct {
	Path     string `json:"path"` // slash-separated, relative to the work dir; "." is the work dir itself
	Stamp    Stamp  `json:"stamp"`
	Target   *Stamp `json:"target,omitempty"`   // what a link leads to
	Identity bool   `json:"identity,omitempty"` // only kind and inode count: what changes inside does not matter
}

// Abs returns the path of the witness below the work dir.
func (w *Witness) Abs(dir string) string { return filepath.Join(dir, filepath.FromSlash(w.Path)) }

// Holds says whether path, which is w.Abs of the work dir, is still what the witness says.
func (w *Witness) Holds(disk durable.Disk, path string) bool {
	now, target, err := look(disk, path)
	if err != nil || w.Stamp.Kind == Unreadable {
		return false
	}
	if w.Identity {
		return same(now, w.Stamp, true) && (target == nil) == (w.Target == nil) &&
			(target == nil || same(*target, *w.Target, true))
	}
	return now == w.Stamp && (target == nil) == (w.Target == nil) && (target == nil || *target == *w.Target)
}

// Young returns the newest time that a change could hide behind, in nanoseconds since 1970; 0: none.
func (w *Witness) Young() int64 {
	if w.Identity {
		return 0 // an inode is not reused while something of that name stands
	}
	n := w.Stamp.Newest()
	if w.Target != nil {
		n = max(n, w.Target.Newest())
	}
	return n
}

func same(a, b Stamp, identity bool) bool {
	if identity {
		return a.Kind == b.Kind && a.Inode == b.Inode
	}
	return a == b
}

// LookAt returns what path is now, without following a link; Unreadable if that cannot be said.
func LookAt(disk durable.Disk, path string) Stamp {
	info, err := disk.Lstat("progress", path)
	if err != nil {
		if absent(err) {
			return Stamp{Kind: Absent}
		}
		return Stamp{Kind: Unreadable}
	}
	return stampOf(info)
}

// look returns what path is, and for a link what it leads to.
func look(disk durable.Disk, path string) (Stamp, *Stamp, error) {
	info, err := disk.Lstat("progress", path)
	if err != nil {
		if absent(err) {
			return Stamp{Kind: Absent}, nil, nil
		}
		return Stamp{Kind: Unreadable}, nil, err
	}
	st := stampOf(info)
	if st.Kind != Link {
		return st, nil, nil
	}
	// O_PATH follows the link and touches nothing: not even a FIFO or a device notices.
	f, err := disk.Open("progress", path, unix.O_PATH, 0)
	if err != nil {
		if absent(err) {
			return st, &Stamp{Kind: Absent}, nil
		}
		return st, &Stamp{Kind: Unreadable}, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return st, &Stamp{Kind: Unreadable}, err
	}
	target := stampOf(info)
	return st, &target, nil
}

// absent says whether an error means that there is nothing of that name.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

func stampOf(info fs.FileInfo) Stamp {
	s := Stamp{Kind: Other, Size: info.Size(), MTime: info.ModTime().UnixNano()}
	switch mode := info.Mode(); {
	case mode.IsRegular():
		s.Kind = Regular
	case mode.IsDir():
		s.Kind = Directory
	case mode&fs.ModeSymlink != 0:
		s.Kind = Link
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		s.Inode, s.CTime = st.Ino, st.Ctim.Nano()
	}
	return s
}
