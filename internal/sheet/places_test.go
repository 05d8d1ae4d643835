package sheet

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPlaces: which entries of the pool a run may use. A parameter called pool that names none is one like any other.
func TestPlaces(t *testing.T) {
	const pool = "pool: [{local: {name: here}}, slurm, {slurm: {partition: gpu}}, {slurm: {name: big, partition: gpu}}]\n"
	for _, c := range []struct {
		name, sheet string
		want        map[string][]string
	}{
		{"nothing is said", pool + "command: t {x}\nmatrix: {x: [1]}\n", map[string][]string{"x=1": nil}},
		{"in runs", pool + "command: t {x}\nruns: [{x: 1, pool: [big, here]}, {x: 2}]\n", map[string][]string{"x=1": {"big", "here"}, "x=2": nil}},
		{"by parameter", pool + "command: t {x}\nmatrix: {x: [1], pool: [gpu, slurm]}\n",
			map[string][]string{"x=1,pool=gpu": {"gpu"}, "x=1,pool=slurm": {"slurm"}}},
		{"included", pool + "command: t {x}\nmatrix: {x: [1]}\ninclude: [{x: 2, pool: gpu}]\n", map[string][]string{"x=1": nil, "x=2,pool=gpu": {"gpu"}}},
		{"pooling of a network", pool + "command: t {pool}\nmatrix: {pool: [max, mean]}\n", map[string][]string{"pool=max": nil, "pool=mean": nil}},
		{"pooling, and no pool", "command: t {pool}\nmatrix: {pool: [local, global]}\n", map[string][]string{"pool=local": nil, "pool=global": nil}},
	} {
		got := map[string][]string{}
		for _, r := range load(t, write(t, c.sheet)).Runs {
			got[r.Name] = r.Pool
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}

// TestActivateOf: what is activated before a command is filled in as the command is.
func TestActivateOf(t *testing.T) {
	s := load(t, write(t, "activate: source venv-{v}/bin/activate {work_dir}\ncommand: t {v}\nmatrix: {v: [1, 'a b']}\nwork_dir: runs/{v}\n"))
	var got []string
	for _, r := range s.Runs {
		got = append(got, r.Activate)
	}
	if d := cmp.Diff([]string{"source venv-1/bin/activate runs/1", "source venv-'a b'/bin/activate runs/a%20b"}, got); d != "" {
		t.Error(d)
	}
}
