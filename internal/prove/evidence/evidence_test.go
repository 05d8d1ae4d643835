package evidence

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"runsheet"
	"runsheet/internal/prove/method"
)

// The workers are this test binary, started again.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == method.WorkerVerb {
		os.Exit(work(os.Args[3:]))
	}
	os.Exit(m.Run())
}

func locks(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "locks"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func named(t *testing.T, name string) *script {
	t.Helper()
	all := scripts()
	i := slices.IndexFunc(all, func(s script) bool { return s.name == name })
	if i < 0 {
		t.Fatalf("there is no script %q", name)
	}
	return &all[i]
}

func TestNoViolation(t *testing.T) {
	c := method.Config{Size: method.Quick, Seed: 7, Dir: t.TempDir(), Count: 300, Say: t.Logf}
	var r method.Result
	if err := inMemory(t.Context(), c, &r); err != nil || len(r.Violations) > 0 {
		t.Errorf("%v: %q", err, r.Violations)
	}
	for _, w := range ways() {
		if w.name != "csv, renamed over" && w.name != "csv, appended" {
			continue
		}
		var sum reality
		if err := w.run(t.Context(), c, 0, &sum, &r); err != nil || len(r.Violations) > 0 || sum.kills == 0 || sum.reads == 0 {
			t.Errorf("%s: %v: %q: %+v", w.name, err, r.Violations, sum)
		}
		if err := os.RemoveAll(filepath.Join(c.Dir, "real-0")); err != nil {
			t.Fatal(err)
		}
	}
}

// Every script can be played to its end, and a reader that nobody disturbs is told the truth.
func TestScripts(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range scripts() {
		if seen[s.name] {
			t.Errorf("%s: twice", s.name)
		}
		seen[s.name] = true
		tr := trial{script: &s, weather: weathers[0], warmth: warmths[0], start: len(s.steps)}
		if out := tr.play(locks(t)); out.wrong != "" || !out.settled || len(out.trace) == 0 {
			t.Errorf("%s: %d operations, settled: %t: %s", tr, len(out.trace), out.settled, out.wrong)
		}
	}
}

// The trackers understand the lines of the table: what they count is what the training code has reached.
func TestLines(t *testing.T) {
	for _, l := range ofLines() {
		sc := named(t, l.name+", appended")
		s := &stage{trial: trial{script: sc, weather: weathers[0], warmth: warmths[0], start: len(sc.steps)}, disk: newMemory(weathers[0], nil), spec: sc.spec}
		s.before()
		done := sc.reached(s.done)
		if l.name == "keras's output" {
			done-- // it says which one has begun
		}
		want := fmt.Sprintf(`"completed":%d,`, done)
		if said := s.moment().says(old); done < 13 || !strings.Contains(said, want) {
			t.Errorf("%s: %s, and not %s", sc.name, said, want)
		}
	}
}

// Each fault that is planted into the answers is found.
func TestFindsPlantedFaults(t *testing.T) {
	sc := named(t, "csv, appended")
	for name, c := range map[string]struct {
		fault func(first *runsheet.Progress, p runsheet.Progress) runsheet.Progress
		want  string
	}{
		"none":  {func(_ *runsheet.Progress, p runsheet.Progress) runsheet.Progress { return p }, ""},
		"stale": {func(first *runsheet.Progress, _ runsheet.Progress) runsheet.Progress { return *first }, "never settled"},
		"invented": {func(_ *runsheet.Progress, p runsheet.Progress) runsheet.Progress {
			p.Completed += 100
			return p
		}, "and the evidence said"},
		"never settled": {func(_ *runsheet.Progress, p runsheet.Progress) runsheet.Progress {
			p.Settled = false
			return p
		}, "never settled"},
	} {
		t.Run(name, func(t *testing.T) {
			var first *runsheet.Progress
			tr := trial{script: sc, weather: weathers[0], warmth: warmths[0], start: 2, placed: []int{4}}
			out := tr.playWith(locks(t), func(p runsheet.Progress) runsheet.Progress {
				if first == nil {
					first = &p
				}
				return c.fault(first, p)
			})
			if (c.want == "") != (out.wrong == "") || !strings.Contains(out.wrong, c.want) {
				t.Errorf("%s: %q", tr, out.wrong)
			}
		})
	}
}

// TestExplore holds that steps are placed before each operation where they make a difference, and that no task is missing.
func TestExplore(t *testing.T) {
	sc := named(t, "csv, renamed over")
	base := trial{script: sc, weather: weathers[0], warmth: warmths[0]}
	var trace []op
	placed := map[int]bool{}
	explore(base, 1, locks(t), nil, func(tr trial, o outcome) bool {
		if len(tr.placed) == 0 {
			trace = o.trace
		} else {
			placed[tr.placed[0]] = true
		}
		return true
	})
	for k, o := range trace {
		if placed[k] != sc.steps[0].concerns(o) {
			t.Errorf("before %q: %t", o, placed[k])
		}
	}
	if len(placed) < 5 {
		t.Errorf("%d places", len(placed))
	}
}

// The file system in memory is like one on disk where readers can tell.
func TestMemory(t *testing.T) {
	m := newMemory(weather{grain: 1000, chunk: 4}, nil)
	if err := m.directories("a"); err != nil {
		t.Fatal(err)
	}
	look := func(path string) uint64 { return m.at(workDir + "/" + path).number }
	stands("a/f", "0123456789").do(m)
	was, stamp := look("a/f"), m.at(workDir+"/a/f").mtime
	opens("a/f").do(m)
	adds("", "a/f", "9876543210").do(m)
	if look("a/f") != was || m.at(workDir+"/a/f").mtime != stamp {
		t.Error("a file that is written in place is another one, or time has passed")
	}
	f, err := m.Open("", workDir+"/a/f", os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	replaces("", "a/f", "x").do(m)
	reads := 0
	m.before = func(op) {
		if reads++; reads == 2 {
			pokes("", "a/f", "y", 0).do(m)
		}
	}
	buf := make([]byte, 10)
	n, err := f.ReadAt(buf, 0)
	if n != 10 || err != nil || string(buf) != "9876543210" || reads != 3 {
		t.Errorf("%d bytes in %d reads of what was renamed over: %q, %v", n, reads, buf, err)
	}
	m.before = nil
	now := look("a/f")
	if now == was {
		t.Error("the number of a file that is open was given out again")
	}
	f.Close()
	stands("a/g", "").do(m)
	if look("a/g") != was {
		t.Error("the number of a file that is gone was not given out again")
	}
	if _, err := m.Lstat("", workDir+"/b"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// The state of real evidence is that of its last row that ended, or of the document.
func TestState(t *testing.T) {
	for _, w := range ways() {
		for text, want := range map[string]int64{w.head() + w.text(12) + w.text(13)[:3]: 12, w.head(): 0, "": 0} {
			if !w.lines {
				text, want = w.text(5), 10_000_005
			}
			if got := w.state([]byte(text)); got != want {
				t.Errorf("%s: %q is %d, not %d", w.name, text, got, want)
			}
		}
		if !w.lines && (w.state(nil) != broken || w.state([]byte(w.text(5)[:12])) != broken) {
			t.Errorf("%s: what is torn is not broken", w.name)
		}
	}
}

// TestOtherThanLookedAt holds what was found by drawing: a file that was emptied between the look at it and its opening, and
// was filled again to the same size within one tick, is not told of as what it was at two moments.
func TestOtherThanLookedAt(t *testing.T) {
	sc := named(t, "wandb, rewritten in place")
	base := trial{script: sc, weather: weathers[1], warmth: warmths[0]}
	trace := base.play(locks(t)).trace
	for a := range trace {
		for b := a; b < len(trace); b++ {
			for c := b; c < min(len(trace), b+12); c++ {
				tr := base
				tr.placed = []int{a, b, c, c}
				if out := tr.play(locks(t)); out.wrong != "" {
					t.Fatalf("%s: %s", tr, out.wrong)
				}
			}
		}
	}
}
