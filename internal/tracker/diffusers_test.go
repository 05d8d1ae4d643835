package tracker_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"runsheet"
)

func TestDiffusers(t *testing.T) {
	checkCases(t, []tcase{
		{dir: "diffusers/middle", want: "diffusers 1000/1300 step"},
		{dir: "diffusers/saving", want: "diffusers 500/? step"},
	})
	checkTold(t, []tcase{
		{dir: "diffusers/end", want: "diffusers 1000/1300 step, finished"},
		{dir: "diffusers/end", spec: runsheet.ProgressSpec{Total: 2000}, want: "diffusers 1000/2000 step"},
		{dir: "diffusers/end", spec: runsheet.ProgressSpec{Epochs: true, Total: 13}, want: "error: the checkpoints of diffusers count steps only; give `total` instead of `epochs` in the sheet"},
		{dir: "real/transformers/middle/out", spec: runsheet.ProgressSpec{Tracker: "diffusers"}, want: "diffusers 0/? step"},
		// A counter of saves, and names that a user chose.
		{dir: "real/accelerate/end/out/checkpoints", want: "0/?"},
		{dir: "real/accelerate/end/out", spec: runsheet.ProgressSpec{Tracker: "diffusers"}, want: "diffusers 0/? step"},
		{dir: "real/accelerate/named/out", spec: runsheet.ProgressSpec{Tracker: "diffusers"}, want: "diffusers 0/? step"},
	})
}

// TestDiffusersGoesOn holds that what was saved at the end of an earlier training is not the end of this one.
func TestDiffusersGoesOn(t *testing.T) {
	dir := copied(t, "testdata/diffusers/end")
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "model_index.json"), old, old); err != nil {
		t.Fatal(err)
	}
	if got, want := told(later(t, dir, runsheet.ProgressSpec{}, nil).Progress), "diffusers 1000/1300 step"; got != want {
		t.Errorf("told  %s\nwant  %s", got, want)
	}
}
