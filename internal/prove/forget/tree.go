package forget

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"runsheet/internal/durable"
)

func (m *memory) Open(_, path string, flag int, perm fs.FileMode) (durable.File, error) {
	m.mu.Lock()
	n, err := m.find("open", path)
	m.mu.Unlock()
	switch {
	case err == nil && flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0:
		return nil, &fs.PathError{Op: "open", Path: path, Err: unix.EEXIST}
	case err == nil && n.dir && flag&(os.O_WRONLY|os.O_RDWR) != 0:
		return nil, &fs.PathError{Op: "open", Path: path, Err: unix.EISDIR}
	case err != nil && (flag&os.O_CREATE == 0 || !os.IsNotExist(err)):
		return nil, err
	case err != nil:
		if err := m.change(func() (change, error) {
			dir, err := m.parent("open", path)
			if err != nil {
				return change{}, err
			}
			n = m.make(false, perm)
			return change{op: set, ino: dir.id, name: filepath.Base(path), target: n.id, what: "create " + path}, nil
		}); err != nil {
			return nil, err
		}
	}
	f := &memoryFile{m: m, ino: n.id, path: path, append: flag&os.O_APPEND != 0}
	if flag&os.O_TRUNC != 0 {
		if err := f.Truncate(0); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (m *memory) Link(_, oldname, newname string) error {
	return m.change(func() (change, error) {
		n, err := m.find("link", oldname)
		if err != nil {
			return change{}, err
		}
		dir, err := m.parent("link", newname)
		if err != nil {
			return change{}, err
		}
		name := filepath.Base(newname)
		if _, taken := dir.entries[name]; taken {
			return change{}, &os.LinkError{Op: "link", Old: oldname, New: newname, Err: unix.EEXIST}
		}
		return change{op: set, ino: dir.id, name: name, target: n.id, what: "link " + newname}, nil
	})
}

func (m *memory) Rename(_, oldname, newname string) error {
	return m.change(func() (change, error) {
		n, err := m.find("rename", oldname)
		if err != nil {
			return change{}, err
		}
		from, err := m.parent("rename", oldname)
		if err != nil {
			return change{}, err
		}
		to, err := m.parent("rename", newname)
		if err != nil {
			return change{}, err
		}
		return change{op: move, ino: to.id, from: from.id, old: filepath.Base(oldname), name: filepath.Base(newname), target: n.id, what: "rename to " + newname}, nil
	})
}

func (m *memory) Remove(_, path string) error {
	return m.change(func() (change, error) {
		n, err := m.find("remove", path)
		if err != nil {
			return change{}, err
		}
		if n.dir && len(n.entries) > 0 {
			return change{}, &fs.PathError{Op: "remove", Path: path, Err: unix.ENOTEMPTY}
		}
		dir, err := m.parent("remove", path)
		if err != nil {
			return change{}, err
		}
		return change{op: drop, ino: dir.id, name: filepath.Base(path), what: "remove " + path}, nil
	})
}

func (m *memory) Mkdir(_, path string, perm fs.FileMode) error {
	return m.change(func() (change, error) {
		dir, err := m.parent("mkdir", path)
		if err != nil {
			return change{}, err
		}
		name := filepath.Base(path)
		if _, taken := dir.entries[name]; taken {
			return change{}, &fs.PathError{Op: "mkdir", Path: path, Err: unix.EEXIST}
		}
		return change{op: set, ino: dir.id, name: name, target: m.make(true, perm).id, what: "mkdir " + path}, nil
	})
}

func (m *memory) Lstat(_, path string) (fs.FileInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find("lstat", path)
	if err != nil {
		return nil, err
	}
	return n.info(path), nil
}

func (m *memory) ReadDir(_, path string) ([]fs.DirEntry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find("open", path)
	if err != nil {
		return nil, err
	}
	if !n.dir {
		return nil, &fs.PathError{Op: "readdir", Path: path, Err: unix.ENOTDIR}
	}
	out := make([]fs.DirEntry, 0, len(n.entries))
	for name, id := range n.entries {
		out = append(out, fs.FileInfoToDirEntry(m.inodes[id].info(name)))
	}
	slices.SortFunc(out, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return out, nil
}
