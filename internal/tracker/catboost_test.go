package tracker_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/tracker"
)

func TestCatBoost(t *testing.T) {
	real := func(name string) string { return "real/catboost/" + name }
	explicit := runsheet.ProgressSpec{Tracker: "catboost"}
	checkCases(t, []tcase{
		{dir: real("start"), metrics: []string{"*"}, want: "catboost 1/40 iteration, learn/Logloss=0.5827, test/Logloss=0.58792"},
		{dir: real("early"), metrics: []string{"test/AUC"}, want: "catboost 38/500 iteration, early at 38, test/AUC=0.99686"},
		{dir: real("cv"), want: "catboost 30/? iteration"},
	})
	checkTold(t, []tcase{
		{dir: real("middle"), want: "catboost 18/40 iteration"},
		{dir: real("end"), spec: explicit, metrics: []string{"*"}, want: "catboost 40/40 iteration, learn/Logloss=0.059576, test/Logloss=0.090593"},
		{dir: real("nan"), metrics: []string{"test/NaN", "test/Logloss"}, want: "catboost 5/5 iteration, test/NaN=NaN, test/Logloss=0.12585"},
		{dir: real("learn_only"), metrics: []string{"*"}, want: "catboost 10/10 iteration, learn/Logloss=0.064238"},
		{dir: real("regression_silent"), want: "catboost 12/12 iteration"},
		{dir: real("cv"), spec: runsheet.ProgressSpec{Total: 30}, want: "catboost 30/30 iteration"},
		{dir: real("two_sets"), spec: explicit, metrics: []string{"*"}, want: "catboost 23/23 iteration, learn/Accuracy=0.99296, learn/Logloss=0.053977, " +
			"test/AUC=0.99748, test/Accuracy=0.96503, test/Logloss=0.080046, test1/AUC=0.9983, test1/Accuracy=0.96, test1/Logloss=0.089811"},
		{dir: real("two_sets"), spec: runsheet.ProgressSpec{Tracker: "catboost", Files: []string{"cat_logs/catboost_training.json"}}, want: "catboost 23/23 iteration"},
		{dir: real("killed"), want: "catboost 33/60 iteration"},
		{dir: real("resumed_start"), want: "catboost 27/60 iteration"},
		{dir: real("resumed"), want: "catboost 60/60 iteration"},
		{dir: real("resumed_complete"), want: "catboost 40/40 iteration"},
		{dir: real("no_files"), spec: explicit, want: "catboost 0/? iteration"},
		{dir: real("end"), spec: runsheet.ProgressSpec{Epochs: true, Total: 40},
			want: "error: catboost_training.json counts iterations only; give `total` instead of `epochs` in the sheet"},
	})
}

// A reading goes on where the last one stopped, also where the training has written its files anew from a snapshot.
func TestCatBoostGoesOn(t *testing.T) {
	dir := copied(t, "testdata/real/catboost/start")
	var cursors []tracker.Cursor
	for _, step := range []struct{ from, want string }{
		{"start", "catboost 1/40 iteration, test/Logloss=0.58792"},
		{"middle", "catboost 18/40 iteration, test/Logloss=0.10581"},
		{"end", "catboost 40/40 iteration, test/Logloss=0.090593"},
		{"killed", "catboost 33/60 iteration, test/Logloss=0.10078"},
		{"resumed_start", "catboost 27/60 iteration, test/Logloss=0.1099"},
		{"resumed", "catboost 60/60 iteration, test/Logloss=0.082213"},
	} {
		for _, name := range []string{"catboost_training.json", "time_left.tsv"} {
			data, err := os.ReadFile(filepath.Join("testdata/real/catboost", step.from, "catboost_info", name))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "catboost_info", name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		r := later(t, dir, runsheet.ProgressSpec{}, cursors)
		if got := told(r.Progress, "test/Logloss"); got != step.want {
			t.Errorf("told  %s\nwant  %s", got, step.want)
		}
		cursors = r.Cursors
	}
}

func TestCatBoostSeries(t *testing.T) {
	dir := copied(t, "testdata/real/catboost/early")
	series, p := tracker.Series(context.Background(), durable.OS(), dir, runsheet.ProgressSpec{}, tracker.Options{})
	want := "[{1 0.9162473795} {6 0.9928721174} {11 0.9937106918} {16 0.9943396226} {21 0.9958071279} {26 0.9968553459} {31 0.9964360587} {36 0.9968553459}]"
	if got := fmt.Sprint(series["test/AUC"]); got != want || len(p.Recent) != 16 || p.PerUnit.Round(time.Millisecond) != 7*time.Millisecond {
		t.Errorf("%s\nwant %s; %d marks, %v each", got, want, len(p.Recent), p.PerUnit)
	}
}
