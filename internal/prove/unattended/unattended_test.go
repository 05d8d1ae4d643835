package unattended

import (
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/cli"
	"runsheet/internal/forkserver"
	"runsheet/internal/prove/method"
	"runsheet/internal/supervise"
	"runsheet/internal/tracker"
)

// TestMain lets the test binary be the program under test, and the programs of its sheet.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case method.WorkerVerb:
			os.Exit(worker(os.Args[3:]))
		case supervise.Verb:
			os.Exit(supervise.Main(os.Args[2:], os.Stderr))
		case forkserver.Verb:
			os.Exit(forkserver.Main(os.Stderr))
		case "run", "status":
			os.Exit(cli.Main(os.Args[1:], cli.System()))
		}
	}
	os.Exit(m.Run())
}

// learnAll lets every program go through undisturbed, once for all tests.
func learnAll(t *testing.T) []truth {
	t.Helper()
	out, err := all()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var all = sync.OnceValues(func() ([]truth, error) {
	dir, err := os.MkdirTemp("", "unattended-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var out []truth
	for _, k := range cases() {
		t, err := learn(dir, k)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
})

func TestNothingGoesWrong(t *testing.T) {
	r, err := run(t.Context(), method.Config{Dir: t.TempDir(), Seed: 1, Count: 500, Say: t.Logf})
	if err != nil || len(r.Violations) > 0 {
		t.Fatalf("%v, violations %q", err, r.Violations)
	}
}

func TestRealSheet(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skipf("its programs use bash: %v", err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	trials := draw(rand.New(rand.NewPCG(3, 0)), learnAll(t), 10)
	faults, err := launch(t.Context(), method.Config{Dir: t.TempDir(), Runsheet: self}, trials)
	if err != nil || len(faults) > 0 {
		t.Fatalf("%v, %q", err, faults)
	}
}

// TestEveryTracker holds that there is a program for each tracker.
func TestEveryTracker(t *testing.T) {
	read := map[string]bool{"auto": true}
	for _, learned := range learnAll(t) {
		read[learned.k.spec.Tracker] = true
		read[learned.after[len(learned.steps)].Source] = true
	}
	for _, name := range tracker.Names() {
		if !read[name] {
			t.Errorf("no program leaves what the tracker %s reads", name)
		}
	}
}

// TestFindsWhatMustNotBe plants a judgement that is wrong, and holds that it is found.
func TestFindsWhatMustNotBe(t *testing.T) {
	learned := learnAll(t)
	of := func(name string) truth {
		return learned[slices.IndexFunc(learned, func(l truth) bool { return l.k.name == name })]
	}
	judged := func(change func(runsheet.Judgement, runsheet.Facts) runsheet.Judgement) func(runsheet.Run, runsheet.Facts, runsheet.Policy, time.Time) runsheet.Judgement {
		return func(r runsheet.Run, f runsheet.Facts, p runsheet.Policy, now time.Time) runsheet.Judgement {
			return change(runsheet.Judge(r, f, p, now), f)
		}
	}
	torn := trial{t: of("json"), at: point{step: 2, n: 20}, way: killed, warm: -1}
	cut := trial{t: of("csv"), at: point{step: 3, n: 4}, way: raises, warm: 1}
	for _, c := range []struct {
		name   string
		trial  trial
		change func(runsheet.Judgement, runsheet.Facts) runsheet.Judgement
		want   string // kind of the fault
	}{
		{"nothing", torn, func(j runsheet.Judgement, _ runsheet.Facts) runsheet.Judgement { return j }, ""},
		{"nothing", cut, func(j runsheet.Judgement, _ runsheet.Facts) runsheet.Judgement { return j }, ""},
		{"unknown before the end is considered", torn, func(j runsheet.Judgement, f runsheet.Facts) runsheet.Judgement {
			if f.Progress.Error != "" {
				return runsheet.Judgement{Status: runsheet.Unknown, Reason: f.Progress.Error}
			}
			return j
		}, "unknown"},
		{"the broken file first", torn, func(j runsheet.Judgement, f runsheet.Facts) runsheet.Judgement {
			if f.Progress.Broken != "" {
				j.Reason = f.Progress.Broken + "; " + j.Reason
			}
			return j
		}, "cause"},
		{"the broken file is not told", torn, func(j runsheet.Judgement, f runsheet.Facts) runsheet.Judgement {
			j.Reason = strings.ReplaceAll(j.Reason, f.Progress.Broken, "...")
			return j
		}, "file"},
		{"the exception is not told", cut, func(j runsheet.Judgement, _ runsheet.Facts) runsheet.Judgement {
			j.Reason = strings.ReplaceAll(j.Reason, exception, "...")
			return j
		}, "cause"},
		{"never finished", cut, func(j runsheet.Judgement, f runsheet.Facts) runsheet.Judgement {
			if f.Attempt == 2 {
				j.Status = runsheet.Failed
			}
			return j
		}, "not finished"},
	} {
		w := newWorld(t.TempDir())
		w.judge = judged(c.change)
		err := w.do(t.Context(), c.trial)
		var f fault
		if errors.As(err, &f); f.kind != c.want || (err == nil) != (c.want == "") {
			t.Errorf("%s: %v; want %q", c.name, err, c.want)
		}
	}
}

// TestPoints holds where a writer can die, and what it leaves.
func TestPoints(t *testing.T) {
	steps := []step{{how: begins, path: "a", data: "xy\n"}, {path: "a", data: "z\n"}, {how: replaces, path: "b", data: "12"}}
	var got []string
	for _, at := range points(steps) {
		dir := t.TempDir()
		p := place{workDir: dir, attemptDir: dir}
		if err := p.writeUpTo(steps, at); err != nil {
			t.Fatal(err)
		}
		a, _ := os.ReadFile(p.abs("a"))
		b, err := os.ReadFile(p.abs("b"))
		text := strings.ReplaceAll(string(a)+"|"+string(b), "\x00", "0")
		if err != nil {
			text = strings.TrimSuffix(text, "|")
		}
		got = append(got, text)
	}
	want := []string{"", "", "x", "xy", "xy\n", "000", "x00",
		"xy\nz", "xy\nz\n", "xy\n00", "xy\nz0",
		"xy\nz\n", "xy\nz\n", "xy\nz\n|12", "xy\nz\n|00", "xy\nz\n|10", "xy\nz\n|"}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}
