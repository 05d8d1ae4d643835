package check

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"runsheet/internal/durable"
	"runsheet/internal/record"
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

// anyone is who the contents of a directory may belong to that is a stranger's: that is told once, of the directory.
const anyone = -2

// directory looks at one of our directories, which is to belong to uid, and says who its contents are to belong to and
// whether they are worth a look. A missing one is no finding.
func (c *checker) directory(f *findings, path string, uid int) (owned int, ok bool) {
	const do = "move it away, or make it a directory of yours with mode 0700"
	info, err := c.disk.Lstat(label, path)
	switch {
	case absent(err):
		return uid, false
	case err != nil:
		f.broken(path, "restore access to it", "cannot be looked at: %v", err)
		return uid, false
	case info.Mode()&fs.ModeSymlink != 0:
		f.broken(path, do, "is a symbolic link, not a directory of ours")
		return uid, false
	case !info.IsDir():
		f.broken(path, do, "is not a directory")
		return uid, false
	}
	if c.modes(f, path, info, uid, "0700"); owner(info) != uid {
		_, err := c.disk.ReadDir(label, path)
		return anyone, uid == anyone || !errors.Is(err, fs.ErrPermission) // why it cannot be read is told already
	}
	return uid, true
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
	case who != uid && uid != anyone:
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
	lost := restore
	if filepath.Base(dir) == filepath.Base(record.RequestsDir("")) {
		lost = askAgain(filepath.Dir(filepath.Dir(dir)))
	}
	data, _, err := durable.Read(c.disk, label, path, maxRecord)
	if absent(err) {
		return nil, nil, false
	}
	if err != nil {
		do := "restore access to it"
		if errors.Is(err, durable.ErrTooLarge) {
			do = lost
		}
		f.broken(path, do, "cannot be read: %v", err)
		return nil, info, true
	}
	rec, err := decode(data)
	if err != nil {
		do := durable.Hint(err)
		if do == "" {
			do = lost
		}
		f.broken(path, do, "%v", err)
		return nil, info, true
	}
	if key := twice(data); key != "" {
		f.broken(path, "somebody changed it: "+lost, "the key %q stands there twice, and readers do not agree on which of them holds", key)
	}
	return &rec, info, true
}

// twice returns a key that an object of a JSON document has more than once; "" where there is none. Those of our own
// records are read whatever their case, those of what they hold (an environment) are not.
func twice(data []byte) string {
	var open []map[string]bool // the keys of the objects around; nil: a list
	key := false               // what comes next is a key
	for tokens := json.NewDecoder(bytes.NewReader(data)); ; {
		t, err := tokens.Token()
		if err != nil {
			return ""
		}
		switch t := t.(type) {
		case json.Delim:
			switch t {
			case '{':
				open, key = append(open, map[string]bool{}), true
				continue
			case '[':
				open, key = append(open, nil), false
				continue
			}
			open = open[:len(open)-1]
		case string:
			if key {
				name := t
				if len(open) == 1 {
					name = strings.ToLower(t)
				}
				if open[len(open)-1][name] {
					return t
				}
				open[len(open)-1][name], key = true, false
				continue
			}
		}
		key = len(open) > 0 && open[len(open)-1] != nil
	}
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
