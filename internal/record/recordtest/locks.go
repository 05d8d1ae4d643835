package recordtest

import (
	"fmt"

	"runsheet/internal/durable"
	"runsheet/internal/record"
)

type locks struct{ p *Proc }

// lock is one open description of a lock file.
type lock struct {
	p    *Proc
	file *node
	step string // label
	open bool
}

func (l locks) Open(label, path string) (record.Lock, error) { return l.get(label, path, true) }

func (l locks) Probe(label, path string) (record.Lock, error) { return l.get(label, path, false) }

func (l locks) get(label, path string, create bool) (record.Lock, error) {
	var d *lock
	err := l.p.step(Step{"open-lock", label, path}, func() (string, error) {
		n := l.p.world.nodes[path]
		if n == nil {
			if !create {
				return "", missing("open", path)
			}
			var err error
			if n, err = l.p.world.add(path, false); err != nil {
				return "", err
			}
		}
		if n.dir {
			return "", fmt.Errorf("open lock %s: %w", path, durable.ErrNotRegular)
		}
		d = &lock{l.p, n, label, true}
		l.p.open = append(l.p.open, d)
		return fmt.Sprint(n.gen), nil
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// Try implements record.Lock.
func (d *lock) Try(b int64) (got bool, err error) {
	err = d.p.step(Step{"try", d.step, d.file.path}, func() (string, error) {
		if got = d.file.locks[b] == nil || d.file.locks[b] == d; got && d.file.locks[b] == nil {
			d.file.locks[b] = d
			d.toggle(b)
		}
		return fmt.Sprint(got), nil
	})
	return got && err == nil, err
}

// Held implements record.Lock.
func (d *lock) Held(b int64) (held bool, err error) {
	err = d.p.step(Step{"held", d.step, d.file.path}, func() (string, error) {
		held = d.file.locks[b] != nil && d.file.locks[b] != d
		return fmt.Sprint(held), nil
	})
	return held && err == nil, err
}

// Same implements record.Lock.
func (d *lock) Same() (same bool, err error) {
	err = d.p.step(Step{"same", d.step, d.file.path}, func() (string, error) {
		same = !d.file.gone
		return fmt.Sprint(same), nil
	})
	return same && err == nil, err
}

// Close implements record.Lock. A dead process has nothing left to close.
func (d *lock) Close() error {
	if d.p.dead || !d.open {
		return nil
	}
	return d.p.step(Step{"close-lock", d.step, d.file.path}, func() (string, error) { d.free(); return "", nil })
}

// free lets go of what the description holds.
func (d *lock) free() {
	d.open = false
	d.drop()
}

// drop frees the bytes; the description stays open and does not know of it.
func (d *lock) drop() {
	for b, holder := range d.file.locks {
		if holder == d {
			delete(d.file.locks, b)
			d.toggle(b)
		}
	}
}

func (d *lock) toggle(b int64) {
	d.p.world.toggle("lock", d.file.path, fmt.Sprint(d.file.gen, b, d.p.PID))
}

// DropLocks is what a file server does to a client that it takes for a restarted one: the processes of the host lose
// their locks without knowing it.
func (w *World) DropLocks(host string) {
	for _, p := range w.procs {
		if p.Host == host {
			for _, d := range p.open {
				d.drop()
			}
		}
	}
}
