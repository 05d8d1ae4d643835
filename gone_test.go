package runsheet_test

import (
	"strings"
	"testing"

	"runsheet"
)

// TestMissing: which finished runs a sheet no longer has, and whether only a name or a work dir changed.
func TestMissing(t *testing.T) {
	for name, c := range map[string]struct {
		finished, now, skipped, done string // names of runs; name@dir: in a work dir of its own
		want                         runsheet.Gone
	}{
		"nothing ran": {now: "lr=1,m=a"},
		"renamed": {finished: "lr=1,m=a lr=2,m=a", now: "m=a,rate=1 m=a,rate=2 m=a,rate=3",
			want: runsheet.Gone{Runs: []string{"lr=1,m=a", "lr=2,m=a"}, Renamed: 2, Was: "lr", Is: "rate"}},
		"renamed, and values changed": {finished: "lr=1 lr=2", now: "rate=2 rate=3",
			want: runsheet.Gone{Runs: []string{"lr=1", "lr=2"}, Renamed: 1, Was: "lr", Is: "rate"}},
		"renamed back": {finished: "lr=1 lr=2", now: "rate=1 rate=2", done: "rate=1 rate=2", want: runsheet.Gone{Runs: []string{"lr=1", "lr=2"}}},
		"renamed back, and one is new": {finished: "lr=1 lr=2", now: "rate=1 rate=2", done: "rate=1",
			want: runsheet.Gone{Runs: []string{"lr=1", "lr=2"}, Renamed: 1, Was: "lr", Is: "rate"}},
		"other values by another name": {finished: "lr=1", now: "rate=2", want: runsheet.Gone{Runs: []string{"lr=1"}}},
		"values are gone":              {finished: "lr=1 lr=2", now: "lr=3", want: runsheet.Gone{Runs: []string{"lr=1", "lr=2"}}},
		"two names changed":            {finished: "lr=1,m=a", now: "rate=1,model=a", want: runsheet.Gone{Runs: []string{"lr=1,m=a"}}},
		"a parameter more":             {finished: "lr=1", now: "lr=1,m=a", want: runsheet.Gone{Runs: []string{"lr=1"}}},
		"excluded":                     {finished: "lr=1 lr=2", now: "lr=3", skipped: "lr=1", want: runsheet.Gone{Runs: []string{"lr=2"}}},
		"elsewhere": {finished: "lr=1@old/1", now: "lr=1@new/1",
			want: runsheet.Gone{Runs: []string{"lr=1"}, Moved: 1, Elsewhere: "new/1"}},
	} {
		runs := func(list string) (out []runsheet.Run) {
			for _, word := range strings.Fields(list) {
				name, dir, ok := strings.Cut(word, "@")
				if !ok {
					dir = "runs/" + name
				}
				out = append(out, runsheet.Run{Name: name, Shown: dir})
			}
			return out
		}
		done := map[string]bool{}
		for _, name := range strings.Fields(c.done) {
			done[name] = true
		}
		got := runsheet.Missing(&runsheet.Sheet{Runs: runs(c.now), Skipped: strings.Fields(c.skipped)}, runs(c.finished), done)
		if strings.Join(got.Runs, " ") != strings.Join(c.want.Runs, " ") || len(got.WorkDirs) != len(got.Runs) || got.Renamed != c.want.Renamed ||
			got.Was != c.want.Was || got.Is != c.want.Is || got.Moved != c.want.Moved || got.Elsewhere != c.want.Elsewhere {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
