package tracker_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/tracker"
)

func TestMMEngine(t *testing.T) {
	const toy = "/work_dirs/toy"
	at := func(name string) string { return "real/mmengine/" + name }
	metrics := []string{"loss", "toy/mse", "lr"}
	checkCases(t, []tcase{
		{dir: at("start") + toy, metrics: metrics[:1], want: "mmengine 0/4 epoch, loss=4.2808"},
		{dir: at("resumed") + toy, metrics: []string{"*"}, most: 4,
			want: "mmengine 4/4 epoch, data_time=0.0029159, loss=0.86313, lr=0.01, time=0.0061998, toy/mse=0.63715"},
		{dir: at("iter-middle") + toy, metrics: metrics, want: "mmengine 25/40 iteration, loss=1.5479, toy/mse=1.7032, lr=0.01"},
	})
	checkTold(t, []tcase{
		{dir: at("middle"), metrics: metrics, want: "mmengine 2/4 epoch, loss=1.8717, toy/mse=1.7038, lr=0.01"},
		{dir: at("middle") + toy, spec: runsheet.ProgressSpec{Tracker: "mmengine", Epochs: true, Total: 8}, want: "mmengine 2/8 epoch"},
		{dir: at("middle") + toy, spec: runsheet.ProgressSpec{Unit: "iter"}, want: "mmengine 25/40 iter"},
		{dir: at("end"), want: "mmengine 4/4 epoch"},
		{dir: at("early"), want: "mmengine 3/4 epoch, early at 3"},
		{dir: at("crashed"), want: "mmengine 1/4 epoch"},
		{dir: at("nan"), metrics: metrics, want: "mmengine 4/4 epoch, loss=NaN, toy/mse=NaN, lr=0.01"},
		{dir: at("iter"), metrics: metrics, want: "mmengine 40/40 iteration, loss=0.86579, toy/mse=0.63723, lr=0.01"},
		{dir: at("iter"), spec: runsheet.ProgressSpec{Epochs: true, Total: 4},
			want: "error: a training of MMEngine by iteration counts no epochs; give `total` instead of `epochs` in the sheet"},
		{dir: "reported/lines", spec: runsheet.ProgressSpec{Tracker: "mmengine"}, want: "mmengine 0/? epoch"},
	})
}

// TestMMEngineLast holds that the last epoch is over with its validation, that a checkpoint which is older than the rows
// tells nothing, and what is told where files are missing.
func TestMMEngineLast(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	file := func(name, text string, ago time.Duration) { write(t, filepath.Join(dir, name), text, now.Add(-ago)) }
	look := func(want string) {
		t.Helper()
		if got := told(later(t, dir, runsheet.ProgressSpec{}, nil).Progress); got != want {
			t.Errorf("told  %s\nwant  %s", got, want)
		}
	}
	const (
		train = `{"loss": 1, "epoch": 2, "iter": 20, "step": 20}` + "\n"
		val   = `{"mAP": 1, "step": 2}` + "\n"
		first = "20260102_030405/vis_data/"
		head  = "2026/01/02 03:04:05 - mmengine - INFO - "
	)
	file("20260102_030405/20260102_030405.log", head+"Epoch(train) [2][20/30]  lr: 1.0000e-02  loss: 1.0\n", 0)
	look("mmengine 0/? epoch")
	file("cfg.py", "train_cfg = dict(dynamic_intervals=[(1, (2))], max_epochs=2, type='EpochBasedTrainLoop)')\nval_cfg = dict()\n", 0)
	look("mmengine 0/2 epoch")
	file(first+"scalars.json", train, time.Hour)
	look("mmengine 1/2 epoch")
	file("last_checkpoint", "/elsewhere/epoch_2.pth", 0)
	look("mmengine 1/2 epoch")
	file("cfg.py", "train_cfg = dict(max_epochs=2)\nval_cfg = None\n", 0)
	look("mmengine 2/2 epoch")
	file(first+"config.py", "train_cfg = dict(max_epochs=3)\nval_cfg = dict()\n", 0)
	look("mmengine 2/3 epoch")
	file("last_checkpoint", "/elsewhere/epoch_2.pth", 2*time.Hour)
	look("mmengine 1/3 epoch")
	file("last_checkpoint", "", 0)
	look("mmengine 1/3 epoch")
	file(first+"scalars.json", train+val+`{"mAP": `, 0)
	look("mmengine 2/3 epoch")
	file("20260102_030405/20260102_030405.log", head+"the monitored metric did not improve in the last 5 records. best score: 0.412. \n", 0)
	look("mmengine 2/3 epoch, early at 2")
	// A launch that only tests changes nothing; one that goes on does.
	file("20260103_030405/20260103_030405.log", head+"Epoch(test) [ 50/100]    eta: 0:00:00\n", 0)
	look("mmengine 2/3 epoch, early at 2")
	file("20260104_030405/20260104_030405.log", head+"Checkpoints will be saved to /x.\n", 0)
	look("mmengine 2/2 epoch")
	file("20260104_030405/vis_data/scalars.json", `{"loss": 1, "epoch": 1, "iter": 10, "step": 10}`+"\n", 0)
	file("last_checkpoint", "/elsewhere/epoch_2.pth", time.Hour)
	look("mmengine 0/2 epoch")
}

// TestMMEngineCutRow holds that a row which a kill cut off does not make the checkpoint of its epoch look older than the
// launch.
func TestMMEngineCutRow(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	file := func(name, text string, ago time.Duration) { write(t, filepath.Join(dir, name), text, now.Add(-ago)) }
	look := func(want string) {
		t.Helper()
		if got := told(later(t, dir, runsheet.ProgressSpec{}, nil).Progress); got != want {
			t.Errorf("told  %s\nwant  %s", got, want)
		}
	}
	const vis = "20260102_030405/vis_data/"
	file(vis+"config.py", "train_cfg = dict(max_epochs=3)\nval_cfg = dict()\n", 3*time.Hour)
	file("last_checkpoint", "/elsewhere/epoch_1.pth", 2*time.Hour)
	file(vis+"scalars.json", `{"loss": 1, "epoch": 1, "iter": 10, "step": 10}`+"\n"+`{"toy/mse": 2`, time.Hour)
	look("mmengine 1/3 epoch")
	file(vis+"config.py", "train_cfg = dict(max_epochs=3)\nval_cfg = dict()\n", 90*time.Minute) // a training that began anew
	look("mmengine 0/3 epoch")
}

func TestMMEngineSeries(t *testing.T) {
	series, _ := tracker.Series(context.Background(), durable.OS(), copied(t, "testdata/real/mmengine/resumed"), runsheet.ProgressSpec{}, tracker.Options{})
	want := "[{10 2.89180705845356} {20 1.7038248851895332} {30 1.028220348805189} {40 0.6371456764638423}]"
	if got := fmt.Sprint(series["toy/mse"]); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got := fmt.Sprint(series["loss"]); len(series["loss"]) != 8 {
		t.Errorf("%s", got)
	}
}
