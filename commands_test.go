package runsheet_test

import (
	"testing"

	"runsheet"
)

// TestSpelled: a command that is to be typed names the sheet where it has to be named, once.
func TestSpelled(t *testing.T) {
	other := &runsheet.Sheet{Path: "/p/s.yaml", Typed: "'my s.yaml'"}
	dir := &runsheet.Sheet{Typed: "runs"}
	for _, c := range []struct {
		sheet      *runsheet.Sheet
		text, want string
	}{
		{other, "`runsheet logs x=1` shows it, `runsheet retry --force 'a b'` lets go",
			"`runsheet logs -s 'my s.yaml' x=1` shows it, `runsheet retry -s 'my s.yaml' --force 'a b'` lets go"},
		{other, "`runsheet stop 'x=[ab]'`", "`runsheet stop -s 'my s.yaml' 'x=[ab]'`"},
		{other, "`runsheet run`", "`runsheet run -s 'my s.yaml'`"},
		{other, "an odd ` before `runsheet status` and ` after", "an odd ` before `runsheet status -s 'my s.yaml'` and ` after"},
		{other, "`runsheet status -s other.yaml`", "`runsheet status -s other.yaml`"},
		{other, "`runsheet run 'python t.py --lr {lr}' lr=1`", "`runsheet run 'python t.py --lr {lr}' lr=1`"},
		{other, "`runsheet schema`, `runsheet --help`, `runsheet logs --help`, `runsheet check --fs /d`",
			"`runsheet schema`, `runsheet --help`, `runsheet logs --help`, `runsheet check --fs /d`"},
		{other, "nothing that runsheet does", "nothing that runsheet does"},
		{&runsheet.Sheet{Path: "/p/runsheet.yaml"}, "`runsheet run`", "`runsheet run`"},
		{nil, "`runsheet run`", "`runsheet run`"},
		{dir, "`runsheet status --recompute` or `runsheet check`; `runsheet run`", "`runsheet status --recompute runs` or `runsheet check runs`; `runsheet run`"},
	} {
		got := c.sheet.Spelled(c.text)
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
		if again := c.sheet.Spelled(got); c.sheet != dir && again != got {
			t.Errorf("spelled twice: %q, want %q", again, got)
		}
	}
}
