package record

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"

	"runsheet/internal/durable"
	"runsheet/internal/proc"
)

// System is the world as the steps see it.
type System struct {
	FS    FS
	Locks Locks
	Clock proc.Clock
	Procs proc.Procs
}

// FS is what the steps ask of a file system. Each call is one step and carries its label.
type FS interface {
	// Private makes sure that dir is a real directory of ours that nobody else can write to; where it is missing it
	// is made if create is set, and fs.ErrNotExist otherwise. With create it is durable afterwards, whoever made it.
	Private(label, dir string, create bool) error
	// List returns the names in dir, read afresh; fs.ErrNotExist where there is no such directory.
	List(label, dir string) ([]string, error)
	// Read returns a whole document.
	Read(label, path string) ([]byte, error)
	// WriteOnce makes data the contents of path; durable.ErrExists where it has contents already.
	WriteOnce(label, path string, data []byte) error
	// Prepare reserves room for a document of size bytes that is to be written in dir later.
	Prepare(label, dir string, size int) (Spare, error)
	// Sync makes the names in dir durable.
	Sync(label, dir string) error
	// Number returns what the file system calls the file path: its inode number.
	Number(label, path string) (uint64, error)
	// Local says whether no other machine can write to dir.
	Local(dir string) (bool, error)
}

// Spare is a document whose room is reserved; durable.Spare is one.
type Spare interface {
	WriteOnce(path string, data []byte) error
	Discard()
}

// Locks opens lock files.
type Locks interface {
	// Open opens the lock file path, making it where it is missing.
	Open(label, path string) (Lock, error)
	// Probe opens it for Held alone; fs.ErrNotExist where it is missing.
	Probe(label, path string) (Lock, error)
}

// Lock is one open description of a lock file; durable.Lock is one, and describes the methods.
type Lock interface {
	Try(b int64) (bool, error)
	Held(b int64) (bool, error)
	Same() (bool, error)
	Close() error
}

// NewSystem returns the real system over a disk.
func NewSystem(disk durable.Disk) System {
	return System{FS: diskFS{disk}, Locks: diskLocks{disk}, Clock: proc.SystemClock(), Procs: proc.System()}
}

// maxRecord is the largest record that is read, in bytes: far above any that is written.
const maxRecord = 4 << 20

type diskFS struct{ disk durable.Disk }

func (d diskFS) Private(label, dir string, create bool) error {
	info, err := d.disk.Lstat(label, dir)
	if errors.Is(err, fs.ErrNotExist) && create {
		// What lies above ours is the project's, and as open as its owner's umask has it.
		if err = durable.MkdirAll(d.disk, label, filepath.Dir(dir), 0o777); err != nil {
			return err
		}
		if err = durable.MkdirAll(d.disk, label, dir, 0o700); err != nil {
			return err
		}
		info, err = d.disk.Lstat(label, dir)
	} else if create && err == nil && info.IsDir() {
		err = durable.MkdirAll(d.disk, label, dir, 0o700) // whoever made it may have died before it was durable
	}
	if err != nil {
		return err
	}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		err = errors.New("it is a symbolic link")
	case !info.IsDir():
		err = errors.New("it is not a directory")
	default:
		err = durable.Own(info)
	}
	if err == nil {
		return nil
	}
	return durable.WithHint(fmt.Errorf("records cannot be trusted: %s: %w", dir, err),
		"move it away, or make it a directory of yours with mode 0700")
}

func (d diskFS) List(label, dir string) ([]string, error) {
	if info, err := d.disk.Lstat(label, dir); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return nil, durable.WithHint(fmt.Errorf("records cannot be trusted: %s: it is a symbolic link", dir),
			"move it away, or make it a directory of yours with mode 0700")
	}
	entries, err := d.disk.ReadDir(label, dir)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

func (d diskFS) Read(label, path string) ([]byte, error) {
	data, _, err := durable.ReadOwn(d.disk, label, path, maxRecord)
	return data, err
}

func (d diskFS) WriteOnce(label, path string, data []byte) error {
	return durable.WriteOnce(d.disk, label, path, data)
}

func (d diskFS) Prepare(label, dir string, size int) (Spare, error) {
	s, err := durable.Prepare(d.disk, label, dir, size)
	if err != nil {
		return nil, err // not a Spare that holds a nil pointer
	}
	return s, nil
}

func (d diskFS) Sync(label, dir string) error { return durable.SyncDir(d.disk, label, dir) }

func (d diskFS) Number(label, path string) (uint64, error) {
	info, err := d.disk.Lstat(label, path)
	if err != nil {
		return 0, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, fmt.Errorf("%s: its file system does not number files", path)
	}
	return st.Ino, nil
}

func (d diskFS) Local(dir string) (bool, error) {
	kind, err := durable.FileSystemOf(dir)
	return kind.Local, err
}

type diskLocks struct{ disk durable.Disk }

func (d diskLocks) Open(label, path string) (Lock, error) {
	l, err := durable.OpenLock(d.disk, label, path)
	if err != nil {
		return nil, err
	}
	return l, nil
}

func (d diskLocks) Probe(label, path string) (Lock, error) {
	l, err := durable.OpenLockToProbe(d.disk, label, path)
	if err != nil {
		return nil, err
	}
	return l, nil
}
