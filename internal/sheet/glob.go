package sheet

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"runsheet/internal/durable"
)

// disk is what the package reads. Paths are absolute.
type disk interface {
	Read(path string, limit int64) ([]byte, error)
	ReadDir(path string) ([]fs.DirEntry, error)
	Stat(path string) (fs.FileInfo, error)
}

// realDisk is the disk of this machine.
type realDisk struct{}

func (realDisk) Read(path string, limit int64) ([]byte, error) {
	data, _, err := durable.Read(durable.OS(), "sheet", path, limit)
	return data, err
}
func (realDisk) ReadDir(path string) ([]fs.DirEntry, error) {
	return durable.OS().ReadDir("sheet dir", path)
}
func (realDisk) Stat(path string) (fs.FileInfo, error) { return os.Stat(path) }

// maxVisited bounds the directories that a pattern makes us read.
const maxVisited = 200_000

var errTooMany = errors.New("it leads through too many directories")

// globber finds the files of one pattern.
type globber struct {
	disk    disk
	found   map[string]bool
	visited int
}

// glob returns the regular files that a pattern names, in order, with the pattern's own spelling of their
// directories. * and ? and [...] match within a component and not a leading dot, ** any number of directories, but
// none behind a symbolic link. dir is what a relative pattern is relative to; a base is the part before the first
// wildcard.
func glob(d disk, dir, pattern string) (files []string, base string, err error) {
	pattern = path.Clean(pattern)
	parts := strings.Split(pattern, "/")
	fixed := 0
	for fixed < len(parts)-1 && !strings.ContainsAny(parts[fixed], `*?[\`) {
		fixed++
	}
	for _, p := range parts {
		if _, err := path.Match(p, ""); err != nil {
			return nil, "", err
		}
	}
	base = strings.Join(parts[:fixed], "/")
	if base == "" && path.IsAbs(pattern) {
		base = "/"
	}
	g := globber{disk: d, found: make(map[string]bool)}
	root := base
	if !path.IsAbs(pattern) {
		root = path.Join(dir, base)
	}
	if err := g.walk(root, base, parts[fixed:]); err != nil {
		return nil, "", err
	}
	for f := range g.found {
		files = append(files, f)
	}
	slices.Sort(files)
	return files, base, nil
}

// walk matches the rest of a pattern below the directory real, which the user calls shown.
func (g *globber) walk(real, shown string, parts []string) error {
	if g.visited++; g.visited > maxVisited || len(g.found) > MaxRuns {
		return errTooMany
	}
	part, rest := parts[0], parts[1:]
	if part == "**" {
		if len(rest) == 0 { // everything below
			rest = []string{"*"}
		}
		if err := g.walk(real, shown, rest); err != nil {
			return err
		}
	}
	entries, err := g.disk.ReadDir(real)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") && !strings.HasPrefix(part, ".") {
			continue
		}
		if part == "**" {
			if e.IsDir() {
				if err := g.walk(path.Join(real, name), path.Join(shown, name), parts); err != nil {
					return err
				}
			}
			continue
		}
		if ok, _ := path.Match(part, name); !ok {
			continue
		}
		if len(rest) > 0 {
			if e.IsDir() || e.Type()&fs.ModeSymlink != 0 {
				if err := g.walk(path.Join(real, name), path.Join(shown, name), rest); err != nil {
					return err
				}
			}
			continue
		}
		if info, err := g.disk.Stat(path.Join(real, name)); err == nil && info.Mode().IsRegular() {
			g.found[path.Join(shown, name)] = true
		}
	}
	return nil
}
