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

func TestMMCV(t *testing.T) {
	checkCases(t, []tcase{
		{dir: "mmcv/epochs", metrics: []string{"*"}, most: 3,
			want: "mmcv 2/12 epoch, bbox_mAP=0.25, data_time=0.01, loss=0.75, loss_cls=0.25, lr=0.02, memory=4312, time=0.31"},
		{dir: "mmcv/iters", metrics: []string{"loss", "mIoU"}, want: "mmcv 250/400 iteration, loss=0.8, mIoU=0.5"},
	})
	checkTold(t, []tcase{
		{dir: "mmcv/epochs", spec: runsheet.ProgressSpec{Tracker: "mmcv", Epochs: true, Total: 24}, want: "mmcv 2/24 epoch"},
		{dir: "mmcv/iters", spec: runsheet.ProgressSpec{Epochs: true, Total: 24},
			want: "error: a training of mmcv by iteration counts no epochs; give `total` instead of `epochs` in the sheet"},
		{dir: "reported/lines", spec: runsheet.ProgressSpec{Tracker: "mmcv"}, want: "mmcv 0/? epoch"},
	})
}

func TestMMCVFiles(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	file := func(name, text string, ago time.Duration) {
		write(t, filepath.Join(dir, "work_dirs/x", name), text, now.Add(-ago))
	}
	look := func(want string) {
		t.Helper()
		if got := told(later(t, dir, runsheet.ProgressSpec{}, nil).Progress); got != want {
			t.Errorf("told  %s\nwant  %s", got, want)
		}
	}
	file("20210102_030405.log.json", "", time.Hour)
	look("mmcv 0/? epoch")
	file("20210102_030405.log.json", `{"mode": "train", "epoch": 1, "iter": 50, "loss": 1}`+"\n", time.Hour)
	file("x.py", "total_epochs = 3\n", time.Hour)
	look("mmcv 0/3 epoch")
	file("epoch_1.pth", "x", 0)
	file("epoch_3.pth", "x", 2*time.Hour) // of a training before
	look("mmcv 1/3 epoch")
	file("x.py", "", time.Hour)
	file("20210102_030405.log.json", `{"mode": "train", "epoch": 1, "iter": 50}`+"\n"+`{"mode": "train", "epoch": 2, "iter": 100}`+"\n", time.Hour)
	look("mmcv 100/? iteration")
	file("x.py", "total_iters = 800\n", time.Hour)
	look("mmcv 100/800 iteration")
}

// TestMMCVCutRow holds that a row which a kill cut off does not make the checkpoint of its epoch look older than the launch.
func TestMMCVCutRow(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	file := func(name, text string, ago time.Duration) { write(t, filepath.Join(dir, name), text, now.Add(-ago)) }
	look := func(want string) {
		t.Helper()
		if got := told(later(t, dir, runsheet.ProgressSpec{}, nil).Progress); got != want {
			t.Errorf("told  %s\nwant  %s", got, want)
		}
	}
	rows := `{"env_info": "x", "seed": null, "exp_name": "x.py"}` + "\n" + `{"mode": "train", "epoch": 1, "iter": 50, "loss": 1}` + "\n"
	file("x.py", "total_epochs = 3\n", 3*time.Hour)
	file("epoch_1.pth", "x", 2*time.Hour)
	file("20210102_030405.log.json", rows+`{"mode": "val", "ep`, time.Hour)
	look("mmcv 1/3 epoch")
	file("x.py", "total_epochs = 3\n", 90*time.Minute) // a training that began anew
	look("mmcv 0/3 epoch")
}

func TestMMCVSeries(t *testing.T) {
	series, _ := tracker.Series(context.Background(), durable.OS(), copied(t, "testdata/mmcv/epochs"), runsheet.ProgressSpec{}, tracker.Options{})
	if got, want := fmt.Sprint(series["loss"]), "[{50 1.5} {100 1.2} {168 1.1} {218 NaN} {286 0.85} {336 0.75}]"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
