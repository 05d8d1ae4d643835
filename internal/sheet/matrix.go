package sheet

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"runsheet"
	"runsheet/internal/shell"
)

// MaxRuns is how many runs a sheet can have.
const MaxRuns = 100_000

// axis is a parameter and its values.
type axis struct {
	key    string
	node   *yaml.Node
	values []string
}

// matrix reads `matrix`: axes in the order of the sheet.
func (r *reader) matrix(n *yaml.Node) []axis {
	var axes []axis
	for _, e := range r.mapping(n, "matrix", nil) {
		if (e.key == "include" || e.key == "exclude") && e.value.Kind == yaml.SequenceNode &&
			len(e.value.Content) > 0 && follow(e.value.Content[0]).Kind == yaml.MappingNode {
			r.wrong(e.keyNode, "wrong place", "move it to the left, beside matrix", "%s stands beside matrix, not in it", e.key)
			continue
		}
		if !r.parameter(e.keyNode, e.key) {
			continue
		}
		if v := e.value; v.Kind == yaml.ScalarNode && quoted(v) {
			if form, what := meant(e.key, v.Value); what != "" {
				r.wrong(v, "wrong value", form, "%s: %s", v.Value, what)
				continue
			}
		}
		values := r.values(e.value, e.key)
		if len(values) == 0 && e.value.Kind == yaml.SequenceNode && len(e.value.Content) == 0 {
			r.wrong(e.value, "wrong value", "", "the axis %q has no values", e.key)
		}
		axes = append(axes, axis{e.key, e.keyNode, values})
	}
	return axes
}

// parameter checks the name of a parameter.
func (r *reader) parameter(n *yaml.Node, name string) bool {
	switch {
	case !shell.IsName(name):
		tip := "letters, digits and _, not beginning with a digit"
		if fixed := strings.ReplaceAll(name, "-", "_"); shell.IsName(fixed) {
			tip = fmt.Sprintf("write %q", fixed)
		}
		r.wrong(n, "wrong name", tip, "%q cannot be the name of a parameter", name)
	case slices.Contains(reservedNames, name) || strings.HasPrefix(name, "config."):
		r.wrong(n, "wrong name", "choose another name", "%q has a meaning of its own and cannot be a parameter", name)
	default:
		return true
	}
	return false
}

// values reads a value, a list of values, or ranges in either place.
func (r *reader) values(n *yaml.Node, key string) []string {
	n = follow(n)
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = r.sequence(n, key)
	}
	var all []string
	seen := make(map[string]bool)
	for i := 0; i < len(items); i++ {
		item := items[i]
		if item.Kind == yaml.SequenceNode && n.Kind == yaml.SequenceNode {
			r.wrong(item, "wrong value", nested(key, n, item), "a value of %s is a text or a number, not a list", key)
			continue
		}
		s, ok := r.text(item, "a value of "+key)
		if !ok {
			continue
		}
		if !quoted(item) && pythonBegins.MatchString(s) {
			for i+1 < len(items) && !strings.Contains(s, ")") { // YAML takes the comma between its arguments for one between values
				i++
				s += "," + items[i].Value
			}
			r.wrong(item, "wrong value", pythonForm(key, s), "%s: a range is not written as in Python", s)
			continue
		}
		expanded, why := expandRange(s)
		if why != "" {
			r.wrong(item, "wrong value", "", "%s: %s", s, why)
			continue
		}
		for _, v := range expanded {
			if seen[v] {
				r.wrong(item, "repeated value", "", "%s has the value %q twice", key, v)
				break
			}
			seen[v] = true
			all = append(all, v)
		}
	}
	return all
}

var (
	rangeForm  = regexp.MustCompile(`^(-?\d+)\.\.(-?\d+)$`)
	almostForm = regexp.MustCompile(`^-?\d[\d.]*\.\.-?\d[\d.]*$`)
)

// expandRange turns 0..2 into 0, 1, 2 and 08..11 into 08, 09, 10, 11: both ends, and where an end has zeros before it
// all numbers are as wide as the wider end. Downward ranges count down. Other text stays itself. A range that cannot
// be is told in words.
func expandRange(s string) ([]string, string) {
	m := rangeForm.FindStringSubmatch(s)
	if m == nil {
		if almostForm.MatchString(s) {
			return nil, "a range has two whole numbers, as 0..2, and no steps"
		}
		return []string{s}, ""
	}
	from, err1 := strconv.ParseInt(m[1], 10, 64)
	to, err2 := strconv.ParseInt(m[2], 10, 64)
	if err1 != nil || err2 != nil || math.Abs(float64(from)-float64(to)) >= MaxRuns {
		return nil, fmt.Sprintf("a range has at most %d values", MaxRuns)
	}
	width := 0
	for _, end := range m[1:] {
		if digits := strings.TrimPrefix(end, "-"); len(digits) > 1 && digits[0] == '0' {
			width = max(len(m[1]), len(m[2]))
		}
	}
	step := int64(1)
	if from > to {
		step = -1
	}
	var all []string
	for v := from; ; v += step {
		all = append(all, fmt.Sprintf("%0*d", width, v))
		if v == to {
			return all, ""
		}
	}
}

// product is a set of combinations: every value of each axis with every value of the others. excludes holds what is
// taken away from it.
type product []axis

// size returns how many combinations there are, or MaxRuns+1 where there are more than MaxRuns.
func (p product) size() int {
	n := 1
	for _, a := range p {
		if len(a.values) == 0 {
			return 0
		}
		if n *= len(a.values); n > MaxRuns {
			return MaxRuns + 1
		}
	}
	return n
}

// at returns combination i; the last axis changes quickest.
func (p product) at(i int) []runsheet.Param {
	if len(p) == 0 {
		return nil
	}
	params := make([]runsheet.Param, len(p))
	for j := len(p) - 1; j >= 0; j-- {
		n := len(p[j].values)
		params[j] = runsheet.Param{Key: p[j].key, Value: p[j].values[i%n]}
		i /= n
	}
	return params
}
