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

func TestUltralytics(t *testing.T) {
	real := func(name string) string { return "real/ultralytics/" + name }
	checkCases(t, []tcase{
		{dir: real("start"), want: "ultralytics 0/4 epoch"},
		{dir: real("resumed"), metrics: []string{"train/box_loss", "val/cls_loss", "lr/pg0"},
			want: "ultralytics 4/4 epoch, finished, train/box_loss=0.00368, val/cls_loss=0.29978, lr/pg0=2.575e-05"},
		{dir: real("early"), want: "ultralytics 3/20 epoch, early at 3, finished"},
		{dir: "ultralytics/old", metrics: []string{"train/box_loss"}, want: "ultralytics 2/3 epoch, train/box_loss=1.1887", most: 3},
	})
	checkTold(t, []tcase{
		{dir: real("middle"), want: "ultralytics 2/4 epoch"},
		{dir: real("end"), spec: runsheet.ProgressSpec{Tracker: "ultralytics"}, want: "ultralytics 4/4 epoch, finished"},
		{dir: real("end"), spec: runsheet.ProgressSpec{Tracker: "ultralytics", Files: []string{"runs/exp/results.csv"}, Epochs: true, Total: 8, Unit: "pass"}, want: "ultralytics 4/8 pass"},
		{dir: real("again"), want: "ultralytics 2/2 epoch, finished"},
		{dir: real("cls"), metrics: []string{"metrics/accuracy_top1"}, want: "ultralytics 3/3 epoch, finished, metrics/accuracy_top1=0.5"},
		{dir: real("crashed"), want: "ultralytics 2/4 epoch"},
		{dir: real("default"), want: "ultralytics 4/4 epoch, finished"},
		{dir: real("plots"), want: "ultralytics 4/4 epoch, finished"},
		{dir: real("resumed-middle"), want: "ultralytics 4/4 epoch"},
		{dir: real("time"), want: "ultralytics 7/? epoch, finished"},
		{dir: real("nan"), metrics: []string{"val/box_loss", "val/cls_loss"}, want: "ultralytics 4/4 epoch, finished, val/box_loss=NaN, val/cls_loss=+Inf"},
	})
}

// Of several trainings the latest counts, and a plot that is older than what was written last says nothing.
func TestUltralyticsNewest(t *testing.T) {
	dir := copied(t, "testdata/real/ultralytics/plots")
	os.Remove(filepath.Join(dir, "stdout.log"))
	exp := filepath.Join(dir, "runs/exp")
	args, err := os.ReadFile(filepath.Join(exp, "args.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	check := func(want string) {
		t.Helper()
		if got := told(later(t, dir, runsheet.ProgressSpec{}, nil).Progress); got != want {
			t.Errorf("told  %s\nwant  %s", got, want)
		}
	}
	at := func(ago time.Duration, name string) {
		t.Helper()
		when := time.Now().Add(-ago)
		if err := os.Chtimes(filepath.Join(dir, "runs", name), when, when); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, "runs", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("exp/results.csv", "epoch,time,train/box_loss\n1,2,0.5\n2,4,0.25\n")
	at(3*time.Hour, "exp/args.yaml")
	at(2*time.Hour, "exp/results.csv")
	at(time.Hour, "exp/results.png")
	check("ultralytics 2/4 epoch, finished")
	at(30*time.Minute, "exp/args.yaml")
	check("ultralytics 2/4 epoch")
	at(20*time.Minute, "exp/results.csv")
	check("ultralytics 2/4 epoch")
	write("exp2/args.yaml", string(args))
	check("ultralytics 0/4 epoch")
	write("exp2/results.csv", "epoch,time,train/box_loss\n1,2,0.5\n")
	check("ultralytics 1/4 epoch")
	at(3*time.Hour, "exp2/args.yaml")
	at(3*time.Hour, "exp2/results.csv")
	check("ultralytics 2/4 epoch")
	write("val/args.yaml", "task: detect\nmode: val\nepochs: 100\n")
	check("ultralytics 2/4 epoch")
}

func TestUltralyticsSeries(t *testing.T) {
	series, p := tracker.Series(context.Background(), durable.OS(), copied(t, "testdata/real/ultralytics/resumed"), runsheet.ProgressSpec{}, tracker.Options{})
	want := "[{1 0.00141} {2 0.0037} {3 0.00139} {4 0.00368}]"
	if got := fmt.Sprint(series["train/box_loss"]); got != want || len(p.Recent) != 2 || p.PerUnit.Round(time.Millisecond) != 1512*time.Millisecond {
		t.Errorf("%s\nwant %s; %d marks, %v each", got, want, len(p.Recent), p.PerUnit)
	}
}

func TestYOLOv5(t *testing.T) {
	real := func(name string) string { return "real/yolov5/" + name }
	checkCases(t, []tcase{
		{dir: real("middle"), metrics: []string{"metrics/mAP_0.5", "x/lr0"}, want: "yolov5 3/4 epoch, metrics/mAP_0.5=0.0033815, x/lr0=0.095253"},
		{dir: real("early"), want: "yolov5 2/8 epoch, early at 2, finished"},
		{dir: real("resumed"), want: "yolov5 4/4 epoch, finished"},
	})
	checkTold(t, []tcase{
		{dir: real("end"), want: "yolov5 4/4 epoch, finished"},
		{dir: real("plots"), want: "yolov5 4/4 epoch, finished"},
		{dir: real("plots"), spec: runsheet.ProgressSpec{Tracker: "yolov5", Files: []string{"runs/train/exp/results.csv"}, Epochs: true, Total: 9}, want: "yolov5 4/9 epoch"},
		{dir: "yolov5/nan", metrics: []string{"val/obj_loss"}, want: "yolov5 2/3 epoch, val/obj_loss=NaN"}, // by hand
	})
}
