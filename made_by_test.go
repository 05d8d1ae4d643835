package runsheet

import "testing"

// TestMadeBy holds that a result stays up to date where its project was moved or its work dir was renamed. Claims of older versions
// have the filled-in text alone, and are compared by it.
func TestMadeBy(t *testing.T) {
	run := Run{Command: "t /new/t.py runs/b --lr 1", Identity: "t {sheet_dir}/t.py {work_dir} --lr 1"}
	for name, c := range map[string]struct {
		claim Claim
		want  bool
	}{
		"the same":                   {Claim{Identity: run.Command, Written: run.Identity}, true},
		"moved":                      {Claim{Identity: "t /old/t.py runs/a --lr 1", Written: run.Identity}, true},
		"another parameter":          {Claim{Identity: "t /new/t.py runs/b --lr 2", Written: "t {sheet_dir}/t.py {work_dir} --lr 2"}, false},
		"an older version":           {Claim{Identity: run.Command}, true},
		"an older version, moved":    {Claim{Identity: "t /old/t.py runs/a --lr 1"}, false},
		"written out":                {Claim{Identity: run.Command, Written: "t {sheet_dir}/t.py runs/b --lr 1"}, true},
		"without any placeholder":    {Claim{Identity: "t"}, false},
		"a run that is not expanded": {Claim{Identity: "t", Written: "t {work_dir}"}, false},
	} {
		if got := c.claim.MadeBy(run); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	if (Claim{Identity: "t"}).MadeBy(Run{Command: "u"}) {
		t.Error("two commands without placeholders")
	}
}
