package evidence

import (
	"strings"

	"runsheet"
)

// unseen are the changes that witnesses cannot see (the design, section 3), and only --recompute and check do: a settled
// answer may be of before them.
var unseen = []struct {
	scripts string // what their names begin with
	step    string
	why     string
}{
	{"epochs", "rm -r epoch_0", "an old epoch was removed or emptied: only the last complete one and the one under way are witnesses"},
}

// unseen says whether the last step was such a change.
func (s *stage) unseen() bool {
	if s.done == 0 {
		return false
	}
	for _, u := range unseen {
		if strings.HasPrefix(s.script.name, u.scripts) && s.script.steps[s.done-1].what == u.step {
			return true
		}
	}
	return false
}

// severalWithinATick says whether an answer may be put together of several moments: names came or went during the call,
// and their directory has the stamp that it had before. No stamp guards a reader of two things then. It is not settled, so
// that the next call reads anew.
func (s *stage) severalWithinATick(p runsheet.Progress) bool {
	return !p.Settled && s.moved && s.pause < s.grain
}
