package sheet

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"go.yaml.in/yaml/v4"
)

// integer reads a whole number from low to high. 010 means 8 to some readers and 10 to others: it is refused.
func (r *reader) integer(n *yaml.Node, owner string, low, high int64) (int64, bool) {
	s, ok := r.text(n, owner)
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || strconv.FormatInt(v, 10) != s {
		r.wrong(n, "wrong value", "", "%s is a whole number, not %q", owner, s)
		return 0, false
	}
	if v < low || v > high {
		bounds := fmt.Sprintf("%d to %d", low, high)
		if low == high {
			bounds = strconv.FormatInt(low, 10)
		}
		r.wrong(n, "wrong value", "", "%s is %s, not %d", owner, bounds, v)
		return 0, false
	}
	return v, true
}

var decimalForm = regexp.MustCompile(`^\d{1,6}(\.\d{1,6})?$`)

// decimal reads a number like 1.5.
func (r *reader) decimal(n *yaml.Node, owner string) float64 {
	s, ok := r.text(n, owner)
	v, err := strconv.ParseFloat(s, 64)
	if ok && (err != nil || !decimalForm.MatchString(s)) {
		r.wrong(n, "wrong value", "write it like 1.5", "%s is a number, not %q", owner, s)
	}
	return v
}

// boolean reads true or false. yes and on mean different things to different readers.
func (r *reader) boolean(n *yaml.Node, owner string) bool {
	s, ok := r.text(n, owner)
	if ok && s != "true" && s != "false" {
		r.wrong(n, "wrong value", "", "%s is true or false, not %q", owner, s)
	}
	return s == "true"
}

// choice reads one of a few words.
func (r *reader) choice(n *yaml.Node, owner string, words ...string) string {
	s, ok := r.text(n, owner)
	if !ok {
		return ""
	}
	for _, w := range words {
		if s == w {
			return s
		}
	}
	r.wrong(n, "wrong value", suggest(s, words), "%s cannot be %q", owner, s)
	return ""
}

var (
	durationForm = regexp.MustCompile(`^(\d+(\.\d+)?(ms|s|m|h|d))+$`)
	durationPart = regexp.MustCompile(`(\d+(?:\.\d+)?)(ms|s|m|h|d)`)
	durationUnit = map[string]time.Duration{
		"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour,
	}
)

// parseDuration reads 90s, 10m, 24h, 120d, 1h30m; at most 100 years.
func parseDuration(s string) (time.Duration, bool) {
	if !durationForm.MatchString(s) {
		return 0, false
	}
	var sum float64
	for _, part := range durationPart.FindAllStringSubmatch(s, -1) {
		v, err := strconv.ParseFloat(part[1], 64)
		if err != nil {
			return 0, false
		}
		sum += v * float64(durationUnit[part[2]])
	}
	if sum > float64(100*365*24*time.Hour) {
		return 0, false
	}
	return time.Duration(math.Round(sum)), true
}

// slurmTime is a time as sbatch takes it, where it cannot mean but one thing: days-hours, with minutes and seconds, and
// hours:minutes:seconds.
var slurmTime = regexp.MustCompile(`^(?:(\d+)-(\d+)(?::(\d+)(?::(\d+))?)?|(\d+):(\d+):(\d+))$`)

// fromSlurm writes such a time in our units; empty: it is none.
func fromSlurm(s string) string {
	m := slurmTime.FindStringSubmatch(s)
	if m == nil {
		return ""
	}
	n := m[1:5]
	if m[5] != "" {
		n = append([]string{""}, m[5:]...)
	}
	out := ""
	for i, digits := range n {
		if digits = strings.TrimLeft(digits, "0"); digits != "" {
			out += digits + "dhms"[i:i+1]
		}
	}
	return cmp.Or(out, "0s")
}

// duration reads a time of at least low. The word other, where it is not empty, is read as zero, and zero itself is
// refused then: the policy has that value for the word.
func (r *reader) duration(n *yaml.Node, owner, other string) (time.Duration, bool) {
	s, ok := r.text(n, owner)
	if !ok {
		return 0, false
	}
	if other != "" && s == other {
		return 0, true
	}
	d, ok := parseDuration(s)
	if !ok || other != "" && d == 0 {
		tip := "write it like 90s, 10m, 24h, 120d or 1h30m"
		if ours := fromSlurm(s); ours != "" {
			tip = fmt.Sprintf("Slurm's %s is %s here", s, ours)
		}
		if other != "" {
			tip += ", or " + other
		}
		r.wrong(n, "wrong value", tip, "%s is a time, not %q", owner, s)
		return 0, false
	}
	return d, true
}

var sizeForm = regexp.MustCompile(`(?i)^\d+(\.\d+)? ?([kmgt]i?)?b$`)

// size reads 512MiB, 12GB: powers of 1024 with the i, of 1000 without.
func (r *reader) size(n *yaml.Node, owner string) (int64, bool) {
	s, ok := r.text(n, owner)
	if !ok {
		return 0, false
	}
	if sizeForm.MatchString(s) {
		if v, err := humanize.ParseBytes(s); err == nil && v <= math.MaxInt64 {
			return int64(v), true
		}
	}
	r.wrong(n, "wrong value", "write it like 512MiB or 12GB", "%s is a size in bytes, not %q", owner, s)
	return 0, false
}

// date reads 2026-01-31 as its beginning in UTC, or a full RFC 3339 time.
func (r *reader) date(n *yaml.Node, owner string) time.Time {
	s, ok := r.text(n, owner)
	if !ok {
		return time.Time{}
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, strings.TrimSpace(s)); err == nil {
			return t
		}
	}
	r.wrong(n, "wrong value", "write it like 2026-01-31", "%s is a date, not %q", owner, s)
	return time.Time{}
}
