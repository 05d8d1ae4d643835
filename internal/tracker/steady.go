package tracker

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"time"

	"runsheet/internal/durable"
)

// How long a broken document is read again while it may still be being written: in all, and between two looks.
const (
	patience  = 2 * time.Second
	glance    = 100 * time.Millisecond // also where its stamps are old: the clock of a file server may be slow
	firstWait = 5 * time.Millisecond
	longWait  = 200 * time.Millisecond
)

// steadily calls parse, which reads rel and returns a *brokenError for contents that make no sense, until the contents
// make sense, or the file has not moved for some time, or patience runs out. It returns the last error, and whether
// the file was still moving then.
func (ev *Evidence) steadily(rel string, parse func() error) (moving bool, err error) {
	began := ev.now()
	last, err := ev.Look(rel)
	if err != nil {
		return false, err
	}
	moved := false
	for wait := firstWait; ; wait = min(2*wait, longWait) {
		var broken *brokenError
		if err = parse(); err == nil || !errors.As(err, &broken) {
			return false, err
		}
		// A look after the reading: it may have been truncated between the look before and the reading.
		st, lerr := ev.again(rel)
		if lerr != nil {
			return false, lerr
		}
		now := ev.now()
		if st != last {
			last, moved = st, true
		} else if !moved && now.Sub(began) >= glance && now.Sub(time.Unix(0, st.Newest())) >= patience {
			return false, err // old by its stamps, and at rest
		}
		if now.Sub(began) >= patience {
			return moved, err
		}
		if serr := ev.sleep(ev.ctx, wait); serr != nil {
			return true, err
		}
		if st, lerr = ev.again(rel); lerr != nil {
			return false, lerr
		}
		if st != last {
			last, moved = st, true
		}
	}
}

// quiet is how long a file must not have changed for its stamp alone to tell that it did not change while it was read:
// longer than the tick of any file system, and than clients of a file server answer from memory.
const quiet = time.Minute

// steadyFile is an open file of which is known, after it was read, whether all that was read stood in it together at one
// moment. Its stamp tells, or a second reading: where that finds the same bytes, they stood there when the first was over.
type steadyFile struct {
	ev      *Evidence
	rel     string
	file    durable.File
	stamp   Stamp // before anything was read
	extents []extent
	sum     maphash.Hash // of what was read, in order
	ends    []int64      // where it was found to end
	at      int64        // where Read goes on
}

// extent is a piece of a file: from its first byte up to its end.
type extent struct{ from, to int64 }

// openSteady opens a regular file.
func (ev *Evidence) openSteady(rel string) (*steadyFile, error) {
	file, err := durable.OpenRegular(ev.disk, "progress", ev.abs(rel))
	if err != nil {
		return nil, unreadable(rel, err)
	}
	f := &steadyFile{ev: ev, rel: rel, file: file}
	if err := f.begin(); err != nil {
		file.Close()
		return nil, unreadable(rel, err)
	}
	if looked, ok := ev.looks[rel]; ok && looked.resolved() != f.stamp {
		ev.another = true
	}
	return f, nil
}

// begin forgets what was read.
func (f *steadyFile) begin() error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	f.stamp, f.extents, f.ends, f.at = stampOf(info), nil, nil, 0
	f.ev.sizes[f.rel] = f.stamp.Size
	f.sum.Reset()
	return nil
}

func (f *steadyFile) ReadAt(p []byte, at int64) (int, error) {
	n, err := f.file.ReadAt(p, at)
	f.sum.Write(p[:n])
	if end := at + int64(n); n < len(p) {
		f.ev.another = f.ev.another || end < f.stamp.Size
		if !slices.Contains(f.ends, end) {
			f.ends = append(f.ends, end)
		}
	}
	if k := len(f.extents); k > 0 && f.extents[k-1].to == at {
		f.extents[k-1].to += int64(n)
	} else {
		f.extents = append(f.extents, extent{at, at + int64(n)})
	}
	return n, err
}

func (f *steadyFile) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, f.at)
	f.at += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

func (f *steadyFile) Close() error { return f.file.Close() }

// settled says whether the file was at rest when it was opened: a change since then shows in its stamp.
func (f *steadyFile) settled() bool { return f.ev.now().Sub(time.Unix(0, f.stamp.Newest())) > patience }

// held says whether all that was read stood in the file at one moment.
func (f *steadyFile) held() bool {
	info, err := f.file.Stat()
	if err == nil && stampOf(info) == f.stamp && f.ev.now().Sub(time.Unix(0, f.stamp.Newest())) > quiet {
		return true
	}
	var again maphash.Hash
	again.SetSeed(f.sum.Seed())
	buf := make([]byte, min(chunk, max(f.longest(), 1)))
	for _, s := range f.extents {
		for s.from < s.to {
			if f.ev.ctx.Err() != nil {
				return false
			}
			n, _ := f.file.ReadAt(buf[:min(int64(len(buf)), s.to-s.from)], s.from)
			if n == 0 {
				return false
			}
			again.Write(buf[:n])
			s.from += int64(n)
		}
	}
	for _, end := range f.ends {
		if n, _ := f.file.ReadAt(buf[:1], end); n > 0 {
			return false
		}
	}
	return again.Sum64() == f.sum.Sum64()
}

// longest returns the length of the longest piece that was read, in bytes.
func (f *steadyFile) longest() int64 {
	var n int64
	for _, s := range f.extents {
		n = max(n, s.to-s.from)
	}
	return n
}

// read calls take with the contents of a regular file of at most limit bytes: again where the file was written anew
// meanwhile, until all that take was given stood in it at one moment. It returns take's last error, one of reading as
// an *unreadableError, or that the file is written anew all the time.
func (ev *Evidence) read(rel string, limit int64, take func(r io.Reader) error) error {
	if _, err := ev.Look(rel); err != nil {
		return err
	}
	f, err := ev.openSteady(rel)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.untilHeld(rel, func() error {
		if f.stamp.Size > limit {
			return unreadable(rel, fmt.Errorf("%w: %d bytes, at most %d", durable.ErrTooLarge, f.stamp.Size, limit))
		}
		return take(io.LimitReader(f, limit))
	})
}

// fewest is how often a file is read before it is said to be written all the time, however slow the reader is.
const fewest = 8

// untilHeld calls once, which reads, until what it read held, or patience runs out. It returns the last error of once, or why
// nobody knows whether that held.
func (f *steadyFile) untilHeld(rel string, once func() error) error {
	began := f.ev.now()
	wait := time.Millisecond
	for n := 1; ; n++ {
		err := once()
		if cannot := (*unreadableError)(nil); errors.As(err, &cannot) || f.held() {
			return err
		}
		if err := f.ev.ctx.Err(); err != nil {
			return unreadable(rel, err)
		}
		if n >= fewest && f.ev.now().Sub(began) >= patience {
			return f.never(rel)
		}
		if err := f.ev.sleep(f.ev.ctx, wait); err != nil {
			return err
		}
		wait = min(2*wait, firstWait)
		if err := f.begin(); err != nil {
			return unreadable(rel, err)
		}
	}
}

// never says that a file was another one each time before it was read to its end.
func (f *steadyFile) never(rel string) error {
	f.ev.moving = true
	return fmt.Errorf("%s is written anew all the time: each time that it was read, it was another one before the end", rel)
}

// readAll reads a regular file of at most limit bytes whole.
func (ev *Evidence) readAll(rel string, limit int64) (data []byte, err error) {
	err = ev.read(rel, limit, func(r io.Reader) error {
		if data, err = io.ReadAll(r); err != nil {
			return unreadable(rel, err)
		}
		ev.sizes[rel] = int64(len(data)) // it may have been emptied since it was opened
		return nil
	})
	return data, err
}
