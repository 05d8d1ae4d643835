package recordtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"runsheet/internal/durable"
	"runsheet/internal/record"
)

type locks struct{ p *Proc }

// lock is one open description of a lock file. Nothing of it changes: who holds what stands in the world.
type lock struct {
	p          *Proc
	path, node string
	label      string
	fd         int // what no other open description of the process has
}

func (l locks) Open(label, path string) (record.Lock, error) { return l.get(label, path, true) }

func (l locks) Probe(label, path string) (record.Lock, error) { return l.get(label, path, false) }

func (l locks) get(label, path string, create bool) (record.Lock, error) {
	w := l.p.world
	node, err := call(l.p, Step{"open-lock", label, path}, func() (string, error) {
		if w.node(path) == "" {
			if !create {
				return "", missing("open", path)
			}
			if err := w.add(path, "f"); err != nil {
				return "", err
			}
		}
		n := w.node(path)
		if isDir(n) {
			return "", fmt.Errorf("open lock %s: %w", path, durable.ErrNotRegular)
		}
		return n, nil
	})
	if err != nil {
		return nil, err
	}
	return lock{p: l.p, path: path, node: node, label: label, fd: l.p.opens(path, node)}, nil
}

// descriptor is something that a process has open.
type descriptor struct {
	fd         int
	path, node string
}

// opens notes that the process has something open, and returns the lowest number that is free.
func (p *Proc) opens(path, node string) int {
	fd := 0
	for p.descriptor(fd) >= 0 {
		fd++
	}
	p.open = append(p.open, descriptor{fd, path, node})
	return fd
}

// descriptor returns which of the open ones has a number; -1: none.
func (p *Proc) descriptor(fd int) int {
	return slices.IndexFunc(p.open, func(d descriptor) bool { return d.fd == fd })
}

func (p *Proc) closes(fd int) {
	p.open = slices.DeleteFunc(p.open, func(d descriptor) bool { return d.fd == fd })
}

// byte is the place where it stands who holds a byte of the file.
func (d lock) byte(b int64) place { return place{kind: inLock, name: d.path + " " + d.node, n: b} }

func (d lock) holder() string {
	if d.p.ghost {
		return "ghost" // holds nothing
	}
	return fmt.Sprintf("%d.%d", d.p.PID, d.fd)
}

// Try implements record.Lock.
func (d lock) Try(b int64) (bool, error) {
	w := d.p.world
	return call(d.p, Step{"try", d.label, d.path}, func() (bool, error) {
		switch w.get(d.byte(b)) {
		case d.holder():
			return true, nil
		case "":
			w.set(d.byte(b), d.holder())
			at := fmt.Sprintf("%s %d %s", d.node, b, strings.ReplaceAll(d.path, "/", "\x00"))
			w.change(d.p.held(), func(held []string) []string { return append(held, at) })
			return true, nil
		}
		return false, nil
	})
}

// Held implements record.Lock.
func (d lock) Held(b int64) (bool, error) {
	return call(d.p, Step{"held", d.label, d.path}, func() (bool, error) {
		h := d.p.world.get(d.byte(b))
		return h != "" && h != d.holder(), nil
	})
}

// Same implements record.Lock.
func (d lock) Same() (bool, error) {
	return call(d.p, Step{"same", d.label, d.path}, func() (bool, error) { return d.p.world.node(d.path) == d.node, nil })
}

// Close implements record.Lock. A dead process has nothing left to close.
func (d lock) Close() error {
	if d.p.over || d.p.descriptor(d.fd) < 0 || d.p.actor == nil && d.p.Dead() {
		return nil
	}
	err := act(d.p, Step{"close-lock", d.label, d.path}, func() error {
		d.p.drop(func(holder string) bool { return holder == d.holder() })
		return nil
	})
	d.p.closes(d.fd)
	return err
}

// held is the place where it stands what a process holds.
func (p *Proc) held() place { return place{kind: inHeld, n: int64(p.PID)} }

// drop frees what a process holds and what is asked for.
func (p *Proc) drop(asked func(holder string) bool) {
	var left []string
	for _, at := range split(p.world.get(p.held())) {
		f := strings.SplitN(at, " ", 3)
		b, _ := strconv.ParseInt(f[1], 10, 64)
		pl := place{kind: inLock, name: strings.ReplaceAll(f[2], "\x00", "/") + " " + f[0], n: b}
		if asked(p.world.get(pl)) {
			p.world.set(pl, "")
		} else {
			left = append(left, at)
		}
	}
	p.world.change(p.held(), func([]string) []string { return left })
}

// DropLocks is what a file server does to a client that it takes for a restarted one: the processes of the host lose
// their locks without knowing it.
func (w *World) DropLocks(host string) {
	for _, p := range w.Procs() {
		if p.Host == host {
			p.drop(func(string) bool { return true })
		}
	}
}
