package check

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"runsheet/internal/durable"
)

const (
	label     = "check"
	maxRecord = 4 << 20 // bytes; far above any record that is written
	// tempAge is how old a temporary file must be to count as left behind: no write takes as long.
	tempAge = time.Minute
)

// owner returns the user that a file belongs to, and -1 where the disk does not say.
func owner(info fs.FileInfo) int {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid)
	}
	return -1
}

// directory looks at one of our directories, which is to belong to uid, and says who it belongs to and whether its
// contents are worth a look. A missing one is no finding.
func (c *checker) directory(f *findings, path string, uid int) (owned int, ok bool) {
	const do = "move it away, or make it a directory of yours with mode 0700"
	info, err := c.disk.Lstat(label, path)
	switch {
	case absent(err):
		return uid, false
	case err != nil:
		f.broken(path, do, "cannot be looked at: %v", err)
		return uid, false
	case info.Mode()&fs.ModeSymlink != 0:
		f.broken(path, do, "is a symbolic link, not a directory of ours")
		return uid, false
	case !info.IsDir():
		f.broken(path, do, "is not a directory")
		return uid, false
	}
	owned = owner(info)
	c.modes(f, path, info, uid, "0700")
	return owned, true
}

// file looks at one of our files, and says whether it is one that can be read.
func (c *checker) file(f *findings, path string, uid int) (fs.FileInfo, bool) {
	info, err := c.disk.Lstat(label, path)
	switch {
	case absent(err):
		return nil, false
	case err != nil:
		f.broken(path, "restore access to it", "cannot be looked at: %v", err)
		return nil, false
	case !info.Mode().IsRegular():
		f.broken(path, "move it away; if it was a file of ours, restore that from a backup", "is %s, not a regular file", kind(info.Mode()))
		return info, false
	}
	c.modes(f, path, info, uid, "0600")
	return info, true
}

// modes says who else may have had a hand in a file or directory of ours.
func (c *checker) modes(f *findings, path string, info fs.FileInfo, uid int, want string) {
	perm := info.Mode().Perm()
	switch who := owner(info); {
	case who != uid:
		f.broken(path, "find out who made it; what it says cannot be trusted", "belongs to user %d, not to %d", who, uid)
	case perm&0o022 != 0:
		f.broken(path, "find out who may have changed it, then chmod it to "+want, "others may write to it (mode %04o)", perm)
	case perm&0o044 != 0:
		f.note(path, "chmod it to "+want+" unless that is meant", "others may read it (mode %04o)", perm)
	}
}

// look reads one record through a listing of its own, so that what another machine has just written is seen. there is
// also true for a record that cannot be read, which is then a finding.
func look[T any](c *checker, f *findings, path string, uid int, decode func([]byte) (T, error)) (v *T, info fs.FileInfo, there bool) {
	dir := filepath.Dir(path)
	entries, err := c.disk.ReadDir(label, dir)
	if err != nil {
		if !absent(err) {
			f.broken(dir, "restore access to it", "cannot be listed: %v", err)
		}
		return nil, nil, false
	}
	if !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == filepath.Base(path) }) {
		return nil, nil, false
	}
	info, ok := c.file(f, path, uid)
	if !ok {
		return nil, info, info != nil
	}
	data, _, err := durable.Read(c.disk, label, path, maxRecord)
	if absent(err) {
		return nil, nil, false
	}
	if err != nil {
		f.broken(path, "restore access to it", "cannot be read: %v", err)
		return nil, info, true
	}
	rec, err := decode(data)
	if err != nil {
		do := durable.Hint(err)
		if do == "" {
			do = "restore it from a backup; without one, see that nothing of the run lives and move " + dir + " away"
		}
		f.broken(path, do, "%v", err)
		return nil, info, true
	}
	return &rec, info, true
}

// names lists a directory; none where it is missing. What else keeps it from being listed is a finding.
func (c *checker) names(f *findings, dir string) []string {
	entries, err := c.disk.ReadDir(label, dir)
	if err != nil && !absent(err) {
		f.broken(dir, "restore access to it", "cannot be listed: %v", err)
	}
	out := make([]string, len(entries))
	for i, e := range entries {
		out[i] = e.Name()
	}
	return out
}

// leftover notes a temporary file that nobody is about to finish.
func (c *checker) leftover(f *findings, path string) {
	info, err := c.disk.Lstat(label, path)
	if err == nil && c.sys.Clock.Now().Sub(info.ModTime()) > tempAge {
		f.note(path, "it may be deleted", "a temporary file that a crash left behind")
	}
}

// strange notes a name that is none of ours.
func (c *checker) strange(f *findings, path string) {
	f.note(path, "nothing needs to be done; move it away if nobody wants it", "not a file of runsheet's")
}

func isTemp(name string) bool { return strings.HasPrefix(name, durable.TempPrefix) }

// absent says whether an error means that there is no such name, also where what would lead to it went away meanwhile.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ESTALE)
}

// kind names a kind of file.
func kind(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a directory"
	case m&fs.ModeSymlink != 0:
		return "a symbolic link"
	case m&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return fmt.Sprintf("of kind %v", m.Type())
}
