package durable

import (
	"errors"
	"io/fs"
	"syscall"
)

// Decisions that callers take by error.
var (
	// ErrExists: somebody else wrote the document first. errors.Is(err, fs.ErrExist) holds as well.
	ErrExists = &sentinel{"already written", fs.ErrExist}
	// ErrNotRegular: the name is taken by a directory, a FIFO, a device, a socket or a symbolic link to one.
	ErrNotRegular = errors.New("not a regular file")
	// ErrTooLarge: the file is larger than the caller can bear.
	ErrTooLarge = errors.New("too large")
	// ErrNoLinks: the file system has no hard links, and there is no safe way without them.
	ErrNoLinks = errors.New("the file system has no hard links")
)

// sentinel is an error that is also another one.
type sentinel struct {
	text string
	is   error
}

func (s *sentinel) Error() string { return s.text }
func (s *sentinel) Unwrap() error { return s.is }

// WithHint adds to err what the person who reads it should do. It returns nil for a nil error.
func WithHint(err error, hint string) error {
	if err == nil {
		return nil
	}
	return &hinted{err, hint}
}

// Hint returns what the outermost hint in err says. Where there is none, it is what the operating system's error calls for
// by itself, as a full disk does; or "".
func Hint(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return wayOut(err)
}

// OrHint adds a hint to err as WithHint does, unless it has one, or calls for one by itself.
func OrHint(err error, hint string) error {
	if err == nil || Hint(err) != "" {
		return err
	}
	return WithHint(err, hint)
}

type hinted struct {
	error
	hint string
}

func (h *hinted) Hint() string  { return h.hint }
func (h *hinted) Unwrap() error { return h.error }

// noLinks says whether an error of link(2) means that the file system cannot link at all.
func noLinks(err error) bool {
	return errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOSYS) ||
		errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EMLINK) || errors.Is(err, syscall.EXDEV)
}
