package durable

import (
	"errors"
	"io/fs"
	"syscall"
)

// NoRoom says whether an error means that a file system is full, or the quota of its user. It may pass.
func NoRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// Starved says whether an error means that this process, its user or its machine can have no further open file, process
// or memory. That may pass, and says nothing of what was to be opened or started.
func Starved(err error) bool {
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOMEM) {
		return true
	}
	// EAGAIN has other meanings elsewhere.
	var path *fs.PathError
	return errors.As(err, &path) && path.Op == "fork/exec" && errors.Is(path.Err, syscall.EAGAIN)
}

// wayOut returns what a person should do about an error of the operating system; "" where the error alone does not tell.
func wayOut(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "make room on that file system: df -h and df -i show what is left of it"
	case errors.Is(err, syscall.EDQUOT):
		return "make room there, or have your quota raised: quota -s shows it"
	case errors.Is(err, syscall.EROFS):
		return "that file system is mounted read-only: have it mounted for writing, or work elsewhere; after an error of the disk the kernel does this by itself, and dmesg says so"
	case errors.Is(err, syscall.EIO):
		return "the disk or its server fails: dmesg may say why"
	case errors.Is(err, syscall.ESTALE), errors.Is(err, syscall.ETIMEDOUT), errors.Is(err, syscall.EHOSTDOWN), errors.Is(err, syscall.ENOTCONN):
		return "the server of that file system is away, or does not know it any more: have it mounted again"
	case errors.Is(err, syscall.EMFILE):
		return "let a process have more files open: ulimit -n 4096"
	case errors.Is(err, syscall.ENFILE):
		return "this machine has too many files open: end what holds them, or have fs.file-max raised"
	case !Starved(err):
		return ""
	case errors.Is(err, syscall.ENOMEM):
		return "this machine, or the cgroup of this process, is out of memory"
	}
	return "you have too many processes, or your cgroup has: ulimit -u shows how many you may have"
}
