package tracker_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/tracker"
)

func TestTorchtune(t *testing.T) {
	steps := runsheet.ProgressSpec{Total: 30, Unit: "step"}
	checkCases(t, []tcase{
		{dir: "torchtune/start", want: "torchtune 0/3 epoch"},
		{dir: "torchtune/middle", metrics: []string{"*"}, want: "torchtune 1/3 epoch, grad_norm=17, loss=1.83, lr=2e-05, tokens_per_second_per_gpu=410.25"},
		{dir: "torchtune/middle", spec: steps, want: "torchtune 17/30 step"},
		{dir: "torchtune/end", metrics: []string{"loss"}, want: "torchtune 2/2 epoch, loss=1.8"},
	})
	checkTold(t, []tcase{
		{dir: "torchtune/end", spec: runsheet.ProgressSpec{Epochs: true, Total: 4}, want: "torchtune 2/4 epoch"},
		{dir: "real/torchtune/nan", spec: runsheet.ProgressSpec{Tracker: "torchtune", Total: 20, Unit: "steps"}, metrics: []string{"loss", "grad_norm"},
			want: "torchtune 10/20 steps, loss=NaN, grad_norm=1.5"},
		{dir: "reported/lines", spec: runsheet.ProgressSpec{Tracker: "torchtune"}, want: "torchtune 0/? epoch"},
	})
}

// TestTorchtuneLastEpoch holds when the last epoch counts, and that a directory of an earlier training does not.
func TestTorchtuneLastEpoch(t *testing.T) {
	dir := copied(t, "testdata/torchtune/saving")
	recipe := filepath.Join(dir, "recipe_state/recipe_state.pt")
	now := time.Now()
	look := func(want string) {
		t.Helper()
		if got := told(later(t, dir, runsheet.ProgressSpec{}, nil).Progress); got != want {
			t.Errorf("told  %s\nwant  %s", got, want)
		}
	}
	look("torchtune 1/2 epoch")
	write(t, recipe, "state", now.Add(-time.Hour)) // of the epoch before
	look("torchtune 1/2 epoch")
	write(t, recipe, "state", now.Add(time.Second))
	look("torchtune 2/2 epoch")
	age(t, filepath.Join(dir, "epoch_1"), now.Add(-2*time.Hour))
	look("torchtune 1/2 epoch")
	if p := later(t, dir, runsheet.ProgressSpec{}, nil).Progress; len(p.Recent) != 0 || p.PerUnit != 0 {
		t.Errorf("one epoch tells a pace: %v, %v", p.Recent, p.PerUnit)
	}
}

// age makes a directory and what lies in it as old as a time.
func age(t *testing.T, dir string, at time.Time) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append([]string{"."}, names(entries)...) {
		if err := os.Chtimes(filepath.Join(dir, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
}

func names(entries []os.DirEntry) (out []string) {
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// TestTorchtuneBegunAnew holds that a training does not count an epoch of an earlier one, which was killed in the middle of
// writing it.
func TestTorchtuneBegunAnew(t *testing.T) {
	dir := copied(t, "testdata/torchtune/saving")
	before := time.Now().Add(-time.Hour)
	age(t, filepath.Join(dir, "epoch_0"), before)
	age(t, filepath.Join(dir, "epoch_1"), before)
	write(t, filepath.Join(dir, "epoch_0/model-00001-of-00001.safetensors"), "weights", time.Now().Add(-2*time.Second))
	if err := os.Chtimes(filepath.Join(dir, "epoch_0"), before, before); err != nil { // the name was there
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "recipe_state/recipe_state.pt"), "state", time.Now().Add(-time.Second))
	if got, want := told(later(t, dir, runsheet.ProgressSpec{}, nil).Progress), "torchtune 1/2 epoch"; got != want {
		t.Errorf("told  %s\nwant  %s", got, want)
	}
	for _, name := range []string{"model-00001-of-00001.safetensors", "config.json"} { // now it is written whole
		write(t, filepath.Join(dir, "epoch_1", name), "x", time.Now().Add(-time.Second))
	}
	if got, want := told(later(t, dir, runsheet.ProgressSpec{}, nil).Progress), "torchtune 2/2 epoch"; got != want {
		t.Errorf("told  %s\nwant  %s", got, want)
	}
}

func TestTorchtuneSeries(t *testing.T) {
	dir := copied(t, "testdata/torchtune/middle")
	series, _ := tracker.Series(context.Background(), durable.OS(), dir, runsheet.ProgressSpec{}, tracker.Options{})
	loss := series["loss"]
	if len(loss) != 17 || loss[0] != (runsheet.Point{Step: 1, Value: 1.99}) || loss[16] != (runsheet.Point{Step: 17, Value: 1.83}) {
		t.Errorf("%v", loss)
	}
}
