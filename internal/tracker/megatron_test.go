package tracker_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"runsheet"
)

func TestMegatron(t *testing.T) {
	checkCases(t, []tcase{
		// A cut tracker file is no 0: the highest checkpoint counts, as that one is whole when it is written.
		{dir: "megatron/saved", want: "megatron 1000/? iteration", most: 1500},
		{dir: "megatron/verl", want: "megatron 20/? iteration"},
	})
	checkTold(t, []tcase{
		{dir: "megatron/saved", spec: runsheet.ProgressSpec{Tracker: "megatron", Total: 5000, Unit: "step"}, want: "megatron 1000/5000 step"},
		{dir: "megatron/saved", spec: runsheet.ProgressSpec{Epochs: true, Total: 4},
			want: "error: there are no epochs in what Megatron writes, only iterations; give `total` instead of `epochs` in the sheet"},
		{dir: "reported/lines", spec: runsheet.ProgressSpec{Tracker: "megatron"}, want: "megatron 0/? iteration"},
	})
	p := later(t, copied(t, "testdata/megatron/saved"), runsheet.ProgressSpec{}, nil).Progress
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

// TestMegatronLog holds that the lines of the log tell what was done since the last checkpoint, but not those of a log
// before the newest.
func TestMegatronLog(t *testing.T) {
	dir := copied(t, "testdata/megatron/saved")
	const line = " [2026-01-02 03:04:05] iteration     %s/    5000 | consumed samples:   256000 | elapsed time per iteration (ms): 512.3 | lm loss: 2.5E+00 | number of nan iterations:   0 |\n"
	run := func(n, text string, ago time.Duration) {
		write(t, filepath.Join(dir, ".runsheet/attempts", n, "run.log"), text, time.Now().Add(-ago))
	}
	look := func(want string) {
		t.Helper()
		if got := told(later(t, dir, runsheet.ProgressSpec{}, nil).Progress, "lm loss"); got != want {
			t.Errorf("told  %s\nwant  %s", got, want)
		}
	}
	run("000001", strings.ReplaceAll(line, "%s", "1040"), -time.Minute)
	look("megatron 1040/5000 iteration, lm loss=2.5")
	run("000001", strings.ReplaceAll(line, "%s", "1040"), time.Hour)
	look("megatron 1000/5000 iteration, lm loss=2.5")
	run("000002", "starting\n", -time.Minute)
	run("000001", strings.ReplaceAll(line, "%s", "1040"), -time.Minute)
	look("megatron 1000/5000 iteration, lm loss=2.5")
	run("000002", strings.ReplaceAll(line, "%s", "5000")+"[after training is done] datetime: 2026-01-02 03:04:05\n", -time.Minute)
	look("megatron 5000/5000 iteration, finished, lm loss=2.5")
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
	for text, want := range map[string]string{"100": "100", "1000": "1000", "": "2000", "10": "2000", "\x00\x00\x00\x00": "2000", "10\x00\x00": "2000", "3000": "3000", "9999999999999999999999": "2000"} {
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
	for text, want := range map[string]string{"global_step100": "deepspeed 100/? step", "global_s": "deepspeed 1000/? step", "": "deepspeed 1000/? step", strings.Repeat("\x00", 14): "deepspeed 1000/? step", "global_s\x00\x00": "deepspeed 1000/? step",
		"global_step1": "deepspeed 1000/? step", "global_step1000": "deepspeed 1000/? step", "best": "0/?", "global_step_final": "0/?"} {
		file("latest", text)
		look(want)
	}
}
