package tracker_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/tracker"
)

func TestReported(t *testing.T) {
	checkCases(t, []tcase{
		{dir: "reported/lines", metrics: []string{"*"}, want: "reported 3/10 epoch, loss=0.25, val.acc=0.5"},
		{dir: "reported/lines", spec: runsheet.ProgressSpec{Total: 20, Unit: "pass"}, want: "reported 3/20 pass"},
		{dir: "reported/early", want: "reported 7/10, early at 7"},
		{dir: "reported/goes_back", want: "reported 2/10", most: 5},
		{dir: "reported/broken", want: `error: .runsheet/attempts/000001/run.log is broken (81 bytes): the line "runsheet: {\"completed\": 4, \"total\": ten}" makes no sense: ` +
			`no true at byte 27, near "ompleted\": 4, \"total\": ten}". In DIR: the command prints lines like runsheet: {"completed": 3, "total": 10}`},
	})
}

// TestReportedDocument holds that the document at RUNSHEET_PROGRESS outweighs the lines, and that the newest attempt that
// says anything counts.
func TestReportedDocument(t *testing.T) {
	dir := copied(t, "testdata/reported/lines")
	write := func(attempt, name, text string) {
		t.Helper()
		at := filepath.Join(dir, ".runsheet/attempts", attempt)
		if err := os.MkdirAll(at, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(at, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check := func(want string) {
		t.Helper()
		if got := told(later(t, dir, runsheet.ProgressSpec{}, nil).Progress); got != want {
			t.Errorf("told  %s\nwant  %s", got, want)
		}
	}
	write("000001", "reported.json", `{"completed": 5, "total": 10, "metrics": {"loss": NaN}}`)
	check("reported 5/10")
	write("000002", "run.log", "starting\n")
	check("reported 5/10")
	write("000002", "run.log", "starting\nrunsheet: {\"completed\": 6}\n")
	check("reported 6/?")
	write("000002", "reported.json", `{"completed": 7.5}`)
	check(`error: .runsheet/attempts/000002/reported.json is broken (18 bytes): completed is 7.5, no count. In ` + dir + `: repair or remove it`)
	write("000002", "reported.json", `{"completed": 8, "finished": true}`)
	check("reported 8/?, finished")
	write("000002", "reported.json", `{"completed": 9`)
	write("000003", "run.log", "starting\n") // what the second left torn does not concern the third
	check("reported 6/?")
	if err := os.RemoveAll(filepath.Join(dir, ".runsheet/attempts/000003")); err != nil {
		t.Fatal(err)
	}
	write("000002/evidence", "old", "") // set aside: what attempts until the second said is over
	check("0/?")
}

// TestSeriesOfTheChosenTracker holds that nothing but what the chosen tracker reads is in the course of the metrics,
// although it looks at the lines of a log, too.
func TestSeriesOfTheChosenTracker(t *testing.T) {
	dir := copied(t, "testdata/real/lightning/end")
	attempt := filepath.Join(dir, ".runsheet/attempts/000001")
	if err := os.MkdirAll(attempt, 0o700); err != nil {
		t.Fatal(err)
	}
	log := "runsheet: {\"completed\": 1, \"metrics\": {\"a\": 1}}\n`Trainer.fit` stopped: `max_epochs=4` reached.\n"
	if err := os.WriteFile(filepath.Join(attempt, "run.log"), []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][2]int{"lightning": {0, 4}, "auto": {1, 0}} {
		series, p := tracker.Series(context.Background(), durable.OS(), dir, runsheet.ProgressSpec{Tracker: name}, tracker.Options{})
		if got := [2]int{len(series["a"]), len(series["val_loss"])}; got != want {
			t.Errorf("%s: %s: %v", name, told(p), series)
		}
	}
}
