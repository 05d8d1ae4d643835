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
