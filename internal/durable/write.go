package durable

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Private is the mode of the files of ours.
const Private fs.FileMode = 0o600

// TempPrefix begins the names of the temporary files that this package makes; one that a crash left behind may be
// removed by anyone who knows that its writer is gone.
const TempPrefix = ".tmp-"

// WriteOnce makes data the contents of path, durably, unless path exists: then it returns ErrExists and has changed
// nothing. It is a compare-and-swap on a name: temp file, fsync, link to the final name, fsync of the directory. When
// it returns nil the document survives a power cut; when it returns another error than ErrExists the outcome is
// unknown, and the caller finds out by reading.
func WriteOnce(d Disk, label, path string, data []byte) error {
	s, err := Prepare(d, label, filepath.Dir(path), 0)
	if err != nil {
		return err
	}
	defer s.Discard()
	return s.WriteOnce(path, data)
}

// Replace makes data the contents of path, durably and atomically: readers see the old document or the new one. A
// nil return means that it survives a power cut.
func Replace(d Disk, label, path string, data []byte, perm fs.FileMode) error {
	dir := filepath.Dir(path)
	f, err := temp(d, label, dir, perm)
	if err != nil {
		return err
	}
	if err = fill(f, data); err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = d.Rename(label, f.Name(), path)
	}
	if err != nil {
		d.Remove(label, f.Name())
		return fmt.Errorf("replace %s: %w", path, err)
	}
	return SyncDir(d, label, dir)
}

// SyncDir makes the entries of a directory durable.
func SyncDir(d Disk, label, dir string) error {
	f, err := d.Open(label, dir, os.O_RDONLY, 0)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	return nil
}

// MkdirAll makes path and what is missing above it, each made durable in its parent before anything is put into it. A
// directory that exists is left as it is, but its entry is made durable as well: whoever made it may have been killed
// before it was, and what is put into it now must not be lost with it.
func MkdirAll(d Disk, label, path string, perm fs.FileMode) error {
	path = filepath.Clean(path)
	info, err := d.Lstat(label, path)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		Ask(path, func() { info, err = os.Stat(path) })
	}
	switch {
	case err == nil && info.IsDir():
		err := SyncDir(d, label, filepath.Dir(path))
		if errors.Is(err, fs.ErrPermission) {
			return nil // a directory that we may not look into is not one that we have made anything in
		}
		return err
	case err == nil:
		return fmt.Errorf("make directory %s: a file of that name is in the way", path)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := MkdirAll(d, label, parent, perm); err != nil {
			return err
		}
	}
	if err := d.Mkdir(label, path, perm); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	// Also where somebody else has just made it: what we put into it must not be lost with its entry.
	return SyncDir(d, label, parent)
}

// temp makes a new temporary file in dir.
func temp(d Disk, label, dir string, perm fs.FileMode) (File, error) {
	for range 100 {
		name := filepath.Join(dir, TempPrefix+strings.ToLower(rand.Text()))
		f, err := d.Open(label, name, os.O_RDWR|os.O_CREATE|os.O_EXCL, perm)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		return f, err
	}
	return nil, fmt.Errorf("make a temporary file in %s: every name is taken", dir)
}

// fill writes data from the start of f.
func fill(f File, data []byte) error {
	n, err := f.WriteAt(data, 0)
	if err == nil && n < len(data) {
		err = fmt.Errorf("short write: %d of %d bytes", n, len(data))
	}
	return err
}
