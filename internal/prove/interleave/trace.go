package interleave

import (
	"fmt"
	"strings"
)

// String renders what is explored, as it is needed to repeat it.
func (t task) String() string {
	s := "scenario " + t.short()
	if t.bounds.Runs > 0 {
		s += fmt.Sprintf(", drawn from the seed %d", t.bounds.Seed)
	}
	return s
}

// short renders it in a few words.
func (t task) short() string {
	attempts := t.bounds.Attempts
	if attempts == 0 {
		attempts = 3
	}
	return fmt.Sprintf("%q with %d attempts and %d faults", t.scenario, attempts, t.bounds.Faults)
}

// tail is how many of the last steps of a trace are told in any case.
const tail = 40

// most is how many lines are told of a trace, half of them from its beginning.
const most = 160

// shortened leaves out of a trace what can be told from the rest: of its earlier steps all but those that change
// something or are out of the ordinary.
func shortened(trace string) string {
	lines := strings.Split(trace, "\n")
	var out []string
	left := 0
	for i, line := range lines {
		if i < len(lines)-tail && !matters(line) {
			left++
			continue
		}
		if left > 0 {
			out = append(out, fmt.Sprintf("    ... %d steps that change nothing", left))
			left = 0
		}
		out = append(out, line)
	}
	if n := len(out); n > most {
		out = append(append(out[:most/2:most/2], fmt.Sprintf("    ... %d lines left out", n-most)), out[n-most/2:]...)
	}
	return strings.Join(out, "\n")
}

// matters says whether a step of a trace is more than a look.
func matters(line string) bool {
	if strings.HasSuffix(line, "]") {
		return true
	}
	for _, op := range []string{": read(", ": list(", ": private(", ": check(", ": find(", ": same(", ": held(", ": wait(",
		": evidence(", ": open-lock(probe)", ": close-lock(probe)", ": read-journal(", ": wait4(", ": fence(", ": statfs("} {
		if strings.Contains(line, op) {
			return false
		}
	}
	return true
}
