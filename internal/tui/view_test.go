package tui

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"runsheet"
	"runsheet/internal/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o777), os.WriteFile(path, []byte(got+"\n"), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got+"\n"); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

var now = time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)

// snapshot has n runs, of which the first are live.
func snapshot(n, live int) runsheet.Snapshot {
	s := runsheet.Snapshot{AsOf: now, Sheet: &runsheet.Sheet{Path: "/lab/runsheet.yaml",
		Name: "uci", Policy: runsheet.DefaultPolicy, Metrics: []runsheet.MetricSpec{{Name: "accuracy", Mode: runsheet.Max}},
	}}
	s.Sheet.Policy.Jobs = max(live, 1)
	for i := range n {
		o := runsheet.Observed{Judgement: runsheet.Judgement{Status: runsheet.Pending}, Run: &runsheet.Run{
			Name: fmt.Sprintf("dataset=wine,model=mlp,seed=%d", i), Progress: runsheet.ProgressSpec{Tracker: "epochs", Total: 20},
		}}
		if i < live {
			start := now.Add(-8 * time.Second)
			o.Facts = runsheet.Facts{
				Attempt: 1, Claim: &runsheet.Claim{At: start, Host: "box"}, Start: &runsheet.Start{At: start}, Liveness: runsheet.LivenessAlive,
				Progress: &runsheet.Progress{Completed: int64(i%5 + 3), Total: 20, Unit: "epoch", Source: "epochs",
					Metrics: runsheet.Metrics{"accuracy": 0.9 + float64(i)/1000}, Recent: []time.Time{start.Add(time.Second), start.Add(2 * time.Second)}},
			}
			o.Status = runsheet.Running
		}
		s.Runs = append(s.Runs, o)
	}
	return s
}

func events(n int) (list []Event) {
	for i := range n {
		list = append(list, Event{At: now.Add(time.Duration(i-n) * time.Second), Kind: "started", Run: fmt.Sprintf("dataset=wine,model=mlp,seed=%d", i), Attempt: 1})
	}
	return list
}

func TestViewGolden(t *testing.T) {
	stuck := snapshot(6, 3)
	stuck.Runs[1].Judgement = runsheet.Judgement{Status: runsheet.Stuck, Reason: "no sign of progress for 31m"}
	stuck.Runs[2].Status, stuck.Runs[2].Start, stuck.Runs[2].Progress = runsheet.Queued, nil, nil
	stuck.Runs[5].Status = runsheet.Finished
	stuck.Strays = []runsheet.Observed{snapshot(1, 1).Runs[0]}
	stuck.Strays[0].Run.Name = "dataset=iris"
	for name, f := range map[string]Frame{
		"usual":   {Snapshot: snapshot(18, 2), Events: events(20), Width: 100, Height: 30},
		"few":     {Snapshot: stuck, Events: events(1), Width: 120, Height: 30},
		"many":    {Snapshot: snapshot(40, 30), Events: events(20), Width: 80, Height: 24},
		"narrow":  {Snapshot: snapshot(18, 2), Events: events(3), Width: 20, Height: 12},
		"low":     {Snapshot: snapshot(18, 4), Events: events(3), Width: 60, Height: 5},
		"colour":  {Snapshot: stuck, Events: events(1), Width: 60, Height: 12, Colour: true},
		"nothing": {Width: 80, Height: 24},
	} {
		golden(t, name+".txt", View(f))
	}
	golden(t, "watch.txt", Table(Frame{Snapshot: snapshot(40, 3), Width: 100, Height: 12}))
}

// TestViewFits: a picture never is larger than the terminal less the line of the cursor, however small that is and
// whatever is to be shown; and nothing from outside is written as a control character.
func TestViewFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 30).Draw(t, "runs")
		s := snapshot(n, rapid.IntRange(0, n).Draw(t, "live"))
		text := rapid.OneOf(rapid.String(), rapid.Just("\x1b[2J\x1b]0;x\x07\n\u009b2J\u202e日本語"))
		s.Sheet.Name, s.Sheet.Metrics[0].Name = text.Draw(t, "sheet"), text.Draw(t, "metric")
		for i := range s.Runs {
			if p := s.Runs[i].Progress; p != nil {
				p.Unit, p.Metrics = text.Draw(t, "unit"), runsheet.Metrics{s.Sheet.Metrics[0].Name: 0.5}
			}
			s.Runs[i].Run.Name, s.Runs[i].Reason = text.Draw(t, "name"), text.Draw(t, "reason")
		}
		f := Frame{Snapshot: s, Width: rapid.IntRange(1, 130).Draw(t, "width"), Height: rapid.IntRange(1, 40).Draw(t, "height")}
		for range rapid.IntRange(0, 20).Draw(t, "events") {
			f.Events = append(f.Events, Event{At: now, Kind: "failed", Run: text.Draw(t, "run"), Text: text.Draw(t, "text")})
		}
		for what, got := range map[string]string{"view": View(f), "table": Table(f)} {
			lines := strings.Split(got, "\n")
			if len(lines) > max(f.Height-1, 1) {
				t.Errorf("%s: %d lines in a height of %d", what, len(lines), f.Height)
			}
			for _, l := range lines {
				if report.Width(l) > f.Width {
					t.Errorf("%s: %d columns in a width of %d: %q", what, report.Width(l), f.Width, l)
				}
				if strings.ContainsAny(l, "\x1b\x07\r\u009b\u202e") {
					t.Errorf("%s: %q", what, l)
				}
			}
		}
	})
}

// TestViewCountsAll: live attempts are shown or counted.
func TestViewCountsAll(t *testing.T) {
	for height := 5; height < 50; height++ {
		got := View(Frame{Snapshot: snapshot(40, 30), Events: events(9), Width: 80, Height: height})
		shown, more := strings.Count(got, "/20 epoch"), 0
		for _, l := range strings.Split(got, "\n") {
			if strings.HasPrefix(l, "and ") {
				if _, err := fmt.Sscanf(l, "and %d more", &more); err != nil {
					t.Fatal(err)
				}
			}
		}
		if shown+more != 30 {
			t.Errorf("height %d: %d shown and %d more in\n%s", height, shown, more, got)
		}
	}
}

func TestEventString(t *testing.T) {
	for _, c := range []struct {
		e    Event
		want string
	}{
		{Event{At: now, Kind: "started", Run: "dataset=wine,model=mlp,seed=0", Attempt: 1}, "15:04:05 started dataset=wine,model=mlp,seed=0 (attempt 1)"},
		{Event{At: now, Kind: "failed", Run: "a", Attempt: 2, Text: "exited 1"}, "15:04:05 failed a (attempt 2): exited 1"},
		{Event{At: now, Kind: "waiting", Text: "10s"}, "15:04:05 waiting: 10s"},
		{Event{At: now, Text: "setup: \x1b[31mgo\x1b[m\nbuild"}, "15:04:05 setup: go build"},
		{Event{At: now.In(time.FixedZone("", 3600))}, "16:04:05"},
	} {
		if got := c.e.String(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestPlain(t *testing.T) {
	var b strings.Builder
	p := NewPlain(&b)
	for _, e := range events(2) {
		if err := p.Event(e); err != nil {
			t.Fatal(err)
		}
	}
	if want := "15:04:03 started dataset=wine,model=mlp,seed=0 (attempt 1)\n15:04:04 started dataset=wine,model=mlp,seed=1 (attempt 1)\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
	if err := NewPlain(broken{}).Event(Event{}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
