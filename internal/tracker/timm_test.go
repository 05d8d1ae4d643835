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

func TestTimm(t *testing.T) {
	const launch = "/output/train/20251125-120000-toy-32"
	checkCases(t, []tcase{
		{dir: "real/timm/start" + launch, want: "timm 0/6 epoch"},
		{dir: "real/timm/middle" + launch, metrics: []string{"*"}, want: "timm 3/6 epoch, eval_loss=0.86667, eval_top1=20, eval_top5=30, lr=0.033333, train_loss=0.83333"},
		{dir: "real/timm/resumed" + launch, metrics: []string{"train_loss"}, want: "timm 6/6 epoch, train_loss=0.41667"},
		{dir: "real/timm/nan/output/train", metrics: []string{"eval_loss", "eval_top1"}, want: "timm 6/6 epoch, eval_loss=NaN, eval_top1=50"},
	})
	checkTold(t, []tcase{
		{dir: "real/timm/end/output/train", spec: runsheet.ProgressSpec{Epochs: true, Total: 10}, want: "timm 6/10 epoch"},
		{dir: "real/timm/end", want: "0/?"}, // too far above
		{dir: "reported/lines", spec: runsheet.ProgressSpec{Tracker: "timm"}, want: "timm 0/? epoch"},
	})
}

// TestTimmLaunches holds that the last launch counts, and the one that it resumed until it has a row.
func TestTimmLaunches(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	look := func(want string) {
		t.Helper()
		if got := told(later(t, dir, runsheet.ProgressSpec{}, nil).Progress); got != want {
			t.Errorf("told  %s\nwant  %s", got, want)
		}
	}
	const header, args = "epoch,train_loss,eval_loss,lr\r\n", "epochs: 10\nmodel: vit\nsched: step\ncooldown_epochs: 5\n"
	write(t, filepath.Join(dir, "notes-120000-x/args.yaml"), args, now)
	look("0/?")
	write(t, filepath.Join(dir, "20251125-120000-vit-32/args.yaml"), args, now)
	write(t, filepath.Join(dir, "20251125-120000-vit-32/summary.csv"), header+"0,1,1,1\r\n1,1,1,1\r\n2,1,1,1\r\n", now)
	look("timm 3/10 epoch")
	write(t, filepath.Join(dir, "20251126-120000-vit-32/args.yaml"), args+"resume: a/last.pth.tar\n", now)
	look("timm 3/10 epoch")
	write(t, filepath.Join(dir, "20251126-120000-vit-32/summary.csv"), header+"2,1,1,1\r\n3,0.5,1,1\r\n", now)
	look("timm 4/10 epoch")
	series, _ := tracker.Series(context.Background(), durable.OS(), dir, runsheet.ProgressSpec{}, tracker.Options{})
	want := []runsheet.Point{{Step: 1, Value: 1}, {Step: 2, Value: 1}, {Step: 3, Value: 1}, {Step: 4, Value: 0.5}}
	if diff := cmp.Diff(want, series["train_loss"]); diff != "" {
		t.Error(diff)
	}
	write(t, filepath.Join(dir, "20251127-120000-vit-32/args.yaml"), args+"resume: ''\n", now)
	look("timm 0/10 epoch")
	// Ultralytics leaves a args.yaml, too.
	if err := os.RemoveAll(filepath.Join(dir, "20251127-120000-vit-32")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "20251127-120000-vit-32/args.yaml"), "task: detect\nmodel: yolo\nepochs: 100\n", now)
	look("timm 4/10 epoch")
}
