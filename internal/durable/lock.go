package durable

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Lock is one open description of a lock file with locks on single bytes of it (open file description locks). They
// exclude other descriptions, in this process as in others, are freed by the kernel when the last descriptor of the
// description is closed, and by nothing else: closing another descriptor of the same file leaves them alone.
//
// The lock file is never replaced and never unlinked. The file is kept in the object: a bare descriptor number would
// let the garbage collector close it, and silently drop the lock.
type Lock struct {
	disk  Disk
	label string
	file  File
}

// OpenLock opens the lock file path, making it where it is missing, as OpenOwn does: who may write to a lock file could
// hold us up for good.
func OpenLock(d Disk, label, path string) (*Lock, error) {
	f, err := OpenOwn(d, label, path, os.O_RDWR)
	if err != nil {
		return nil, err
	}
	return &Lock{d, label, f}, nil
}

// OpenLockToProbe opens an existing lock file for Held alone; it changes nothing on the disk. It returns
// fs.ErrNotExist where there is none.
func OpenLockToProbe(d Disk, label, path string) (*Lock, error) {
	f, err := d.Open(label, path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = ErrNotRegular
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open lock %s: %w", path, err)
	}
	return &Lock{d, label, f}, nil
}

// Try takes byte b for this description, without waiting, and says whether it got it.
func (l *Lock) Try(b int64) (bool, error) {
	err := l.fcntl(unix.F_OFD_SETLK, unix.F_WRLCK, b)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		return false, nil
	}
	return err == nil, err
}

// Take takes byte b, waiting until it is free or ctx is done.
func (l *Lock) Take(ctx context.Context, b int64) error {
	// Not F_OFD_SETLKW: a thread blocked in the kernel cannot be called off. Holders keep these locks for
	// milliseconds, so that looking again is as quick.
	for wait := 200 * time.Microsecond; ; wait = min(2*wait, 20*time.Millisecond) {
		got, err := l.Try(b)
		if got || err != nil {
			return err
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return fmt.Errorf("lock %s: %w", l.file.Name(), ctx.Err())
		case <-t.C:
		}
	}
}

// Free lets byte b go.
func (l *Lock) Free(b int64) error { return l.fcntl(unix.F_OFD_SETLK, unix.F_UNLCK, b) }

// Held says whether another description holds byte b. It never locks.
func (l *Lock) Held(b int64) (bool, error) {
	lk := unix.Flock_t{Type: unix.F_WRLCK, Whence: 0, Start: b, Len: 1}
	err := l.control(unix.F_OFD_GETLK, &lk)
	return err == nil && lk.Type != unix.F_UNLCK, err
}

// Same says whether the lock file is still what its name stands for: a removed directory or a replaced file makes a
// lock that excludes nobody.
func (l *Lock) Same() (bool, error) {
	mine, err := l.file.Stat()
	if err != nil {
		return false, err
	}
	// The name is looked up through a fresh listing: on NFS a remembered one may be half a minute old.
	f, err := l.disk.Open(l.label, l.file.Name(), os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESTALE) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	named, err := f.Stat()
	return err == nil && os.SameFile(mine, named), err
}

// File returns the open lock file, to write its holder's name into or to hand it to a child, which then shares the
// description and its locks.
func (l *Lock) File() File { return l.file }

// Close frees every byte and closes the file.
func (l *Lock) Close() error { return l.file.Close() }

func (l *Lock) fcntl(cmd int, typ int16, b int64) error {
	return l.control(cmd, &unix.Flock_t{Type: typ, Whence: 0, Start: b, Len: 1})
}

func (l *Lock) control(cmd int, lk *unix.Flock_t) error {
	f := l.file.OS()
	if f == nil {
		return fmt.Errorf("lock %s: %w", l.file.Name(), errors.ErrUnsupported)
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return fmt.Errorf("lock %s: %w", l.file.Name(), err)
	}
	cerr := raw.Control(func(fd uintptr) {
		for {
			if err = unix.FcntlFlock(fd, cmd, lk); err != unix.EINTR {
				return
			}
		}
	})
	if err = errors.Join(cerr, err); err != nil {
		return fmt.Errorf("lock %s: %w", l.file.Name(), err)
	}
	return nil
}
