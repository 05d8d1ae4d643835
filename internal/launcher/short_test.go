package launcher_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/executor/exectest"
	"runsheet/internal/journal"
	"runsheet/internal/launcher"
)

// TestStarved holds that whoever cannot start anything for want of files, processes or memory waits, says so once, and once
// more when it is over, and blames no run: none loses a try, however often that happens.
func TestStarved(t *testing.T) {
	for name, why := range map[string]error{
		"files":            &os.PathError{Op: "open", Path: "/dev/null", Err: unix.EMFILE},
		"files of all":     &os.PathError{Op: "open", Path: "/dev/null", Err: unix.ENFILE},
		"processes":        &os.PathError{Op: "fork/exec", Path: "/proc/self/exe", Err: unix.EAGAIN},
		"memory":           &os.PathError{Op: "fork/exec", Path: "/proc/self/exe", Err: unix.ENOMEM},
		"room for a log":   &os.PathError{Op: "open", Path: "supervise.log", Err: unix.ENOSPC},
		"room, by a quota": &os.PathError{Op: "open", Path: "supervise.log", Err: unix.EDQUOT},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, exits(0), "a", "b", "c", "d")
			b.sheet.Policy.Jobs, b.sheet.Policy.Retries = 4, 0
			b.fake.FailStart(fmt.Errorf("start attempt: %w", why))
			control, land := b.flies()
			wait := b.background(launcher.Options{}, control)
			exectest.Await(t, "twenty starts to fail", func() bool { return b.told(journal.Ended) >= 20 })
			b.fake.FailStart(nil)
			out := wait()
			land()
			if got := b.status(out); slices.ContainsFunc(got, func(s runsheet.Status) bool { return s != runsheet.Finished }) || len(out.GivenUp) > 0 || out.Broken != "" {
				t.Errorf("statuses %v, given up %v, broken %q", got, out.GivenUp, out.Broken)
			}
			var said []string
			for _, s := range b.texts() {
				if strings.Contains(s, "launch") {
					said = append(said, s)
				}
			}
			if len(said) != 2 || !strings.HasPrefix(said[0], "nothing is launched for now: waiting for ") || !strings.Contains(said[0], errno(why)) ||
				!strings.HasPrefix(said[1], "launching goes on") {
				t.Errorf("it said %q", said)
			}
		})
	}
}

func errno(err error) string {
	var e unix.Errno
	errors.As(err, &e)
	return e.Error()
}

// TestMinFree fills a real file system below what must be free: nothing is launched there, which plan, status and the
// launcher say, while a run elsewhere is launched; and it goes on by itself once there is room.
func TestMinFree(t *testing.T) {
	t.Parallel()
	small, large := exectest.SmallDisk(t, "size=4m"), t.TempDir()
	run := func(dir, x string) string { return "- {x: " + x + ", work_dir: " + dir + "/" + x + "}\n" }
	p := newProject(t, `version: 1
command: bash train.sh {work_dir} 1 0 plain
runs:
`+run(small, "a")+run(small, "b")+run(large, "c")+run(large, "d")+`progress: {tracker: epochs, epochs: 1, files: [done]}
policy: {jobs: 1, min_free: 1MiB}
`)
	filler := filepath.Join(small, "filler")
	write(t, filler, strings.Repeat("x", 7<<19))
	lacks := `waiting for room in ` + regexp.QuoteMeta(small) + `: 51[0-9] KiB free, min_free is 1.0 MiB`
	if out := p.runsheet("plan").wait(0); len(regexp.MustCompile(`(?m)^wait .*`+lacks).FindAllString(out, -1)) != 2 || strings.Count(out, "launch  ") != 1 {
		t.Errorf("the plan is:\n%s", out)
	}
	if out := p.runsheet("status").wait(0); len(regexp.MustCompile(`pending .*`+lacks).FindAllString(out, -1)) != 2 {
		t.Errorf("status says:\n%s", out)
	}
	l := p.runsheet("run")
	p.awaitFile(filepath.Join(large, "d/epoch_0/done"))
	if found, _ := filepath.Glob(filepath.Join(small, "*")); len(found) != 1 {
		t.Errorf("something was launched without room: %v", found)
	}
	exectest.Await(t, "it to be said", func() bool { return p.count(journal.Trouble) == 1 })
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	out := l.wait(0)
	if !strings.Contains(out, "4 of 4 finished") || len(regexp.MustCompile(`nothing is launched for now: `+lacks).FindAllString(out, -1)) != 1 ||
		strings.Count(out, "launching goes on: nothing waits for room in "+small+" any more") != 1 {
		t.Errorf("it said:\n%s", out)
	}
	// Whoever wants that fills the disk to the last byte.
	write(t, filler, strings.Repeat("x", 7<<19))
	text := strings.ReplaceAll(string(must(os.ReadFile(p.path))), "min_free: 1MiB", "min_free: 0")
	write(t, p.path, strings.ReplaceAll(text, "progress", run(small, "e")+"progress"))
	if out := p.runsheet("run").wait(0); !strings.Contains(out, "5 of 5 finished") {
		t.Errorf("without a limit it said:\n%s", out)
	}
}

// noRoomFor has no room for what a label names, so many times.
type noRoomFor struct {
	durable.Disk
	label string
	times atomic.Int32
}

func (d *noRoomFor) Link(label, from, to string) error {
	if label == d.label && d.times.Add(-1) >= 0 {
		return &os.LinkError{Op: "link", Old: from, New: to, Err: unix.ENOSPC}
	}
	return d.Disk.Link(label, from, to)
}

// TestNoRoomToCallOff holds that a run whose attempt could neither be started nor called off, for want of room, is not
// blamed for it once there is room.
func TestNoRoomToCallOff(t *testing.T) {
	for _, label := range []string{"void", "takeover"} {
		b := newBench(t, exits(0), "a")
		b.sheet.Policy.Retries = 0
		disk := &noRoomFor{Disk: durable.OS(), label: label}
		disk.times.Store(4)
		b.disk = disk
		b.fake.FailStart(&os.PathError{Op: "open", Path: "supervise.log", Err: unix.ENOSPC})
		control, land := b.flies()
		wait := b.background(launcher.Options{}, control)
		exectest.Await(t, "it to be called off", func() bool { return b.look("a", 1).End != nil })
		b.fake.FailStart(nil)
		out := wait()
		land()
		if got := b.status(out); !slices.Equal(got, []runsheet.Status{runsheet.Finished}) || len(out.GivenUp) > 0 {
			t.Errorf("%s: statuses %v, given up %v, events %v", label, got, out.GivenUp, b.kinds("a"))
		}
		if e := b.look("a", 1).End; e.Kind != runsheet.EndVoid || e.Cause.Kind != runsheet.CauseShort {
			t.Errorf("%s: end %+v", label, e)
		}
	}
}
