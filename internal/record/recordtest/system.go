package recordtest

import (
	"context"
	"fmt"
	"hash/fnv"
	"path"
	"slices"
	"time"

	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// System returns the world as a process sees it. Every call on it but Self and Now is a step.
func (p *Proc) System() record.System {
	return record.System{FS: files{p}, Locks: locks{p}, Clock: clock{p}, Procs: procs{p}}
}

// Step is a step of the caller's own making: do reads and changes the world, by Get and Set for one, and returns what
// the process sees of it. Step returns that, and nothing that the process does later may depend on anything else. do is
// kept, and called again in other worlds: it may change nothing but the world, and use no variable of the program that
// changes later.
func (p *Proc) Step(s Step, do func() string) string {
	v, _ := p.step(s, func() (any, error) { return do(), nil })
	text, _ := v.(string)
	return text
}

// call is step for a step that returns a value of a certain type.
func call[T any](p *Proc, s Step, do func() (T, error)) (T, error) {
	v, err := p.step(s, func() (any, error) { return do() })
	t, _ := v.(T)
	return t, err
}

// act is step for a step that returns nothing.
func act(p *Proc, s Step, do func() error) error {
	_, err := p.step(s, func() (any, error) { return nil, do() })
	return err
}

type files struct{ p *Proc }

func (f files) Private(label, dir string, create bool) error {
	w := f.p.world
	return act(f.p, Step{"private", label, dir}, func() error {
		switch n := w.node(dir); {
		case isDir(n):
			return nil
		case n != "":
			return fmt.Errorf("records cannot be trusted: %s: it is not a directory", dir)
		case !create:
			return missing("stat", dir)
		}
		return w.MkdirAll(dir)
	})
}

func (f files) List(label, dir string) ([]string, error) {
	names, err := call(f.p, Step{"list", label, dir}, func() ([]string, error) { return f.p.world.list(dir) })
	return slices.Clone(names), err
}

func (f files) Read(label, path string) ([]byte, error) {
	w := f.p.world
	data, err := call(f.p, Step{"read", label, path}, func() ([]byte, error) {
		switch n := w.node(path); {
		case n == "":
			return nil, missing("read", path)
		case isDir(n):
			return nil, fmt.Errorf("read %s: %w", path, durable.ErrNotRegular)
		}
		data, _ := w.File(path)
		return data, nil
	})
	return slices.Clone(data), err
}

func (f files) WriteOnce(label, path string, data []byte) error {
	return act(f.p, Step{"write-once", label, path}, func() error { return f.p.world.writeOnce(path, data) })
}

func (f files) Prepare(label, dir string, _ int) (record.Spare, error) {
	node, err := call(f.p, Step{"prepare", label, dir}, func() (string, error) {
		n := f.p.world.node(dir)
		if n == "" {
			return "", missing("prepare", dir)
		}
		return n, nil
	})
	if err != nil {
		return nil, err
	}
	return spare{f.p, dir, node, label, f.p.opens(dir, node)}, nil
}

// Sync is no step: the world has no power cuts. Those are looked for in internal/prove/forget.
func (f files) Sync(string, string) error { return nil }

// Number is the hash of the path: the world has no links and no mounts, so every path is a file of its own.
func (f files) Number(label, path string) (uint64, error) {
	w := f.p.world
	return call(f.p, Step{"stat", label, path}, func() (uint64, error) {
		if w.node(path) == "" {
			return 0, missing("stat", path)
		}
		h := fnv.New64a()
		h.Write([]byte(path))
		return h.Sum64(), nil
	})
}

// Local is a step like the others.
func (f files) Local(dir string) (bool, error) {
	w := f.p.world
	return call(f.p, Step{"statfs", "", dir}, func() (bool, error) {
		if w.node(dir) == "" {
			return false, missing("statfs", dir)
		}
		return w.Server == "" || w.Server == f.p.Host, nil
	})
}

// spare is a temporary file in a directory: it goes with it.
type spare struct {
	p                *Proc
	dir, node, label string
	fd               int
}

func (s spare) WriteOnce(to string, data []byte) error {
	w := s.p.world
	return act(s.p, Step{"link", s.label, to}, func() error {
		if w.node(s.dir) != s.node || path.Dir(to) != s.dir {
			return missing("link", to)
		}
		return w.writeOnce(to, data)
	})
}

func (s spare) Discard() { s.p.closes(s.fd) }

type clock struct{ p *Proc }

// Now implements runsheet.Clock: time passes for a process only while it waits.
func (c clock) Now() time.Time { return epoch.Add(c.p.waited) }

// Wait is no step: what others do in the meantime comes between the steps anyway.
func (c clock) Wait(ctx context.Context, d time.Duration) error {
	c.p.waited += d
	return ctx.Err()
}
