package durable

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// linked makes sure, after link(2) has succeeded, that path is one more name of the file f. Some file systems make a copy or
// a symbolic link instead, or rename the file. Nothing is safe there: two writers may both be told that the document is
// theirs, or it may vanish with the temporary file. Where nothing can be looked at, nothing is concluded.
func linked(d Disk, label string, f File, path string) error {
	mine, err := f.Stat()
	if err != nil {
		return nil
	}
	named, err := d.Lstat(label, path)
	if err != nil {
		return nil
	}
	if named.Mode()&fs.ModeSymlink != 0 {
		d.Remove(label, path) // it would lead nowhere, once the temporary file is gone
		return badLink(path, "it makes a symbolic link instead")
	}
	a, aok := mine.Sys().(*syscall.Stat_t)
	b, bok := named.Sys().(*syscall.Stat_t)
	switch {
	case !aok || !bok:
		return nil
	case a.Dev == b.Dev && a.Ino == b.Ino:
		if a.Nlink > 1 || b.Nlink > 1 || listed(d, label, f.Name()) { // on NFS the count may be one that the client remembers
			return nil
		}
		return badLink(path, "it renames the file instead")
	case sharing(d, label, filepath.Dir(path)): // a file system that numbers its files by their names
		return nil
	}
	return badLink(path, "it makes a copy instead")
}

func badLink(path, what string) error {
	return WithHint(fmt.Errorf("write %s: %w: link(2) says that it makes one, and %s", path, ErrNoLinks, what), linksHint)
}

// linksHint is what to do where a file system has no hard links.
const linksHint = "put the work dirs on a file system with hard links (ext4, XFS, btrfs, NFS); `runsheet check` tells what this one can do"

// listed says whether a file has its name still, by a fresh listing. Where that cannot be had it is taken to.
func listed(d Disk, label, path string) bool {
	entries, err := d.ReadDir(label, filepath.Dir(path))
	return err != nil || slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == filepath.Base(path) })
}

// sharing says whether what is written to a file by one of two linked names is read by the other. Where that cannot be tried
// it is taken to.
func sharing(d Disk, label, dir string) bool {
	f, err := temp(d, label, dir, Private)
	if err != nil {
		return true
	}
	defer d.Remove(label, f.Name())
	defer f.Close()
	second := f.Name() + "-2"
	if fill(f, []byte("1")) != nil || d.Link(label, f.Name(), second) != nil {
		return true
	}
	defer d.Remove(label, second)
	if fill(f, []byte("2")) != nil || f.Sync() != nil {
		return true
	}
	data, _, err := Read(d, label, second, 1)
	return err != nil && !os.IsNotExist(err) || bytes.Equal(data, []byte("2"))
}
