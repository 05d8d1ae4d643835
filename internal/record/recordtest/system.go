package recordtest

import (
	"context"
	"fmt"
	"path"
	"strings"
	"syscall"
	"time"

	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// System returns the world as a process sees it. Every call on it but Self and Now is a step.
func (p *Proc) System() record.System {
	return record.System{FS: files{p}, Locks: locks{p}, Clock: clock{p}, Procs: procs{p}}
}

// step passes the hook, and then does what the step is, unless it is refused. The text that do returns is what the
// process sees of the world by it.
func (p *Proc) step(s Step, do func() (string, error)) error {
	if p.ghost {
		_, err := do()
		return err
	}
	if p.dead {
		panic(Died{p})
	}
	fate := Done
	if p.world.Hook != nil {
		fate = p.world.Hook(p, s)
	}
	if p.dead {
		panic(Died{p})
	}
	var seen string
	var err error
	if fate != Refuse {
		seen, err = do()
	}
	if fate != Done {
		seen, err = "", fmt.Errorf("%s: %w", s, syscall.EIO)
	}
	p.saw(s.Op, s.Path, seen, fmt.Sprint(err))
	return err
}

// Step is a step of the caller's own making: do changes the world, by Set for one, and returns what the process sees
// of it. Nothing that the process does later may depend on anything else.
func (p *Proc) Step(s Step, do func() string) error {
	return p.step(s, func() (string, error) { return do(), nil })
}

// saw notes what the process has seen.
func (p *Proc) saw(parts ...string) {
	p.seen = hash(append(parts, fmt.Sprint(p.seen))...)
}

type files struct{ p *Proc }

func (f files) Private(label, dir string, create bool) error {
	return f.p.step(Step{"private", label, dir}, func() (string, error) {
		w := f.p.world
		n := w.nodes[dir]
		switch {
		case n != nil && !n.dir:
			return "", fmt.Errorf("records cannot be trusted: %s: it is not a directory", dir)
		case n != nil:
			return "", nil
		case !create:
			return "", missing("stat", dir)
		}
		return "", w.MkdirAll(dir)
	})
}

func (f files) List(label, dir string) (names []string, err error) {
	err = f.p.step(Step{"list", label, dir}, func() (string, error) {
		names, err = f.p.world.list(dir)
		return strings.Join(names, "/"), err
	})
	if err != nil {
		return nil, err
	}
	return names, nil
}

func (f files) Read(label, path string) (data []byte, err error) {
	err = f.p.step(Step{"read", label, path}, func() (string, error) {
		n := f.p.world.nodes[path]
		switch {
		case n == nil:
			return "", missing("read", path)
		case n.dir:
			return "", fmt.Errorf("read %s: %w", path, durable.ErrNotRegular)
		}
		data = n.data
		return string(data), nil
	})
	if err != nil {
		return nil, err
	}
	return data, nil
}

func (f files) WriteOnce(label, path string, data []byte) error {
	return f.p.step(Step{"write-once", label, path}, func() (string, error) { return "", f.p.world.writeOnce(path, data) })
}

func (w *World) writeOnce(path string, data []byte) error {
	if w.nodes[path] != nil {
		return fmt.Errorf("write %s: %w", path, durable.ErrExists)
	}
	if _, err := w.add(path, false); err != nil {
		return err
	}
	return w.Put(path, data)
}

func (f files) Prepare(label, dir string, _ int) (s record.Spare, err error) {
	err = f.p.step(Step{"prepare", label, dir}, func() (string, error) {
		n := f.p.world.nodes[dir]
		if n == nil {
			return "", missing("prepare", dir)
		}
		s = &spare{f.p, n, label}
		return "", nil
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Sync is no step: the world has no power cuts. Those are looked for in internal/prove/forget.
func (f files) Sync(string, string) error { return nil }

func (f files) Local(dir string) (bool, error) {
	if f.p.world.nodes[dir] == nil {
		return false, missing("statfs", dir)
	}
	return !f.p.world.Shared, nil
}

// spare is a temporary file in a directory: it goes with it.
type spare struct {
	p     *Proc
	in    *node
	label string
}

func (s *spare) WriteOnce(to string, data []byte) error {
	return s.p.step(Step{"link", s.label, to}, func() (string, error) {
		if s.in.gone || path.Dir(to) != s.in.path {
			return "", missing("link", to)
		}
		return "", s.p.world.writeOnce(to, data)
	})
}

func (s *spare) Discard() {}

type clock struct{ p *Proc }

// Now implements runsheet.Clock: time passes only while somebody waits.
func (c clock) Now() time.Time { return c.p.world.now }

func (c clock) Wait(ctx context.Context, d time.Duration) error {
	c.p.world.now = c.p.world.now.Add(d)
	return ctx.Err()
}
