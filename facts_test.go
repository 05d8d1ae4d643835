package runsheet

import (
	"slices"
	"testing"
)

// TestSpec holds what a reader of evidence is told of the places at which attempts ended in the middle of a line.
func TestSpec(t *testing.T) {
	first, last := Cut{Path: "log.csv", Offset: 58, Before: "a"}, Cut{Path: "log.csv", Offset: 99, Before: "b"}
	claim := &Claim{Attempt: 2, Progress: ProgressSpec{Cuts: []Cut{first}}}
	ended := func(e End) *End {
		e.Progress = &Progress{Cuts: []Cut{last}}
		return &e
	}
	for name, c := range map[string]struct {
		facts  Facts
		exited bool
		want   []Cut
	}{
		"never tried":     {facts: Facts{}},
		"under way":       {facts: Facts{Claim: claim}, want: []Cut{first}},
		"killed":          {facts: Facts{Claim: claim, End: ended(End{Kind: EndSignal})}, want: []Cut{first, last}},
		"exited with 0":   {facts: Facts{Claim: claim, End: ended(End{Kind: EndExit, ExitCode: code(0)})}, exited: true, want: []Cut{first}},
		"exited with 1":   {facts: Facts{Claim: claim, End: ended(End{Kind: EndExit, ExitCode: code(1)})}, want: []Cut{first, last}},
		"without any cut": {facts: Facts{Claim: &Claim{Attempt: 1}, End: &End{Kind: EndLost}}},
	} {
		t.Run(name, func(t *testing.T) {
			spec := c.facts.Spec(ProgressSpec{Tracker: "csv"})
			if !slices.Equal(spec.Cuts, c.want) || spec.Exited != c.exited || spec.Tracker != "csv" {
				t.Errorf("%+v", spec)
			}
		})
	}
}

// TestBegun holds that what is broken is not taken for nothing to go on from.
func TestBegun(t *testing.T) {
	for name, c := range map[string]struct {
		facts Facts
		want  bool
	}{
		"nothing":                       {Facts{}, false},
		"no evidence":                   {Facts{Progress: epochs(0, 20)}, false},
		"some":                          {Facts{Progress: epochs(7, 20)}, true},
		"torn, and some is whole":       {Facts{Progress: torn(7, 20)}, true},
		"torn, and nothing is known":    {Facts{Progress: torn(0, 20)}, true},
		"a torn evaluation":             {Facts{Progress: torn(0, 1)}, false},
		"unreadable":                    {Facts{Progress: broken("no permission")}, false},
		"unreadable, and its end knows": {Facts{Claim: &Claim{}, Progress: broken("no permission"), End: &End{Progress: epochs(7, 20)}}, true},
		"passed over":                   {Facts{Progress: &Progress{Total: 20, Source: "epochs", Broken: "epoch_0/scores.json is broken"}}, false},
	} {
		if got := c.facts.Begun(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
