package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Read returns the whole of a regular file of at most limit bytes, and what it was when it was read. It never blocks
// on a FIFO or a device: anything but a regular file is ErrNotRegular, a longer file is ErrTooLarge. A symbolic link
// is followed. The documents that this package writes are never seen half-written; others may be.
func Read(d Disk, label, path string, limit int64) ([]byte, fs.FileInfo, error) {
	return read(d, label, path, 0, limit)
}

// ReadOwn reads as Read does a file that we wrote: a symbolic link is none, and ErrNotRegular.
func ReadOwn(d Disk, label, path string, limit int64) ([]byte, fs.FileInfo, error) {
	return read(d, label, path, unix.O_NOFOLLOW, limit)
}

func read(d Disk, label, path string, flag int, limit int64) ([]byte, fs.FileInfo, error) {
	f, err := openRegular(d, label, path, flag)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", path, err)
	}
	if info.Size() > limit {
		return nil, info, fmt.Errorf("read %s: %w: %d bytes, at most %d", path, ErrTooLarge, info.Size(), limit)
	}
	buf := make([]byte, info.Size()+1)
	n := 0
	for {
		m, err := f.Read(buf[n:])
		n += m
		if err == io.EOF {
			return buf[:n], info, nil
		}
		if err != nil {
			return nil, info, fmt.Errorf("read %s: %w", path, err)
		}
		if n == len(buf) { // it grew while it was read
			if int64(n) > limit {
				return nil, info, fmt.Errorf("read %s: %w: more than %d bytes", path, ErrTooLarge, limit)
			}
			buf = append(buf, make([]byte, len(buf))...)
		}
	}
}

// OpenRegular opens a regular file for reading, without blocking on what is none: that is ErrNotRegular.
func OpenRegular(d Disk, label, path string) (File, error) { return openRegular(d, label, path, 0) }

func openRegular(d Disk, label, path string, flag int) (File, error) {
	f, err := d.Open(label, path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|flag, 0)
	if flag&unix.O_NOFOLLOW != 0 && errors.Is(err, unix.ELOOP) {
		return nil, fmt.Errorf("open %s: %w: a symbolic link", path, ErrNotRegular)
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = ErrNotRegular
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return f, nil
}
