package tracker_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"runsheet"
)

func TestMegatron(t *testing.T) {
	checkCases(t, []tcase{
		// A cut tracker file is no 0: the highest checkpoint counts, as that one is whole when it is written.
		{dir: "megatron/middle", want: "megatron 1000/? iteration", most: 1500},
		{dir: "megatron/verl", want: "megatron 20/? iteration"},
	})
	checkTold(t, []tcase{
		{dir: "megatron/middle", spec: runsheet.ProgressSpec{Tracker: "megatron", Total: 5000, Unit: "step"}, want: "megatron 1000/5000 step"},
		{dir: "megatron/middle", spec: runsheet.ProgressSpec{Epochs: true, Total: 4},
			want: "error: Megatron counts iterations only; give `total` instead of `epochs` in the sheet"},
		{dir: "reported/lines", spec: runsheet.ProgressSpec{Tracker: "megatron"}, want: "megatron 0/? iteration"},
	})
	p := later(t, copied(t, "testdata/megatron/middle"), runsheet.ProgressSpec{}, nil).Progress
	if len(p.Recent) != 2 || p.PerUnit != 3600*time.Second/500 {
		t.Errorf("%v each, %v", p.PerUnit, p.Recent)
	}
}

func TestDeepSpeed(t *testing.T) {
	checkCases(t, []tcase{
		{dir: "real/deepspeed/middle/out", want: "deepspeed 20/? step"},
	})
	checkTold(t, []tcase{
		{dir: "real/deepspeed/end/out", spec: runsheet.ProgressSpec{Total: 30}, want: "deepspeed 30/30 step"},
		{dir: "real/deepspeed/tag/out", want: "0/?"},
		{dir: "real/deepspeed/tag/out", spec: runsheet.ProgressSpec{Tracker: "deepspeed"}, want: "deepspeed 0/? step"},
		{dir: "real/deepspeed/end/out", spec: runsheet.ProgressSpec{Epochs: true, Total: 4},
			want: "error: DeepSpeed counts steps only; give `total` instead of `epochs` in the sheet"},
	})
}

// TestPointer holds what is made of the file that names the last checkpoint.
func TestPointer(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) { write(t, filepath.Join(dir, name), text, time.Now().Add(-time.Hour)) }
	look := func(want string) {
		t.Helper()
		if got := told(later(t, dir, runsheet.ProgressSpec{}, nil).Progress); got != want {
			t.Errorf("told  %s\nwant  %s", got, want)
		}
	}
	file("latest_checkpointed_iteration.txt", "release")
	look("0/?")
	file("iter_0000100/x", "x")
	look("0/?")
	for text, want := range map[string]string{"100": "100", "1000": "1000", "": "2000", "10": "2000", "3000": "3000", "9999999999999999999999": "2000"} {
		file("iter_0001000/x", "x")
		file("iter_0002000/x", "x")
		file("latest_checkpointed_iteration.txt", text)
		look("megatron " + want + "/? iteration")
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	file("global_step100/x", "x")
	file("global_step1000/x", "x")
	for text, want := range map[string]string{"global_step100": "deepspeed 100/? step", "global_s": "deepspeed 1000/? step", "": "deepspeed 1000/? step",
		"global_step1": "deepspeed 1000/? step", "global_step1000": "deepspeed 1000/? step", "best": "0/?", "global_step_final": "0/?"} {
		file("latest", text)
		look(want)
	}
}
