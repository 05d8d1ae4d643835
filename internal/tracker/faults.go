package tracker

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"runsheet/internal/durable"
)

// brokenError is contents that make no sense.
type brokenError struct {
	rel  string // the file; empty: what several say together
	size int64  // bytes
	err  error
	hint string // what to do; empty: to repair or remove it
}

func (e *brokenError) Error() string {
	if e.rel == "" {
		return e.err.Error()
	}
	if e.size == 0 {
		return fmt.Sprintf("%s is broken: it is empty (0 bytes)", e.rel)
	}
	return fmt.Sprintf("%s is broken (%d bytes): %v", e.rel, e.size, e.err)
}

func (e *brokenError) Unwrap() error { return e.err }

// passOver notes a file that is broken, where others tell what is whole.
func (ev *Evidence) passOver(err error) {
	if broken := (*brokenError)(nil); ev.passed == nil && errors.As(err, &broken) {
		ev.passed = broken
	}
}

// unreadable says in words why a path cannot be read, and what to do.
func unreadable(rel string, err error) error {
	why := err.Error()
	var path *fs.PathError
	if errors.As(err, &path) {
		why = path.Err.Error()
	}
	var hint string
	switch {
	case errors.Is(err, fs.ErrPermission):
		hint = "; make it readable for this user (chmod u+rX), or run as its owner"
	case errors.Is(err, durable.ErrNotRegular), errors.Is(err, syscall.ENXIO):
		why, hint = durable.ErrNotRegular.Error(), "; move it away, a regular file is expected"
	case errors.Is(err, syscall.ELOOP):
		hint = "; the symbolic link leads to itself, remove it"
	}
	return &unreadableError{fmt.Sprintf("%s cannot be read: %s%s", rel, why, hint), err}
}

type unreadableError struct {
	text string
	err  error
}

func (e *unreadableError) Error() string { return e.text }
func (e *unreadableError) Unwrap() error { return e.err }
