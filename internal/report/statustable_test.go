package report

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"runsheet"
	"runsheet/internal/diagnose"
)

func table(t *testing.T, s runsheet.Snapshot, style Style) string {
	t.Helper()
	var b strings.Builder
	if err := StatusTable(&b, s, style); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestStatusTableGolden(t *testing.T) {
	for _, width := range []int{0, 40, 80, 120, 200} {
		golden(t, fmt.Sprintf("status_%d.txt", width), table(t, mixed(), Style{Width: width}))
	}
	golden(t, "status_colour.txt", table(t, mixed(), Style{Width: 100, Colour: true}))
}

// TestStatusTableRows: those of which there is most to say are shown, in the order of the sheet.
func TestStatusTableRows(t *testing.T) {
	got := lines(table(t, mixed(), Style{Width: 80, Rows: 3}))
	if len(got) != 7 || !strings.Contains(got[4], "and 9 more") {
		t.Fatalf("got %q", got)
	}
	for i, want := range []string{"running", "stuck", "queued"} {
		if !strings.Contains(got[i+1], want) {
			t.Errorf("line %d: got %q, want %s", i, got[i+1], want)
		}
	}
}

// TestStatusTableFits: no line of the table is wider than the terminal, whatever the names.
func TestStatusTableFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := mixed()
		for i := range s.Runs {
			s.Runs[i].Run.Name = rapid.StringN(1, 60, -1).Draw(t, "name")
			s.Runs[i].Reason = rapid.String().Draw(t, "reason")
		}
		width := rapid.IntRange(1, 150).Draw(t, "width")
		var b strings.Builder
		if err := StatusTable(&b, s, Style{Width: width, Rows: 5}); err != nil {
			t.Fatal(err)
		}
		for _, l := range lines(b.String()) {
			if Width(l) > width {
				t.Errorf("%d columns, want at most %d: %q", Width(l), width, l)
			}
		}
	})
}

// TestStatusTableIsClean: nothing from outside reaches the terminal as a control character.
func TestStatusTableIsClean(t *testing.T) {
	s := mixed()
	evil := "\x1b[2J\x1b]0;title\x07\u202ebox\r\n\u009b1m"
	s.Sheet.Name = evil
	for i := range s.Runs {
		s.Runs[i].Run.Name, s.Runs[i].Reason = evil, evil
		if s.Runs[i].Claim != nil {
			s.Runs[i].Claim.Host = evil
		}
		if p := s.Runs[i].Progress; p != nil {
			p.Unit, p.Source, p.Metrics = evil, evil, runsheet.Metrics{evil: 1}
			if p.Error != "" {
				p.Error = evil
			}
		}
	}
	s.Sheet.Metrics = nil
	for _, width := range []int{0, 80} {
		got := table(t, s, Style{Width: width})
		noControls(t, fmt.Sprintf("width %d", width), got)
		if !strings.Contains(got, "box") {
			t.Errorf("width %d: the name itself is gone: %q", width, got)
		}
	}
	data, err := Status(s).JSON()
	if err != nil {
		t.Fatal(err)
	}
	noControls(t, "json", string(data))
	var back StatusDoc
	if err := json.Unmarshal(data, &back); err != nil || back.Sheet != evil || back.Runs[0].Name != evil {
		t.Errorf("%v: %q", err, back.Sheet)
	}
	s.Sheet.Path = "" // a directory without any sheet: the trackers are shown
	noControls(t, "of a directory", table(t, s, Style{}))
}

func TestStatusTableEmpty(t *testing.T) {
	got := table(t, runsheet.Snapshot{Sheet: &runsheet.Sheet{Name: "none"}, AsOf: now}, Style{})
	if want := "none: 0 runs, as of 2026-01-02 03:04:05\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestComplaints: a reason that many runs share is said once.
func TestComplaints(t *testing.T) {
	s := uci()
	for i := range 3 {
		judged(s, i, ended(attempt(s.Sheet.Runs[i], time.Minute, 7, nil), time.Second, 1))
	}
	got := table(t, s, Style{})
	if n := strings.Count(got, "hint:"); n != 1 {
		t.Errorf("%d hints in\n%s", n, got)
	}
	if want := "dataset=digits,model=linear,seed=0 and 2 more failed: exited 1 at 7 of 20 epochs"; !strings.Contains(got, want) {
		t.Errorf("no %q in\n%s", want, got)
	}
}

// TestNext: of a run that failed it is said when it is tried again, before what may be cut off, and to programs as well.
func TestNext(t *testing.T) {
	s := uci()
	judged(s, 1, attempt(s.Sheet.Runs[1], time.Minute, 7, nil))
	failed := ended(attempt(s.Sheet.Runs[0], time.Minute, 7, nil), time.Second, 1)
	judged(s, 0, failed).Next = &runsheet.Next{Attempt: 2, At: now.Add(40 * time.Second)}
	judged(s, 2, failed).Next = &runsheet.Next{Attempt: 2}
	got := lines(table(t, s, Style{}))
	for i, want := range []string{"attempt 2 in 40s; exited 1 at 7 of 20 epochs", "", "attempt 2 as soon as there is a place for it; exited 1"} {
		if !strings.Contains(got[i+1], want) {
			t.Errorf("no %q in %q", want, got[i+1])
		}
	}
	all := strings.Join(got, "\n")
	for _, want := range []string{"seed=0 and 1 more failed: exited 1 at 7 of 20 epochs; attempt 2 in 40s\n", "the launcher that is running tries it again by itself"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	live, _ := LiveLines(s, Style{Width: 160}, 10)
	if len(live) != 3 || !strings.Contains(live[0], "seed=1") || !strings.Contains(live[1], "failed") || !strings.Contains(live[1], "attempt 2 in 40s") {
		t.Errorf("live: %q", live)
	}
	doc := Status(s)
	if d := doc.Runs[0]; d.NextAttempt == nil || *d.NextAttempt != 2 || d.NextAttemptAt == nil || *d.NextAttemptAt != "2026-01-02T03:04:45.678Z" {
		t.Errorf("%v %v", d.NextAttempt, d.NextAttemptAt)
	}
	if d := doc.Runs[2]; d.NextAttempt == nil || d.NextAttemptAt != nil || doc.Runs[1].NextAttempt != nil {
		t.Errorf("%v %v %v", d.NextAttempt, d.NextAttemptAt, doc.Runs[1].NextAttempt)
	}
}

// TestOutdatedAndStopped: a run that nobody runs again by itself is shown with the command for it, and with the words that differ.
func TestOutdatedAndStopped(t *testing.T) {
	s := uci()
	for i := range 3 {
		f := ended(attempt(s.Sheet.Runs[i], time.Hour, 20, nil), time.Minute, 0)
		f.Claim.Identity += " --old"
		judged(s, i, f)
	}
	stopped := ended(attempt(s.Sheet.Runs[3], time.Hour, 5, nil), time.Minute, 0)
	stopped.Request = &runsheet.Request{Number: 1, Kind: runsheet.RequestStop, User: "alice"}
	judged(s, 3, stopped)
	got := table(t, s, Style{})
	for _, want := range []string{
		"dataset=digits,model=linear,seed=0 and 2 more outdated: made by another command: train digits linear 0 (gone: --old)\n",
		"hint: `runsheet run --outdated` makes outdated runs anew, and deletes nothing\n",
		"dataset=digits,model=mlp,seed=0 stopped: by alice\n", "hint: `runsheet retry dataset=digits,model=mlp,seed=0`",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if d := Status(s).Runs[0]; d.MadeBy == nil || *d.MadeBy != "train digits linear 0 --old" {
		t.Errorf("made by %v", d.MadeBy)
	}
	s.Runs[0].Run.Sheet = "" // found in a directory without any sheet
	if got := table(t, s, Style{}); strings.Contains(got, "seed=0 and 2 more outdated") {
		t.Errorf("a hint to run what no sheet describes:\n%s", got)
	}
}

func TestMiddle(t *testing.T) {
	for _, c := range []struct {
		s     string
		width int
		want  string
	}{
		{"short", 5, "short"},
		{"dataset=wine,seed=0", 11, "datas…eed=0"},
		{"日本語日本語", 12, "日本語日本語"},
		{"日本語日本語", 7, "日…本語"},
		{"日本語日本語", 6, "日…語"},
		{"abc", 1, "…"},
		{"abc", 0, ""},
	} {
		if got := Middle(c.s, c.width); got != c.want {
			t.Errorf("Middle(%q, %d): got %q, want %q", c.s, c.width, got, c.want)
		}
	}
}

func TestBar(t *testing.T) {
	for _, c := range []struct {
		share float64
		want  string
	}{{0, "░░░░"}, {50, "██░░"}, {55, "██▏░"}, {99.99, "███▉"}, {100, "████"}, {1e9, "████"}, {-3, "░░░░"}} {
		if got := Bar(c.share, 4); got != c.want {
			t.Errorf("Bar(%v): got %q, want %q", c.share, got, c.want)
		}
	}
}

func TestTextProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := diagnose.Clean(rapid.String().Draw(t, "s"))
		width := rapid.IntRange(0, 40).Draw(t, "width")
		if again := diagnose.Clean(s); again != s {
			t.Errorf("diagnose.Clean(%q) is %q", s, again)
		}
		if m := Middle(s, width); Width(m) > width || Width(s) <= width && m != s {
			t.Errorf("Middle(%q, %d) is %q", s, width, m)
		}
		if b := Bar(rapid.Float64().Draw(t, "share"), width); Width(b) != width {
			t.Errorf("Bar of %d columns is %q", width, b)
		}
	})
}
