package durable

import (
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Disk is the raw operations on a file system. Every call carries a label that names the step it belongs to, as
// "claim" or "end"; implementations may use it to fail or to count, and otherwise ignore it.
//
// Errors are those of package os: *fs.PathError and *os.LinkError around the errno.
type Disk interface {
	// Open opens path with the flags of package os, close-on-exec.
	Open(label, path string, flag int, perm fs.FileMode) (File, error)
	// Link makes newname another name of the file oldname; it fails with fs.ErrExist where newname is taken.
	Link(label, oldname, newname string) error
	// Rename moves oldname over newname.
	Rename(label, oldname, newname string) error
	// Remove removes a file or an empty directory.
	Remove(label, path string) error
	// Mkdir makes one directory; it fails with fs.ErrExist where the name is taken.
	Mkdir(label, path string, perm fs.FileMode) error
	// Lstat tells what path is, without following a final symbolic link.
	Lstat(label, path string) (fs.FileInfo, error)
	// ReadDir lists a directory, opened afresh: on NFS this is what makes the names of other clients' files visible.
	ReadDir(label, path string) ([]fs.DirEntry, error)
}

// File is an open file of a Disk.
type File interface {
	io.Reader
	io.ReaderAt
	io.Writer
	io.WriterAt
	io.Closer
	// Sync makes the contents and the size of the file durable; of a directory, its entries.
	Sync() error
	// Truncate sets the size in bytes.
	Truncate(size int64) error
	// Stat tells what the open file is.
	Stat() (fs.FileInfo, error)
	// Name returns the path that it was opened by.
	Name() string
	// OS returns the file of the operating system beneath, for locks and for handing it to a child; it is nil where
	// there is none.
	OS() *os.File
}

// OS returns the disk of the operating system.
func OS() Disk { return osDisk{} }

type osDisk struct{}

func (osDisk) Open(_, path string, flag int, perm fs.FileMode) (File, error) {
	defer asked(path).answered()
	f, err := os.OpenFile(path, flag|unix.O_CLOEXEC, perm)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (osDisk) Link(_, oldname, newname string) error {
	defer asked(newname).answered()
	return os.Link(oldname, newname)
}

func (osDisk) Rename(_, oldname, newname string) error {
	defer asked(newname).answered()
	return os.Rename(oldname, newname)
}

func (osDisk) Remove(_, path string) error {
	defer asked(path).answered()
	return os.Remove(path)
}

func (osDisk) Mkdir(_, path string, perm fs.FileMode) error {
	defer asked(path).answered()
	return os.Mkdir(path, perm)
}

func (osDisk) Lstat(_, path string) (fs.FileInfo, error) {
	defer asked(path).answered()
	return os.Lstat(path)
}

func (osDisk) ReadDir(_, path string) ([]fs.DirEntry, error) {
	defer asked(path).answered()
	return os.ReadDir(path)
}
