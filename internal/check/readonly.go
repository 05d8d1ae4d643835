package check

import (
	"io/fs"
	"os"
	"syscall"

	"runsheet/internal/durable"
)

// readOnly is a disk that refuses every change: what is handed to other packages cannot write, whatever they do.
type readOnly struct{ durable.Disk }

const changing = os.O_WRONLY | os.O_RDWR | os.O_CREATE | os.O_TRUNC | os.O_APPEND

func (d readOnly) Open(label, path string, flag int, perm fs.FileMode) (durable.File, error) {
	if flag&changing != 0 {
		return nil, refuse("open", path)
	}
	return d.Disk.Open(label, path, flag, perm)
}

func (readOnly) Link(_, oldname, newname string) error {
	return &os.LinkError{Op: "link", Old: oldname, New: newname, Err: syscall.EROFS}
}

func (readOnly) Rename(_, oldname, newname string) error {
	return &os.LinkError{Op: "rename", Old: oldname, New: newname, Err: syscall.EROFS}
}

func (readOnly) Remove(_, path string) error               { return refuse("remove", path) }
func (readOnly) Mkdir(_, path string, _ fs.FileMode) error { return refuse("mkdir", path) }

func refuse(op, path string) error { return &fs.PathError{Op: op, Path: path, Err: syscall.EROFS} }
