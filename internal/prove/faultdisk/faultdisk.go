// Package faultdisk is a disk on which one chosen operation goes wrong, or kills whoever does it. It knows nothing of
// what the files mean, and leaves alone every operation but the chosen one.
package faultdisk

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"runsheet/internal/durable"
)

// Kind is what an operation does.
type Kind string

// The kinds of operations. A lock is none: it is taken behind the disk.
const (
	Open     Kind = "open"
	Create   Kind = "create" // an open that may make the file
	Read     Kind = "read"
	Stat     Kind = "stat"
	Write    Kind = "write"
	Truncate Kind = "truncate"
	Sync     Kind = "sync"
	Close    Kind = "close"
	Link     Kind = "link"
	Rename   Kind = "rename"
	Remove   Kind = "remove"
	Mkdir    Kind = "mkdir"
	Lstat    Kind = "lstat"
	List     Kind = "list"
)

// Changes says whether operations of that kind change the disk, or make a change durable.
func (k Kind) Changes() bool {
	return slices.Contains([]Kind{Create, Write, Truncate, Sync, Link, Rename, Remove, Mkdir}, k)
}

// Op is one operation that was done, or was to be done.
type Op struct {
	Kind  Kind
	Label string // of the caller
	Path  string // the name it ends up as
}

// String names the operation without what differs from one time to the next.
func (o Op) String() string {
	name := filepath.Base(o.Path)
	if strings.HasPrefix(name, durable.TempPrefix) {
		name = durable.TempPrefix + "*"
	}
	return fmt.Sprintf("%s %s in %s (%s)", o.Kind, name, filepath.Base(filepath.Dir(o.Path)), o.Label)
}

// Fault is how an operation goes wrong.
type Fault string

// The faults.
const (
	None    Fault = ""
	EIO     Fault = "EIO"                        // it is not done, and says so
	ENOSPC  Fault = "ENOSPC"                     // likewise
	Short   Fault = "short write"                // half of it is done, and it says so
	Unsaid  Fault = "done, reported as failed"   // it is done, and says that it is not
	Dies    Fault = "killed before"              // the process is gone, the operation not done
	DiesMid Fault = "killed in the middle of it" // half of a write is done
)

// Faults are those that a sweep goes through.
func Faults() []Fault { return []Fault{EIO, ENOSPC, Short, Unsaid, Dies, DiesMid} }

// Fits says whether an operation of that kind can go wrong in that way.
func (f Fault) Fits(k Kind) bool {
	switch f {
	case ENOSPC:
		return slices.Contains([]Kind{Create, Write, Truncate, Sync, Close, Link, Rename, Mkdir}, k)
	case Short, DiesMid:
		return k == Write
	case Unsaid:
		return slices.Contains([]Kind{Create, Write, Truncate, Sync, Link, Rename, Remove, Mkdir}, k)
	}
	return true
}

// errGone is what a dead process gets to hear, should one of its deferred functions ask.
var errGone = fmt.Errorf("the process was killed: %w", unix.EIO)

// Disk is a disk with one fault. It is safe for use by several goroutines, but only the one that runs Run can die.
type Disk struct {
	under durable.Disk
	hit   func(n int, op Op) Fault

	mu   sync.Mutex
	ops  []Op
	hits int
	dead bool
	open map[*file]bool
}

// New returns a disk over under; hit says what becomes of the operation op, the n-th from 0. It is asked until it has
// named a fault, and not again.
func New(under durable.Disk, hit func(n int, op Op) Fault) *Disk {
	return &Disk{under: under, hit: hit, open: map[*file]bool{}}
}

// At returns what makes operation k, counted from 0, go wrong.
func At(k int, f Fault) func(int, Op) Fault {
	return func(n int, _ Op) Fault {
		if n == k {
			return f
		}
		return None
	}
}

// Ops returns the operations so far.
func (d *Disk) Ops() []Op {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.ops)
}

// Hit says whether the fault has happened.
func (d *Disk) Hit() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.hits > 0
}

// death is thrown where a process dies, to unwind all that it was doing.
type death struct{ disk *Disk }

// Run does what a process does, and says whether it was killed. Afterwards the process is gone in any case: what it
// had open is closed, its locks are free, and nothing more can be done on the disk.
func (d *Disk) Run(process func()) (killed bool) {
	defer func() {
		d.end()
		if r := recover(); r != nil {
			if who, ok := r.(death); !ok || who.disk != d {
				panic(r)
			}
			killed = true
		}
	}()
	process()
	return false
}

// end closes what is open, as the kernel does.
func (d *Disk) end() {
	d.mu.Lock()
	d.dead = true
	open := d.open
	d.open = nil
	d.mu.Unlock()
	for f := range open {
		f.abandon()
	}
}

// do does an operation, or lets it go wrong. half does half of it; nil where there is no half.
func (d *Disk) do(op Op, whole func() error, half func()) error {
	d.mu.Lock()
	if d.dead {
		d.mu.Unlock()
		return errGone
	}
	fault := None
	if d.hits == 0 && d.hit != nil {
		if fault = d.hit(len(d.ops), op); fault != None {
			d.hits++
		}
	}
	d.ops = append(d.ops, op)
	if fault == Dies || fault == DiesMid {
		d.dead = true
	}
	d.mu.Unlock()
	switch fault {
	case None:
		return whole()
	case EIO:
		return &fs.PathError{Op: string(op.Kind), Path: op.Path, Err: unix.EIO}
	case ENOSPC:
		return &fs.PathError{Op: string(op.Kind), Path: op.Path, Err: unix.ENOSPC}
	case Short:
		half()
		return &fs.PathError{Op: string(op.Kind), Path: op.Path, Err: unix.ENOSPC}
	case Unsaid:
		if err := whole(); err != nil {
			return err
		}
		return &fs.PathError{Op: string(op.Kind), Path: op.Path, Err: unix.EIO}
	case DiesMid:
		half()
	}
	panic(death{d})
}

// Open opens a file.
func (d *Disk) Open(label, path string, flag int, perm fs.FileMode) (durable.File, error) {
	kind := Open
	if flag&os.O_CREATE != 0 {
		kind = Create
	}
	var f durable.File
	err := d.do(Op{kind, label, path}, func() (err error) { f, err = d.under.Open(label, path, flag, perm); return err }, nil)
	if err != nil {
		if f != nil {
			(&file{File: f}).abandon()
		}
		return nil, err
	}
	out := &file{File: f, disk: d, label: label}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open[out] = true
	return out, nil
}

// Link makes another name.
func (d *Disk) Link(label, oldname, newname string) error {
	return d.do(Op{Link, label, newname}, func() error { return d.under.Link(label, oldname, newname) }, nil)
}

// Rename moves a name.
func (d *Disk) Rename(label, oldname, newname string) error {
	return d.do(Op{Rename, label, newname}, func() error { return d.under.Rename(label, oldname, newname) }, nil)
}

// Remove removes a name.
func (d *Disk) Remove(label, path string) error {
	return d.do(Op{Remove, label, path}, func() error { return d.under.Remove(label, path) }, nil)
}

// Mkdir makes a directory.
func (d *Disk) Mkdir(label, path string, perm fs.FileMode) error {
	return d.do(Op{Mkdir, label, path}, func() error { return d.under.Mkdir(label, path, perm) }, nil)
}

// Lstat looks at a name.
func (d *Disk) Lstat(label, path string) (info fs.FileInfo, err error) {
	err = d.do(Op{Lstat, label, path}, func() (err error) { info, err = d.under.Lstat(label, path); return err }, nil)
	return info, err
}

// ReadDir lists a directory.
func (d *Disk) ReadDir(label, path string) (list []fs.DirEntry, err error) {
	err = d.do(Op{List, label, path}, func() (err error) { list, err = d.under.ReadDir(label, path); return err }, nil)
	return list, err
}

// file is an open file of a Disk.
type file struct {
	durable.File
	disk  *Disk
	label string
}

func (f *file) op(k Kind) Op { return Op{k, f.label, f.Name()} }

func (f *file) Read(p []byte) (n int, err error) {
	err = f.disk.do(f.op(Read), func() (err error) { n, err = f.File.Read(p); return err }, nil)
	return n, err
}

func (f *file) ReadAt(p []byte, off int64) (n int, err error) {
	err = f.disk.do(f.op(Read), func() (err error) { n, err = f.File.ReadAt(p, off); return err }, nil)
	return n, err
}

func (f *file) Write(p []byte) (n int, err error) {
	err = f.disk.do(f.op(Write), func() (err error) { n, err = f.File.Write(p); return err },
		func() { n, _ = f.File.Write(p[:len(p)/2]) })
	return n, err
}

func (f *file) WriteAt(p []byte, off int64) (n int, err error) {
	write := func(p []byte) (err error) {
		n, err = f.File.WriteAt(p, off)
		return err
	}
	err = f.disk.do(f.op(Write), func() error { return write(p) }, func() { write(p[:len(p)/2]) }) //nolint:errcheck // it is torn
	return n, err
}

func (f *file) Truncate(size int64) error {
	return f.disk.do(f.op(Truncate), func() error { return f.File.Truncate(size) }, nil)
}

func (f *file) Sync() error { return f.disk.do(f.op(Sync), f.File.Sync, nil) }

func (f *file) Stat() (info fs.FileInfo, err error) {
	err = f.disk.do(f.op(Stat), func() (err error) { info, err = f.File.Stat(); return err }, nil)
	return info, err
}

// Close closes the file, also where it says that it could not: the kernel does, too.
func (f *file) Close() error {
	err := f.disk.do(f.op(Close), func() error { return nil }, nil)
	f.disk.mu.Lock()
	mine := f.disk.open[f]
	delete(f.disk.open, f)
	f.disk.mu.Unlock()
	if mine {
		if cerr := f.File.Close(); err == nil {
			err = cerr
		}
	} else if err == nil {
		err = fs.ErrClosed
	}
	return err
}

// abandon closes the file because its process is gone; that is no operation of anybody's.
func (f *file) abandon() {
	if inner, ok := f.File.(*file); ok {
		inner.disk.mu.Lock()
		delete(inner.disk.open, inner)
		inner.disk.mu.Unlock()
		inner.abandon()
		return
	}
	f.File.Close()
}
