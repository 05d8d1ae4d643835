package tracker_test

import (
	"os"
	"path/filepath"
	"testing"

	"runsheet"
)

func TestReported(t *testing.T) {
	checkCases(t, []tcase{
		{dir: "reported/lines", metrics: []string{"*"}, want: "reported 3/10 epoch, loss=0.25, val.acc=0.5"},
		{dir: "reported/lines", spec: runsheet.ProgressSpec{Total: 20, Unit: "pass"}, want: "reported 3/20 pass"},
		{dir: "reported/early", want: "reported 7/10, early at 7"},
		{dir: "reported/goes_back", want: "reported 2/10", most: 5},
		{dir: "reported/broken", want: `error: .runsheet/attempts/000001/run.log: the line "runsheet: {\"completed\": 4, \"total\": ten}" makes no sense: ` +
			`no true at byte 27, near "ompleted\": 4, \"total\": ten}"; the command prints lines like runsheet: {"completed": 3, "total": 10}`},
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
	write("000002/evidence", "old", "") // set aside: what attempts until the second said is over
	check("0/?")
}
