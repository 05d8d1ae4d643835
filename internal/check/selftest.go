package check

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// Ability is one thing that a file system can be trusted with, or cannot.
type Ability struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"` // what was seen, or why it failed and what follows; one line, may be empty
	// Slower: it is missing, and all that follows is that something takes longer. It counts as OK.
	Slower bool `json:"slower,omitzero"`
	// Untested: it could not be tried, for want of space.
	Untested bool `json:"untested,omitzero"`
}

// FileSystem is what a self-test found out about the file system of a directory.
type FileSystem struct {
	Dir       string    `json:"dir"`               // where the test was made
	Kind      string    `json:"kind"`              // "ext4", "nfs", or the magic number in hex
	Local     bool      `json:"local"`             // no other machine can write to it
	Volatile  bool      `json:"volatile,omitzero"` // it is in memory: nothing on it survives a power cut or a reboot
	Abilities []Ability `json:"abilities"`
}

// Failed says whether the file system lacks anything.
func (s FileSystem) Failed() bool {
	for _, a := range s.Abilities {
		if !a.OK && !a.Untested {
			return true
		}
	}
	return false
}

// Untested says whether anything could not be tried.
func (s FileSystem) Untested() bool {
	return slices.ContainsFunc(s.Abilities, func(a Ability) bool { return a.Untested })
}

// selfTestPrefix begins the name of the directory of a self-test; one that a crash left behind is a temporary file
// like any other.
const selfTestPrefix = durable.TempPrefix + "check-"

// SelfTest tries out what the file system of dir can be trusted with, each ability for real, in a temporary directory
// that it makes and removes. Where dir does not exist, the nearest directory above it is tested; where dir holds
// records, the temporary directory is made among these, so that the evidence is not touched. An ability that is
// missing is no error; an error means that nothing could be tested.
func SelfTest(ctx context.Context, disk durable.Disk, dir string) (FileSystem, error) {
	const hint = "name a directory that you may write to"
	dir, err := existing(disk, dir)
	if err != nil {
		return FileSystem{}, durable.OrHint(fmt.Errorf("self-test: %w", err), hint)
	}
	out := FileSystem{Dir: dir}
	kind, err := durable.FileSystemOf(dir)
	if err != nil {
		return out, fmt.Errorf("self-test: %w", err)
	}
	out.Kind, out.Local, out.Volatile = kind.Name, kind.Local, kind.Volatile
	place := dir
	if info, err := disk.Lstat(label, record.Dir(dir)); err == nil && info.IsDir() {
		place = record.Dir(dir)
	}
	t := &selfTest{ctx: ctx, disk: disk, dir: filepath.Join(place, selfTestPrefix+strings.ToLower(rand.Text()))}
	if err := disk.Mkdir(label, t.dir, 0o700); err != nil {
		return out, durable.OrHint(fmt.Errorf("self-test: %w", err), hint)
	}
	defer func() { t.clear() }()
	for _, try := range []struct {
		name string
		do   func() (string, error)
	}{
		{"private files", t.private},
		{"exclusive create", t.exclusive},
		{"hard link", t.link},
		{"link refuses a taken name", t.linkTaken},
		{"rename over an open file", t.rename},
		{"append", t.appending},
		{"fsync of a file", t.syncFile},
		{"fsync of a directory", t.syncDir},
		{"locks between two descriptions", t.locks},
		{"locks go with a descriptor to a child", t.inherited},
		{"locks between two processes", t.between},
		{"time stamps", t.stamps},
		{"inotify", t.inotify},
	} {
		if err := ctx.Err(); err != nil {
			return out, fmt.Errorf("self-test: %w", err)
		}
		detail, err := try.do()
		a := Ability{Name: try.name, OK: err == nil, Detail: detail}
		var slow *slower
		switch {
		case errors.As(err, &slow):
			a.OK, a.Slower, a.Detail = true, true, slow.Error()
		case durable.NoRoom(err):
			a.Untested, a.Detail = true, "it could not be tested: no space left"
		case err != nil:
			a.Detail, _, _ = strings.Cut(err.Error(), "\n") // of several the first
		}
		out.Abilities = append(out.Abilities, a)
	}
	if err := t.clear(); err != nil {
		return out, fmt.Errorf("self-test: remove %s: %w", t.dir, err)
	}
	return out, nil
}

// slower is why something takes longer there than elsewhere.
type slower struct{ error }

// Places returns the directories of dirs that exist, or the nearest above them, one for each file system: what there
// is to be tested of a project.
func Places(disk durable.Disk, dirs []string) []string {
	var out []string
	seen := map[uint64]bool{}
	for _, dir := range dirs {
		if !answers(dir) {
			continue
		}
		dir, err := existing(disk, dir)
		if err != nil {
			continue
		}
		info, err := disk.Lstat(label, dir)
		if err != nil {
			continue
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			if seen[st.Dev] {
				continue
			}
			seen[st.Dev] = true
		}
		out = append(out, dir)
	}
	return out
}

// existing returns dir, or the nearest directory above it that is there.
func existing(disk durable.Disk, dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for {
		real, err := filepath.EvalSymlinks(dir)
		if err == nil {
			dir = real
		}
		info, err := disk.Lstat(label, dir)
		switch {
		case err == nil && info.IsDir():
			return dir, nil
		case err == nil:
			return "", fmt.Errorf("%s: not a directory", dir)
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
		dir = filepath.Dir(dir)
	}
}

// selfTest is one self-test.
type selfTest struct {
	ctx  context.Context
	disk durable.Disk
	dir  string
}

func (t *selfTest) path(name string) string { return filepath.Join(t.dir, name) }

// clear removes what the test made; nothing else is in its directory.
func (t *selfTest) clear() error {
	entries, err := t.disk.ReadDir(label, t.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		err = errors.Join(err, t.disk.Remove(label, t.path(e.Name())))
	}
	return errors.Join(err, t.disk.Remove(label, t.dir))
}
