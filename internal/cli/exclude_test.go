package cli

import (
	"slices"
	"testing"

	"runsheet"
)

// TestExclusion: the entries of exclude take the runs away that were stopped, and no others.
func TestExclusion(t *testing.T) {
	var all []runsheet.Run
	for _, x := range []string{"a", "it's, b", "-1"} {
		for _, y := range []string{"1", "2"} {
			all = append(all, runsheet.Run{Params: []runsheet.Param{{Key: "x", Value: x}, {Key: "y", Value: y}}})
		}
	}
	for _, c := range []struct {
		which []int
		want  []string
	}{
		{[]int{0}, []string{"{x: a, y: 1}"}},
		{[]int{0, 1}, []string{"{x: a}"}},
		{[]int{0, 2, 4}, []string{"{y: 1}"}},
		{[]int{2, 3}, []string{"{x: 'it''s, b'}"}},
		{[]int{5}, []string{"{x: '-1', y: 2}"}},
		{[]int{0, 3}, []string{"{x: a, y: 1}", "{x: 'it''s, b', y: 2}"}},
		{[]int{0, 2}, []string{"{x: a, y: 1}", "{x: 'it''s, b', y: 1}"}},
	} {
		if got := exclusion(all, c.which); !slices.Equal(got, c.want) {
			t.Errorf("%v: %q, want %q", c.which, got, c.want)
		}
	}
}
