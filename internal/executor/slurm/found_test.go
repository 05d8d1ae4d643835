package slurm

import (
	"testing"

	"runsheet"
)

// TestFind: a job is found by the batch's name on it, by a noted number, or by the number in its supervisor's start.
func TestFind(t *testing.T) {
	is := func(id, state string) job { return job{id: id, state: state} }
	q := snapshot{jobs: map[task]job{
		{oneBatch, 0}: is("12_0", "RUNNING"), {oneBatch, whole}: is("12", "CANCELLED"),
		{another, whole}: is("9", "PENDING"),
		{"30", 2}:        is("30_2", "PENDING"), {"31", 2}: is("31_2", "RUNNING"), {"32", whole}: is("32", "CANCELLED"), {"33", whole}: is("33", "RUNNING"),
	}}
	const hidden = "00000000000000000000000000000000"
	noted := []submitted{{id: "12", cluster: "east", tasks: []int{0, 1, 4}}}
	for _, c := range []struct {
		name  string
		batch string
		index int
		start *runsheet.Start
		all   []submitted
		want  string // its job
		other string
	}{
		{"by what it shows", oneBatch, 0, nil, noted, "12_0", ""},
		{"cancelled with all that waited", oneBatch, 1, nil, noted, "12", ""},
		{"cancelled with all that waited, and nothing was noted", oneBatch, 1, nil, nil, "12", ""},
		{"never submitted", oneBatch, 2, nil, noted, "", ""},
		{"it began, and what waited was cancelled", oneBatch, 1, &runsheet.Start{Job: "12_1"}, noted, "", ""},
		{"alone", another, 0, nil, nil, "9", ""},
		{"alone, and it began", another, 0, &runsheet.Start{Job: "9"}, nil, "9", ""},
		{"another task than the one that is alone", another, 1, nil, nil, "", ""},
		{"by its number", hidden, 2, nil, []submitted{{id: "30", tasks: []int{1, 2}}}, "30_2", ""},
		{"the last submission", hidden, 2, nil, []submitted{{id: "30", tasks: []int{2}}, {id: "31", tasks: []int{2}}}, "31_2", ""},
		{"an earlier one, the last is gone", hidden, 2, nil, []submitted{{id: "30", tasks: []int{2}}, {id: "99", tasks: []int{2}}}, "30_2", ""},
		{"cancelled, by its number", hidden, 3, nil, []submitted{{id: "32", tasks: []int{3}}}, "32", ""},
		{"alone, by its number", hidden, 0, nil, []submitted{{id: "33"}}, "33", ""},
		{"gone", hidden, 0, nil, []submitted{{id: "98"}}, "", ""},
		{"by what its supervisor wrote", hidden, 2, &runsheet.Start{Job: "31_2"}, nil, "31_2", ""},
		{"on another cluster", hidden, 2, nil, []submitted{{id: "30", cluster: "west", tasks: []int{2}}}, "", "west"},
		{"begun on another cluster", hidden, 2, &runsheet.Start{Job: "30_2"}, []submitted{{id: "30", cluster: "west", tasks: []int{2}}}, "", "west"},
	} {
		claim := runsheet.Claim{Batch: c.batch, Task: c.index}
		f := q.find(claim, c.start, c.all, "east")
		if f.ok != (c.want != "") || f.id != c.want || f.other != c.other {
			t.Errorf("%s: %+v", c.name, f)
		}
		if (f.doubt(claim) != "") != (c.other != "") {
			t.Errorf("%s: %s", c.name, f.doubt(claim))
		}
	}
}

func TestAnswered(t *testing.T) {
	for out, want := range map[string][2]string{"4711\n": {"4711", ""}, "4711;east\n": {"4711", "east"},
		"welcome to our cluster\n4711\nyour project has 3 hours left\n": {"4711", ""}} {
		if id, cluster, ok := answered(out); !ok || id != want[0] || cluster != want[1] {
			t.Errorf("%q: %s, %s, %t", out, id, cluster, ok)
		}
	}
	if id, _, ok := answered("Submitted batch job 4711\n"); ok {
		t.Errorf("%s", id)
	}
}
