package launcher_test

import (
	"fmt"
	"strings"
	"testing"

	"runsheet/internal/durable/fusetest"
)

// through returns the project as it is seen through a mount of its own.
func (p *project) through(o fusetest.Options) *project {
	seen := *p
	seen.dir = fusetest.New(p.t, p.dir, o).Dir
	return &seen
}

// TestTwoMounts: two launchers on one directory, each through a mount that numbers files in its own way and keeps its locks
// to itself, never run two attempts of one run at once, and end none of each other's.
func TestTwoMounts(t *testing.T) {
	p := newProject(t, "version: 1\ncommand: bash train.sh {work_dir} 3 0.2 plain\nmatrix: {run: [a, b, c, d]}\nwork_dir: runs/{run}\npolicy: {jobs: 2}\n")
	var launchers []*launch
	for n := range 2 {
		launchers = append(launchers, p.through(fusetest.Options{Salt: uint64(n+1) << 44}).runsheet("run"))
	}
	for _, l := range launchers {
		l.wait(0)
	}
	for _, run := range []string{"a", "b", "c", "d"} {
		p.noted(run, "start 1 at 0", "stop 1")
		if v := p.look(run, 1); v.End == nil || v.End.ExitCode == nil || *v.End.ExitCode != 0 || p.look(run, 2).Claim != nil {
			t.Errorf("%s: %+v", run, v.End)
		}
	}
}

// TestNoLinks: nothing is started on a file system whose links are none, and the launcher says so.
func TestNoLinks(t *testing.T) {
	for how, want := range map[fusetest.Links]string{fusetest.Copies: "makes a copy", fusetest.Renames: "renames", fusetest.Symlinks: "symbolic link"} {
		p := newProject(t, "version: 1\ncommand: bash train.sh {work_dir} 1 0.01 plain\nmatrix: {run: [a]}\nwork_dir: runs/{run}\n")
		said := p.through(fusetest.Options{Links: how}).runsheet("run").wait(1)
		if !strings.Contains(said, "no hard links") || !strings.Contains(said, want) || !strings.Contains(said, "hint: ") {
			t.Errorf("%s: it said:\n%s", how, said)
		}
		if notes := p.notes("a"); fmt.Sprint(notes) != "[]" || p.look("a", 1).Start != nil {
			t.Errorf("%s: it was started: %q", how, notes)
		}
	}
}
