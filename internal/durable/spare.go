package durable

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
)

// Spare is a temporary file whose blocks are allocated already, to become a write-once document later even when the
// disk is full by then. It is safe for use by several goroutines.
type Spare struct {
	mu      sync.Mutex
	disk    Disk
	label   string
	file    File
	size    int64 // bytes allocated
	spoiled bool  // an fsync failed: its pages may be marked clean without being on disk, so it is never synced again
	filled  bool  // its contents are on disk; it may have its final name already, so they are not touched again
}

// Prepare makes a spare in dir with room for size bytes, written and synced.
func Prepare(d Disk, label, dir string, size int) (*Spare, error) {
	f, err := temp(d, label, dir, Private)
	if err != nil {
		return nil, err
	}
	s := &Spare{disk: d, label: label, file: f, size: int64(size)}
	if size > 0 {
		// Spaces, so that whatever is written over them is still one JSON document.
		err := fill(f, bytes.Repeat([]byte(" "), size))
		if err == nil {
			err = f.Sync()
		}
		if err != nil {
			s.Discard()
			return nil, fmt.Errorf("prepare %d bytes in %s: %w", size, dir, err)
		}
	}
	return s, nil
}

// WriteOnce makes data the contents of path, as the function WriteOnce does, out of the spare; shorter documents are
// padded with spaces, so that nothing has to be allocated. After an error that is not ErrExists it may be called
// again with the same path; once its contents reached the disk, the first call's data are what is written.
func (s *Spare) WriteOnce(path string, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return fmt.Errorf("write %s: %w", path, fs.ErrClosed)
	}
	if err := s.fill(path, data); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := s.disk.Link(s.label, s.file.Name(), path); err != nil {
		switch {
		case errors.Is(err, fs.ErrExist):
			// An entry that was seen is an entry that is acted upon: it must not vanish in a power cut.
			if serr := SyncDir(s.disk, s.label, filepath.Dir(path)); serr != nil {
				return serr
			}
			return fmt.Errorf("write %s: %w", path, ErrExists)
		case noLinks(err):
			return WithHint(fmt.Errorf("write %s: %w: %w", path, ErrNoLinks, err),
				linksHint)
		}
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := linked(s.disk, s.label, s.file, path); err != nil {
		return err
	}
	if err := SyncDir(s.disk, s.label, filepath.Dir(path)); err != nil {
		return err
	}
	// Only now: a spare that is gone cannot be tried again. Its own name is of no use to anyone.
	s.disk.Remove(s.label, s.file.Name())
	return s.close()
}

// fill brings data to the disk, unless an earlier call has done so.
func (s *Spare) fill(path string, data []byte) error {
	if s.filled {
		return nil
	}
	if s.spoiled {
		f, err := temp(s.disk, s.label, filepath.Dir(path), Private)
		if err != nil {
			return err
		}
		s.disk.Remove(s.label, s.file.Name())
		s.file.Close()
		s.file, s.spoiled = f, false
	}
	if pad := s.size - int64(len(data)); pad > 0 {
		data = append(data[:len(data):len(data)], bytes.Repeat([]byte(" "), int(pad))...)
	}
	if err := fill(s.file, data); err != nil {
		return err
	}
	if err := s.file.Sync(); err != nil {
		s.spoiled = true
		return err
	}
	s.filled = true
	return nil
}

// Discard removes the spare; after a successful WriteOnce it does nothing.
func (s *Spare) Discard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		s.disk.Remove(s.label, s.file.Name())
		s.close()
	}
}

func (s *Spare) close() error {
	f := s.file
	s.file = nil
	f.Close() // its data is synced; nothing that close could report would change that
	return nil
}
