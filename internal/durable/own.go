package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrNotOwn: somebody else made a file or directory that should be ours, or may write to it. What it says cannot be
// trusted, and what is written to it ends up who knows where.
var ErrNotOwn = errors.New("it is not ours alone")

// Own returns nil for what belongs to us and nobody else may write to, and otherwise an error, an ErrNotOwn, that says
// why not.
func Own(info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case ok && int(st.Uid) != os.Geteuid():
		return &sentinel{fmt.Sprintf("it belongs to user %d, not to you (%d)", st.Uid, os.Geteuid()), ErrNotOwn}
	case info.Mode().Perm()&0o022 != 0:
		return &sentinel{fmt.Sprintf("others may write to it (mode %04o)", info.Mode().Perm()), ErrNotOwn}
	}
	return nil
}

// OpenOwn opens a file that only we write, making it where it is missing, with the mode Private. flag is what package os
// takes; O_TRUNC has no place in it. It never blocks on a FIFO, follows no symbolic link, and never makes anything where
// one points to: anything but a regular file is ErrNotRegular, one that others made or may write to is ErrNotOwn.
//
// The caller has made sure that the directory is ours alone; this is the second wall behind it, for what was put there
// while it was not.
func OpenOwn(d Disk, label, path string, flag int) (File, error) {
	f, err := d.Open(label, path, flag|os.O_CREATE|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_NOCTTY, Private)
	switch {
	case errors.Is(err, unix.ELOOP):
		err = fmt.Errorf("%w: a symbolic link", ErrNotRegular)
	case errors.Is(err, unix.ENXIO), errors.Is(err, unix.EISDIR): // a FIFO that nobody reads, a socket
		err = ErrNotRegular
	case err != nil:
		return nil, err
	default:
		if err = ours(f); err == nil {
			return f, nil
		}
		f.Close()
	}
	return nil, WithHint(fmt.Errorf("open %s: %w", path, err), "find out who made it, and move it away")
}

// ours makes sure that an open file is ours, and makes it one that is written as any other.
func ours(f File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return ErrNotRegular
	}
	if err := Own(info); err != nil {
		return err
	}
	file := f.OS()
	if file == nil {
		return nil
	}
	if info.Mode().Perm()&^Private != 0 {
		file.Chmod(Private) // an error does no harm: others can only read it, and some file systems have no modes
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	// A child that gets the descriptor would have the flag as well.
	cerr := raw.Control(func(fd uintptr) { err = unix.SetNonblock(int(fd), false) })
	return errors.Join(cerr, err)
}
