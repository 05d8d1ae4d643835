package readers

import (
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	maxWorkers = 8
	ledgerSize = 1 << 20 // versions that are kept
)

// board is memory that the method and its workers share.
type board struct {
	begun        atomic.Int64 // version of the evidence whose change has begun
	done         atomic.Int64 // version that stands for certain
	reads, raw   atomic.Int64
	computations atomic.Int64
	computing    atomic.Int64 // pid of the worker that began to compute last
	torn, wrong  atomic.Int64
	excused      atomic.Int64 // errors while the writer stood still in the middle of a document
	since        atomic.Int64 // when the last change began, ns since 1970
	slow         atomic.Int64 // when a change ended that took standstill or longer, ns since 1970
	unfinished   atomic.Int64 // ns that all changes together took
	stop         atomic.Bool  // the workers shall end
	gate         atomic.Bool  // closed: no new reads
	recompute    atomic.Bool  // now and then a reader asks to compute whatever the cache says
	reading      [maxWorkers]struct {
		n atomic.Int64
		_ [56]byte // a cache line each
	}
	ledger [ledgerSize]atomic.Uint64 // the state in each version
}

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

// state is what the evidence says at one moment: how much is completed, and a mark that tells one content from
// another: a metric, or the total.
type state struct{ completed, mark int64 }

func (s state) pack() uint64 { return uint64(s.completed)<<40 | uint64(s.mark) }

func unpack(v uint64) state { return state{int64(v >> 40), int64(v & (1<<40 - 1))} }

// change does op, which takes the evidence to the state s at some moment. It has one caller at a time.
func (b *board) change(s state, op func() error) error {
	v := b.begun.Load() + 1
	b.ledger[v%ledgerSize].Store(s.pack())
	began := time.Now()
	b.since.Store(began.UnixNano())
	b.begun.Store(v)
	err := op()
	if took := time.Since(began); took >= standstill {
		b.slow.Store(time.Now().UnixNano())
	}
	b.unfinished.Add(int64(time.Since(began)))
	b.done.Store(v)
	return err
}

// A writer that is held up in the middle of a document, as by a disk that does not keep up, leaves it broken for as
// long; after two seconds of that an error is the true answer.
const (
	standstill = time.Second            // of one change
	crawl      = 500 * time.Millisecond // of all changes in one call
)

// stoodStill says whether the writer was held up during a call that began before, when changes had taken unfinished.
func (b *board) stoodStill(before time.Time, unfinished int64) bool {
	now, since := time.Now(), time.Unix(0, b.since.Load())
	under := b.begun.Load() > b.done.Load()
	spent := time.Duration(b.unfinished.Load() - unfinished)
	if under {
		spent += now.Sub(since)
	}
	return under && now.Sub(since) >= standstill || b.slow.Load() >= before.UnixNano() || spent >= crawl
}

// held says whether the evidence was in state s in a version from least to most.
func (b *board) held(s state, least, most int64) bool {
	for v := least; v <= most; v++ {
		if b.ledger[v%ledgerSize].Load() == s.pack() {
			return true
		}
	}
	return most-least >= ledgerSize // nobody knows any more
}

// age says how many versions before least the evidence was in state s; -1: it never was.
func (b *board) age(s state, least int64) int64 {
	for v := least; v >= 0 && v > least-ledgerSize; v-- {
		if b.ledger[v%ledgerSize].Load() == s.pack() {
			return least - v
		}
	}
	return -1
}

// enter begins a read of a worker, unless the gate is closed.
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
