package tracker_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/tracker"
)

func TestLlamaFactory(t *testing.T) {
	checkCases(t, []tcase{
		{dir: "llamafactory/start", metrics: []string{"*"}, want: "llamafactory 10/60 step, loss=1.9, lr=0.0001"},
		{dir: "llamafactory/middle", metrics: []string{"loss", "eval_loss", "grad_norm"}, want: "llamafactory 40/60 step, loss=1.6, eval_loss=NaN, grad_norm=0.5"},
		{dir: "llamafactory/resumed", metrics: []string{"loss"}, want: "llamafactory 30/60 step, loss=1.7", most: 50},
		{dir: "llamafactory/early", want: "llamafactory 40/60 step, early at 40"},
		{dir: "llamafactory/evaluation", want: "llamafactory 0/? step"},
	})
	checkTold(t, []tcase{
		{dir: "llamafactory/middle", spec: runsheet.ProgressSpec{Epochs: true, Total: 3}, want: "llamafactory 2/3 epoch"},
		{dir: "llamafactory/middle", spec: runsheet.ProgressSpec{Tracker: "transformers"}, want: "transformers 20/60 step"},
		{dir: "llamafactory/end", metrics: []string{"loss", "train_loss"}, want: "llamafactory 60/60 step, finished, loss=1.4, train_loss=0.9"},
		{dir: "llamafactory/end", spec: runsheet.ProgressSpec{Epochs: true}, want: "llamafactory 3/3 epoch, finished"},
		{dir: "llamafactory/early", spec: runsheet.ProgressSpec{Epochs: true}, want: "llamafactory 2/3 epoch, early at 2"},
		{dir: "real/transformers/middle/out", spec: runsheet.ProgressSpec{Tracker: "llamafactory"}, want: "llamafactory 20/60 step"},
	})
}

// TestLlamaFactoryTorn holds that the log is enough where the state is torn, and that the state counts where it is ahead
// of a log that is older.
func TestLlamaFactoryTorn(t *testing.T) {
	dir := copied(t, "testdata/llamafactory/middle")
	torn := filepath.Join(dir, "checkpoint-20/trainer_state.json")
	whole, err := os.ReadFile(torn)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-time.Hour)
	write(t, torn, string(whole[:100]), at)
	if got := told(later(t, dir, runsheet.ProgressSpec{}, nil).Progress); got != "llamafactory 40/60 step" {
		t.Error(got)
	}
	write(t, torn, string(whole), at)
	write(t, filepath.Join(dir, "checkpoint-60/trainer_state.json"), state("a", 60, 60, noCallbacks), time.Now())
	if err := os.Chtimes(filepath.Join(dir, "trainer_log.jsonl"), at, at); err != nil {
		t.Fatal(err)
	}
	if got := told(later(t, dir, runsheet.ProgressSpec{}, nil).Progress); got != "llamafactory 60/60 step, finished" {
		t.Error(got)
	}
}

func TestLlamaFactorySeries(t *testing.T) {
	dir := copied(t, "testdata/llamafactory/resumed")
	series, _ := tracker.Series(context.Background(), durable.OS(), dir, runsheet.ProgressSpec{}, tracker.Options{})
	want := []runsheet.Point{{Step: 10, Value: 1.9}, {Step: 20, Value: 1.8}, {Step: 30, Value: 1.7}}
	if diff := cmp.Diff(want, series["loss"]); diff != "" {
		t.Error(diff)
	}
}
