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

func TestDetectron2(t *testing.T) {
	checkCases(t, []tcase{
		{dir: "detectron2/start", want: "detectron2 0/100 iteration"},
		{dir: "detectron2/middle", metrics: []string{"*"}, most: 60,
			want: "detectron2 50/100 iteration, bbox/AP=11.5, bbox/AP50=31.5, data_time=0.008, eta_seconds=1302.5, loss_cls=0.875, lr=0.004, time=0.25, total_loss=1.75"},
		{dir: "detectron2/end", metrics: []string{"bbox/AP", "total_loss"}, want: "detectron2 100/100 iteration, finished, bbox/AP=25, total_loss=1.5"},
		{dir: "detectron2/lazy", want: "detectron2 40/200 iteration"},
	})
	checkTold(t, []tcase{
		{dir: "detectron2/end", spec: runsheet.ProgressSpec{Tracker: "detectron2", Total: 200}, want: "detectron2 100/200 iteration"},
		{dir: "detectron2/end", spec: runsheet.ProgressSpec{Epochs: true, Total: 2},
			want: "error: Detectron2 counts iterations only; give `total` instead of `epochs` in the sheet"},
		{dir: "reported/lines", spec: runsheet.ProgressSpec{Tracker: "detectron2"}, want: "detectron2 0/? iteration"},
	})
}

func TestDetectron2Files(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) { write(t, filepath.Join(dir, name), text, time.Now().Add(-time.Hour)) }
	look := func(want string) {
		t.Helper()
		if got := told(later(t, dir, runsheet.ProgressSpec{}, nil).Progress); got != want {
			t.Errorf("told  %s\nwant  %s", got, want)
		}
	}
	file("config.yaml", "SOLVER:\n  MAX_ITER: 90\n") // of a source tree
	look("0/?")
	file("metrics.json", "{\n  \"iteration\": 3\n}\n") // of another tool
	file("config.yaml", "x: 1\n")
	look("0/?")
	file("metrics.json", "{\"iteration\": 3, \"reward\": 3}\n")
	look("0/?")
	file("metrics.json", "{\"iteration\": 3, \"total_loss\": 3}\n")
	look("detectron2 4/? iteration")
	file("model_final.pth", "x")
	file("last_checkpoint", "model_0000009.pth")
	look("detectron2 4/? iteration")
	file("last_checkpoint", "model_final.pth")
	look("detectron2 4/? iteration, finished")
	file("config.yaml", "SOLVER:\n  MAX_ITER: 90\n")
	look("detectron2 4/90 iteration")
	file("metrics.json", "")
	look("detectron2 90/90 iteration, finished")
	file("last_checkpoint", "model_0000009.pth")
	look("detectron2 10/90 iteration")
	file("last_checkpoint", "")
	look("detectron2 0/90 iteration")
}

func TestDetectron2Series(t *testing.T) {
	series, _ := tracker.Series(context.Background(), durable.OS(), copied(t, "testdata/detectron2/middle"), runsheet.ProgressSpec{}, tracker.Options{})
	if got, want := fmt.Sprint(series["total_loss"], series["bbox/AP"]), "[{1 2.5} {20 2} {40 1.8} {50 1.75}] [{40 11.5}]"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
