package tracker

import (
	"math"
	"strconv"
	"strings"

	"runsheet"
)

// row is a flat view of one JSON object, as a line of a log of JSON lines is: its numbers and its texts by their keys,
// those of objects inside it as outer.inner. Arrays are left out. Bare NaN and Infinity are numbers.
type row struct {
	num  runsheet.Metrics
	text map[string]string
	flag map[string]bool
}

// parseRow reads one JSON object. The error is a *syntaxError.
func parseRow(data []byte) (row, error) {
	r := row{num: runsheet.Metrics{}, text: map[string]string{}, flag: map[string]bool{}}
	s := scanText(data)
	err := s.document(func(depth int) error {
		if s.kind() != '{' {
			return s.fault("no object")
		}
		return r.object(s, "", depth)
	})
	return r, err
}

func (r row) object(s *scanner, prefix string, depth int) error {
	return s.object(depth, func(key string) error {
		key = prefix + key
		switch s.kind() {
		case '{':
			return r.object(s, key+".", depth+1)
		case '[':
			return s.skip(depth + 1)
		case '"':
			text, err := s.text()
			if err == nil && len(r.text) < maxMetrics {
				r.text[key] = text
			}
			return err
		}
		v, err := s.scalar()
		switch v := v.(type) {
		case float64:
			if len(r.num) < maxMetrics {
				r.num[key] = v
			}
		case bool:
			r.flag[key] = v
		}
		return err
	})
}

// count returns a number as a count, and whether it can be one: whole, from 0 to maxCount.
func (r row) count(key string) (int64, bool) {
	v, ok := r.num[key]
	if !ok {
		return 0, false
	}
	return asCount(v)
}

// maxCount is the largest count that is believed; what is larger means "no limit" to those who wrote it. No training
// makes more steps: it is 10^15, far above the tokens of the largest ones.
const maxCount = 1e15

// asCount returns a number as a count, and whether it can be one.
func asCount(v float64) (int64, bool) {
	if math.IsNaN(v) || v < 0 || v > maxCount || v != math.Trunc(v) {
		return 0, false
	}
	return int64(v), true
}

// parseFloat reads a number as Python and C write it, "nan" and "inf" included, and says whether it is one.
func parseFloat(text string) (float64, bool) {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil && !math.IsInf(v, 0) {
		return 0, false
	}
	return v, true
}

// parseCount reads a count in digits, and says whether it is one.
func parseCount(text string) (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || n < 0 || n > maxCount {
		return 0, false
	}
	return n, true
}
