package evidence

import (
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	maxReaders = 8
	ledgerSize = 1 << 20 // versions that are kept
)

// board is memory that the method, its writers and its readers share. The ledger says what the evidence said when.
type board struct {
	begun   atomic.Int64 // version of the evidence whose change has begun
	done    atomic.Int64 // version that stands for certain
	most    atomic.Int64 // the highest count that was begun to be written whole
	size    atomic.Int64 // of a file that grows, after the change that has begun
	attempt atomic.Int64
	reads   atomic.Int64
	settled atomic.Int64 // answers
	errors  atomic.Int64 // answers that say what is wrong
	wrong   atomic.Int64
	stop    atomic.Bool // the readers shall end
	gate    atomic.Bool // closed: no new reads
	reading [maxReaders]struct {
		n atomic.Int64
		_ [56]byte // a cache line each
	}
	ledger [ledgerSize]atomic.Int64 // the state in each version
}

// broken is the state of evidence that makes no sense; others are counts.
const broken = -1

func openBoard(path string) (*board, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size := int(unsafe.Sizeof(board{}))
	if err := f.Truncate(int64(size)); err != nil {
		return nil, err
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return (*board)(unsafe.Pointer(&mem[0])), nil
}

// close gives the memory back.
func (b *board) close() {
	unix.Munmap(unsafe.Slice((*byte)(unsafe.Pointer(b)), unsafe.Sizeof(*b)))
}

// change does op, which takes the evidence to a state at some moment. It has one caller at a time. A writer that is killed
// in it leaves a version begun: nobody knows whether it came.
func (b *board) change(state int64, op func() error) error {
	v := b.begun.Load() + 1
	b.ledger[v%ledgerSize].Store(state)
	b.most.Store(max(b.most.Load(), state))
	b.begun.Store(v)
	err := op()
	b.done.Store(v)
	return err
}

// held says whether the evidence was in a state in a version from least to most, or may have been.
func (b *board) held(state, least, most int64) bool {
	for v := least; v <= most; v++ {
		if b.ledger[v%ledgerSize].Load() == state {
			return true
		}
	}
	return most-least >= ledgerSize // nobody knows any more
}

// age says how many versions before least the evidence was in a state; -1: it never was.
func (b *board) age(state, least int64) int64 {
	for v := least; v >= 0 && v > least-ledgerSize; v-- {
		if b.ledger[v%ledgerSize].Load() == state {
			return least - v
		}
	}
	return -1
}

// enter begins a read, unless the gate is closed.
func (b *board) enter(slot int) bool {
	b.reading[slot].n.Add(1)
	if b.gate.Load() {
		b.reading[slot].n.Add(-1)
		time.Sleep(time.Millisecond)
		return false
	}
	return true
}

func (b *board) leave(slot int) { b.reading[slot].n.Add(-1) }

func (b *board) readers() (n int64) {
	for i := range b.reading {
		n += b.reading[i].n.Load()
	}
	return n
}
