package tracker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

// scanner reads one JSON document (RFC 8259) as a stream, with the bare tokens NaN, Infinity and -Infinity that Python
// writes. Values that nobody asks for are checked and passed over without being held.
type scanner struct {
	r    io.Reader
	buf  []byte
	pos  int // next byte in buf
	end  int // bytes in buf
	base int64
	err  error // of reading; io.EOF at the end
	num  []byte
}

// How much is read at once, how many bytes around a fault are shown, and how deeply values may be nested.
const (
	scanBuffer = 32 << 10
	scanNear   = 24
	scanDepth  = 200
	scanString = 1 << 10 // bytes of a string that is asked for
)

func newScanner(r io.Reader) *scanner { return &scanner{r: r, buf: make([]byte, scanBuffer)} }

// scanText scans a text that is held already, as a line of a log, without a copy.
func scanText(data []byte) *scanner { return &scanner{buf: data, end: len(data), err: io.EOF} }

// syntaxError says where a document makes no sense.
type syntaxError struct {
	what   string
	offset int64
	near   []byte
	cut    bool // the document ends here
}

func (e *syntaxError) Error() string {
	if e.cut {
		return fmt.Sprintf("it ends at byte %d, after %s", e.offset, strconv.Quote(string(e.near)))
	}
	if e.near == nil {
		return e.what
	}
	return fmt.Sprintf("%s at byte %d, near %s", e.what, e.offset, strconv.Quote(string(e.near)))
}

// peek returns the next byte; ok is false at the end, or when reading failed.
func (s *scanner) peek() (byte, bool) {
	if s.pos == s.end {
		if s.err != nil {
			return 0, false
		}
		s.fill()
		if s.pos == s.end {
			return 0, false
		}
	}
	return s.buf[s.pos], true
}

// fill reads more, and keeps a few bytes of what was read to show them with a fault.
func (s *scanner) fill() {
	keep := min(s.end, scanNear)
	copy(s.buf, s.buf[s.end-keep:s.end])
	s.base += int64(s.end - keep)
	s.pos, s.end = keep, keep
	for range 100 {
		n, err := s.r.Read(s.buf[s.end:])
		s.end += n
		if s.err = err; n > 0 || err != nil {
			return
		}
	}
	s.err = io.ErrNoProgress
}

func (s *scanner) space() {
	for {
		c, ok := s.peek()
		if !ok || c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return
		}
		s.pos++
	}
}

// fault returns what is wrong at the next byte.
func (s *scanner) fault(what string) error {
	_, ok := s.peek()
	if !ok && !errors.Is(s.err, io.EOF) {
		return s.err
	}
	from, to := max(0, s.pos-scanNear), min(s.end, s.pos+scanNear)
	return &syntaxError{what: what, offset: s.base + int64(s.pos), near: append([]byte(nil), s.buf[from:to]...), cut: !ok}
}

// document reads the whole: value consumes the one value, and nothing may follow it.
func (s *scanner) document(value func(depth int) error) error {
	s.space()
	if err := value(0); err != nil {
		return err
	}
	s.space()
	if _, ok := s.peek(); ok {
		return s.fault("more than one value")
	}
	if !errors.Is(s.err, io.EOF) {
		return s.err
	}
	return nil
}

// kind returns the first byte of the next value, 0 at the end.
func (s *scanner) kind() byte {
	c, _ := s.peek()
	return c
}

// object reads an object; member is called after each key and consumes the value.
func (s *scanner) object(depth int, member func(key string) error) error {
	return s.list(depth, '{', '}', func() error {
		key, err := s.text()
		if err != nil {
			return err
		}
		s.space()
		if c, ok := s.peek(); !ok || c != ':' {
			return s.fault("no colon after a key")
		}
		s.pos++
		s.space()
		return member(key)
	})
}

// list reads what stands between two brackets, separated by commas.
func (s *scanner) list(depth int, open, shut byte, element func() error) error {
	if depth > scanDepth {
		return s.fault("nested too deeply")
	}
	if s.kind() != open {
		return s.fault("no " + string(rune(open)))
	}
	s.pos++
	s.space()
	if s.kind() == shut {
		s.pos++
		return nil
	}
	for {
		s.space()
		if err := element(); err != nil {
			return err
		}
		s.space()
		switch c, _ := s.peek(); c {
		case ',':
			s.pos++
		case shut:
			s.pos++
			return nil
		default:
			return s.fault("neither a comma nor " + string(rune(shut)))
		}
	}
}

// skip passes over one value.
func (s *scanner) skip(depth int) error {
	switch c := s.kind(); c {
	case '{':
		return s.object(depth, func(string) error { return s.skip(depth + 1) })
	case '[':
		return s.list(depth, '[', ']', func() error { return s.skip(depth + 1) })
	case '"':
		_, err := s.text()
		return err
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		_, err := s.digits()
		return err
	default:
		_, err := s.scalar()
		return err
	}
}

// text reads a string. Only its beginning is returned where it is very long.
func (s *scanner) text() (string, error) {
	if s.kind() != '"' {
		return "", s.fault("no string")
	}
	s.pos++
	raw := make([]byte, 1, 64)
	raw[0] = '"'
	plain := true
	for {
		c, ok := s.peek()
		switch {
		case !ok:
			return "", s.fault("unfinished string")
		case c < 0x20:
			return "", s.fault("control character in a string")
		case c == '"':
			s.pos++
			if plain {
				return string(raw[1:]), nil
			}
			var out string
			if json.Unmarshal(append(raw, '"'), &out) != nil {
				return string(raw[1:]), nil // a very long one, cut within an escape
			}
			return out, nil
		case c == '\\':
			plain = false
			esc, err := s.escape()
			if err != nil {
				return "", err
			}
			if len(raw) < scanString {
				raw = append(raw, esc...)
			}
		default:
			s.pos++
			if len(raw) < scanString {
				raw = append(raw, c)
			}
		}
	}
}

// escape reads a backslash and what belongs to it.
func (s *scanner) escape() ([]byte, error) {
	s.pos++
	c, _ := s.peek()
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
		return []byte{'\\', c}, nil
	case 'u':
		s.pos++
		esc := []byte{'\\', 'u'}
		for range 4 {
			c, _ := s.peek()
			if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
				return nil, s.fault("no hexadecimal digit")
			}
			s.pos++
			esc = append(esc, c)
		}
		return esc, nil
	}
	return nil, s.fault("unknown escape")
}

// scalar reads a number (a float64), a boolean or null (nil).
func (s *scanner) scalar() (any, error) {
	switch c := s.kind(); {
	case c == 't':
		return true, s.word("true")
	case c == 'f':
		return false, s.word("false")
	case c == 'n':
		return nil, s.word("null")
	case c == 'N':
		return math.NaN(), s.word("NaN")
	case c == 'I':
		return math.Inf(1), s.word("Infinity")
	case c == '-' || '0' <= c && c <= '9':
		return s.number()
	}
	return nil, s.fault("no value")
}

func (s *scanner) word(w string) error {
	for i := range len(w) {
		if s.kind() != w[i] {
			return s.fault("no " + w)
		}
		s.pos++
	}
	return nil
}

func (s *scanner) number() (float64, error) {
	raw, err := s.digits()
	if err != nil {
		return 0, err
	}
	if string(raw) == "-Infinity" {
		return math.Inf(-1), nil
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return math.NaN(), nil // digits beyond what was kept: nobody measures such a number
	}
	return f, nil // out of range: infinite, as Python reads it
}

// digits reads a number, and returns its text until the next call.
func (s *scanner) digits() ([]byte, error) {
	s.num = s.num[:0]
	if s.kind() == '-' {
		s.take()
		if s.kind() == 'I' {
			s.num = append(s.num, "Infinity"...)
			return s.num, s.word("Infinity")
		}
	}
	if s.kind() == '0' {
		s.take()
	} else if err := s.run(); err != nil {
		return nil, err
	}
	if s.kind() == '.' {
		s.take()
		if err := s.run(); err != nil {
			return nil, err
		}
	}
	if c := s.kind(); c == 'e' || c == 'E' {
		s.take()
		if c := s.kind(); c == '+' || c == '-' {
			s.take()
		}
		if err := s.run(); err != nil {
			return nil, err
		}
	}
	return s.num, nil
}

// run reads one or more digits.
func (s *scanner) run() error {
	if c := s.kind(); c < '0' || c > '9' {
		return s.fault("no digit")
	}
	for c := s.kind(); '0' <= c && c <= '9'; c = s.kind() {
		s.take()
	}
	return nil
}

// take adds the next byte to the text of the number.
func (s *scanner) take() {
	if len(s.num) < scanString {
		s.num = append(s.num, s.buf[s.pos])
	}
	s.pos++
}
