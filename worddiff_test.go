package runsheet

import (
	"strings"
	"testing"
)

func TestCommandDiff(t *testing.T) {
	for _, c := range []struct{ old, now, want string }{
		{"sh train.sh runs/x=a 1", "sh train.sh runs/x=a 2", "sh train.sh runs/x=a (was 1, now 2)"},
		{"python t.py --lr 0.1", "python t.py --lr 0.1 --amp", "python t.py --lr 0.1 (new: --amp)"},
		{"python t.py --amp --lr 0.1", "python t.py --lr 0.1", "python t.py (gone: --amp) --lr 0.1"},
		{"python old.py", "python new.py", "python (was old.py, now new.py)"},
		{"a", "b c", "(was a, now b c)"},
		{"a  b", "a b", "a  b (only its blanks differ)"},
		{"", "a", "(new: a)"},
		{"python t.py --model cnn --lr 0.1 --seed 0 --out runs/a", "python t.py --model cnn --lr 0.2 --seed 0 --out runs/a",
			"... --model cnn --lr (was 0.1, now 0.2) --seed ..."},
		{"t --lr 0.1 --a 1 --b 2 --c 3 --seed 0", "t --lr 0.2 --a 1 --b 2 --c 3 --seed 1",
			"t --lr (was 0.1, now 0.2) --a ... 3 --seed (was 0, now 1)"},
		{"t " + strings.Repeat("a ", 300) + "x", "t " + strings.Repeat("b ", 300) + "y",
			"t (was " + strings.Repeat("a ", 300) + "x, now " + strings.Repeat("b ", 300) + "y)"},
	} {
		if got := CommandDiff(c.old, c.now); got != c.want {
			t.Errorf("%q, now %q:\n%q, want\n%q", c.old, c.now, got, c.want)
		}
	}
}
