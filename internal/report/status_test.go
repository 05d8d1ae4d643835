package report

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"runsheet"
)

func TestStatusGolden(t *testing.T) {
	s := mixed()
	stray := attempt(runsheet.Run{Name: "dataset=iris"}, time.Minute, 3, nil)
	s.Strays = []runsheet.Observed{{Run: &runsheet.Run{Name: "dataset=iris"}, Facts: stray, Judgement: runsheet.Judgement{Status: runsheet.Running}}}
	data, err := Status(s).JSON()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "status.json", string(data))
}

// TestStatusNulls holds what is not known, and what JSON cannot say, to null.
func TestStatusNulls(t *testing.T) {
	s := uci()
	f := attempt(s.Sheet.Runs[0], time.Second, 1, runsheet.Metrics{"a": math.NaN(), "b": math.Inf(-1), "c": 1})
	judged(s, 0, f)
	s.Sheet.Runs[1].Progress.Total = 0
	s.Runs[1].Run.Progress.Total = 0
	void := attempt(s.Sheet.Runs[2], time.Second, 0, nil)
	void.Start.Void = true
	judged(s, 2, void)
	data, err := Status(s).JSON()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Runs []map[string]any
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	metrics := doc.Runs[0]["metrics"].(map[string]any)
	if metrics["a"] != nil || metrics["b"] != nil || metrics["c"] != 1.0 || len(metrics) != 3 {
		t.Errorf("metrics: got %v", metrics)
	}
	progress := doc.Runs[1]["progress"].(map[string]any)
	if progress["total"] != nil || progress["percentage"] != nil || progress["completed"] != 0.0 || progress["source"] != "" {
		t.Errorf("nothing known: got %v", progress)
	}
	for _, key := range []string{"pid", "started_at", "ended_at", "exit_code", "eta_seconds"} {
		if v, ok := doc.Runs[2][key]; v != nil || !ok {
			t.Errorf("called off before it began: %s is %v, there: %v", key, v, ok)
		}
	}
	if d := doc.Runs[3]; d["devices"] == nil || d["executor"] != nil || d["attempt"] != 0.0 || d["last_activity_at"] != nil {
		t.Errorf("never attempted: got %v", d)
	}
}

func TestStatusEmpty(t *testing.T) {
	s := runsheet.Snapshot{Sheet: &runsheet.Sheet{Name: "none"}, AsOf: now}
	d := Status(s)
	if d.Summary.Percentage != nil || d.Summary.ETA != nil || d.Runs == nil {
		t.Errorf("got %+v", d)
	}
}

// TestPercentageNeverRoundsUp: 100 means complete.
func TestPercentageNeverRoundsUp(t *testing.T) {
	s := uci()
	f := attempt(s.Sheet.Runs[0], time.Second, 1, nil)
	f.Progress.Completed, f.Progress.Total = 99_999, 100_000
	judged(s, 0, f)
	if got := *Status(s).Runs[0].Progress.Percentage; got != 99.9 {
		t.Errorf("got %v, want 99.9", got)
	}
	f.Progress.Completed, f.Progress.Total = 7, 20
	if got := *Status(s).Runs[0].Progress.Percentage; got != 35 {
		t.Errorf("got %v, want 35", got)
	}
}

func TestETA(t *testing.T) {
	s := uci() // 12 runs, 20 epochs of a second, two at a time
	if eta, ok := ETA(s); ok {
		t.Errorf("nothing has run: got %v", eta)
	}
	judged(s, 0, attempt(s.Sheet.Runs[0], 10*time.Second, 10, nil))
	judged(s, 1, attempt(s.Sheet.Runs[1], 15*time.Second, 15, nil))
	// Slots are taken for 10 s and 5 s; ten runs of 20 s follow, five in each.
	if eta, ok := ETA(s); !ok || eta != 110*time.Second {
		t.Errorf("two live: got %v, %v", eta, ok)
	}
	for i := range s.Runs {
		finished(s, i, nil)
	}
	if eta, ok := ETA(s); !ok || eta != 0 {
		t.Errorf("all finished: got %v, %v", eta, ok)
	}
	judged(s, 0, ended(attempt(s.Sheet.Runs[0], time.Minute, 3, nil), time.Second, 1))
	if eta, ok := ETA(s); ok {
		t.Errorf("one failed, nothing goes on: got %v", eta)
	}
}

// TestBeingRead: where the evidence of a run is still being read, what is known of the others is no whole, and tells no end.
func TestBeingRead(t *testing.T) {
	s := uci()
	judged(s, 0, attempt(s.Sheet.Runs[0], 10*time.Second, 10, nil))
	f := attempt(s.Sheet.Runs[1], 15*time.Second, 15, nil)
	f.Reading, f.Progress = true, &runsheet.Progress{Error: "its evidence is being read"}
	judged(s, 1, f)
	if eta, ok := ETA(s); ok {
		t.Errorf("%v left", eta)
	}
	if line := SummaryLine(s); !strings.Contains(line, "; at least 4% done") || strings.Contains(line, "left") {
		t.Error(line)
	}
	judged(s, 1, attempt(s.Sheet.Runs[1], 15*time.Second, 15, nil))
	if line := SummaryLine(s); strings.Contains(line, "at least") {
		t.Error(line)
	}
}

// TestETAInAQueue: what waits for a cluster goes one after another into the places that it gives now.
func TestETAInAQueue(t *testing.T) {
	s := uci()
	s.Sheet.Pool = []runsheet.PoolEntry{{Kind: "slurm", Name: "slurm"}}
	queued := func(i int) {
		f := attempt(s.Sheet.Runs[i], 0, 0, nil)
		f.Start, f.Waiting = nil, true
		judged(s, i, f)
	}
	for i := range s.Runs {
		queued(i)
	}
	if eta, ok := ETA(s); ok {
		t.Errorf("nothing runs: got %v", eta)
	}
	judged(s, 0, attempt(s.Sheet.Runs[0], 10*time.Second, 10, nil))
	judged(s, 1, attempt(s.Sheet.Runs[1], 15*time.Second, 15, nil))
	if eta, ok := ETA(s); !ok || eta != 110*time.Second {
		t.Errorf("two run: got %v, %v", eta, ok)
	}
	f := attempt(s.Sheet.Runs[2], 0, 0, nil)
	f.Liveness = runsheet.LivenessUnknown
	judged(s, 2, f)
	if eta, ok := ETA(s); ok {
		t.Errorf("one is unknown: got %v", eta)
	}
}

// TestETAOfAResumedRun: what an earlier attempt did, and when, says nothing of the pace of this one.
func TestETAOfAResumedRun(t *testing.T) {
	s := sheet([]string{"wine"}, []string{"mlp"}, []string{"0"})
	f := attempt(s.Sheet.Runs[0], 4*time.Second, 10, nil)
	start := f.Start.At
	f.Progress.Recent = []time.Time{start.Add(-time.Hour), start.Add(-30 * time.Minute), start.Add(2 * time.Second), start.Add(4 * time.Second)}
	o := judged(s, 0, f)
	if d, ok := unitTime(*o); !ok || d != 2*time.Second {
		t.Errorf("a unit takes %v, %v", d, ok)
	}
	if eta, ok := ETA(s); !ok || eta != 20*time.Second {
		t.Errorf("got %v, %v", eta, ok)
	}
}

// TestETAByWallTime: without totals the time that finished runs took stands for the others.
func TestETAByWallTime(t *testing.T) {
	s := uci()
	for i := range s.Runs {
		s.Runs[i].Run.Progress.Total = 0
		s.Sheet.Runs[i].Progress.Total = 0
	}
	for i := range 2 {
		f := ended(attempt(s.Sheet.Runs[i], time.Hour, 0, nil), time.Hour-30*time.Second, 0)
		f.Progress = nil
		judged(s, i, f)
	}
	if eta, ok := ETA(s); !ok || eta != 150*time.Second { // ten runs of 30 s on two slots
		t.Errorf("got %v, %v", eta, ok)
	}
}
