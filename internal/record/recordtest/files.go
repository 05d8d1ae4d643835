package recordtest

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"runsheet/internal/durable"
)

// node says what is at a path: "" nothing, and otherwise a "d" or an "f" and a number that no other of that path has.
func (w *World) node(p string) string { return w.get(place{kind: inNode, name: p}) }

func isDir(node string) bool { return strings.HasPrefix(node, "d") }

// File returns the contents of a file, without a step.
func (w *World) File(path string) ([]byte, bool) {
	if n := w.node(path); n == "" || isDir(n) {
		return nil, false
	}
	return []byte(w.get(place{kind: inData, name: path})), true
}

// Put makes data the contents of a file, whatever was there, without a step: for broken file systems.
func (w *World) Put(path string, data []byte) error {
	if w.node(path) == "" {
		if err := w.add(path, "f"); err != nil {
			return err
		}
	}
	w.set(place{kind: inData, name: path}, string(data))
	return nil
}

func (w *World) writeOnce(path string, data []byte) error {
	if w.node(path) != "" {
		return fmt.Errorf("write %s: %w", path, durable.ErrExists)
	}
	return w.Put(path, data)
}

// MkdirAll makes a directory and those above it, without a step.
func (w *World) MkdirAll(dir string) error {
	if n := w.node(dir); n != "" {
		if !isDir(n) {
			return notDir("mkdir", dir)
		}
		return nil
	}
	if err := w.MkdirAll(path.Dir(dir)); err != nil {
		return err
	}
	return w.add(dir, "d")
}

// RemoveAll removes a directory and all below it, without a step. Who has a file open keeps it, and its locks.
func (w *World) RemoveAll(dir string) {
	if w.node(dir) == "" {
		return
	}
	w.empty(dir)
	w.rename(path.Dir(dir), func(names []string) []string {
		return slices.DeleteFunc(names, func(n string) bool { return n == path.Base(dir) })
	})
}

func (w *World) empty(p string) {
	for _, name := range w.children(p) {
		w.empty(path.Join(p, name))
	}
	for _, kind := range []placeKind{inData, inNames, inNode} {
		w.set(place{kind: kind, name: p}, "")
	}
}

// add makes a file or directory whose name is free.
func (w *World) add(p, kind string) error {
	switch parent := w.node(path.Dir(p)); {
	case parent == "":
		return missing("create", p)
	case !isDir(parent):
		return notDir("create", p)
	}
	made, _ := strconv.Atoi(w.get(place{kind: inGens, name: p}))
	w.set(place{kind: inGens, name: p}, strconv.Itoa(made+1))
	w.set(place{kind: inNode, name: p}, kind+strconv.Itoa(made+1))
	w.rename(path.Dir(p), func(names []string) []string { return append(names, path.Base(p)) })
	return nil
}

// children returns the names in a directory, in order.
func (w *World) children(dir string) []string { return split(w.get(place{kind: inNames, name: dir})) }

func (w *World) rename(dir string, change func([]string) []string) {
	w.change(place{kind: inNames, name: dir}, change)
}

// change changes a place that holds a list.
func (w *World) change(p place, change func([]string) []string) {
	list := change(split(w.get(p)))
	slices.Sort(list)
	w.set(p, strings.Join(list, "/"))
}

// split is the inverse of strings.Join.
func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "/")
}

// list returns the names in a directory, in order.
func (w *World) list(dir string) ([]string, error) {
	switch n := w.node(dir); {
	case n == "":
		return nil, missing("list", dir)
	case !isDir(n):
		return nil, notDir("list", dir)
	}
	return w.children(dir), nil
}

func missing(op, p string) error { return &fs.PathError{Op: op, Path: p, Err: fs.ErrNotExist} }
func notDir(op, p string) error {
	return &fs.PathError{Op: op, Path: p, Err: fmt.Errorf("not a directory")}
}
