package tracker_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/tracker"
)

func TestLightning(t *testing.T) {
	real := func(name string) string { return "real/lightning/" + name }
	epochs := runsheet.ProgressSpec{Tracker: "lightning", Epochs: true, Total: 8}
	steps := runsheet.ProgressSpec{Total: 80}
	checkCases(t, []tcase{
		{dir: real("middle"), metrics: []string{"*"}, want: "lightning 2/? epoch, train_loss=0.9021, val_loss=1.7038"},
		{dir: real("early"), metrics: []string{"val_loss"}, want: "lightning 3/? epoch, early at 3, val_loss=1"},
		{dir: real("cli"), want: "lightning 4/4 epoch, finished"},
		{dir: real("resumed"), want: "lightning 4/4 epoch, finished"},
	})
	checkTold(t, []tcase{
		{dir: real("start"), want: "lightning 0/? epoch"},
		{dir: real("start"), spec: steps, want: "lightning 5/80 step"},
		{dir: real("middle"), spec: epochs, want: "lightning 2/8 epoch"},
		{dir: real("middle"), spec: steps, want: "lightning 25/80 step"},
		{dir: real("middle"), spec: runsheet.ProgressSpec{Unit: "step"}, want: "lightning 25/? step"},
		{dir: real("end"), want: "lightning 4/4 epoch, finished"},
		{dir: real("end"), spec: epochs, want: "lightning 4/8 epoch"},
		{dir: real("end"), spec: steps, want: "lightning 40/80 step, finished"},
		{dir: real("nan"), metrics: []string{"val_loss"}, want: "lightning 4/4 epoch, finished, val_loss=NaN"},
		{dir: real("top"), want: "lightning 4/4 epoch, finished"},
		{dir: real("steps"), want: "lightning 25/25 step, finished"},
		{dir: real("steps"), spec: epochs, want: "lightning 2/8 epoch, finished"},
		{dir: real("crashed"), want: "lightning 1/? epoch"},
		{dir: real("cli-steps"), want: "lightning 25/25 step, finished"},
		{dir: real("bare"), want: "lightning 4/4 epoch, finished"},
		{dir: real("tb"), want: "lightning 4/4 epoch, finished"},
		{dir: real("tb-middle"), metrics: []string{"*"}, want: "lightning 2/? epoch, train_loss=0.9021, val_loss=1.7038"},
		{dir: real("tb-middle"), spec: steps, want: "lightning 25/80 step"},
		{dir: real("tqdm"), want: "lightning 4/4 epoch, finished"},
		{dir: real("tqdm-middle"), want: "lightning 2/? epoch"},
	})
}

// What a version, its checkpoints and a configuration of Hydra's tell, without any log.
func TestLightningVersions(t *testing.T) {
	const rows = "epoch,step,train_loss,val_loss\n0,4,1,\n0,9,1,\n0,9,,1\n1,14,1,\n1,19,1,\n1,19,,1\n"
	tests := []struct {
		name  string
		files map[string]string
		spec  runsheet.ProgressSpec
		want  string
	}{
		{"rows alone", map[string]string{"lightning_logs/version_0/metrics.csv": rows}, runsheet.ProgressSpec{}, "lightning 1/? epoch"},
		{"a checkpoint at the end of the epoch", map[string]string{"lightning_logs/version_0/metrics.csv": rows,
			"lightning_logs/version_0/checkpoints/epoch=1-step=20.ckpt": ""}, runsheet.ProgressSpec{}, "lightning 2/? epoch"},
		{"within an epoch", map[string]string{"lightning_logs/version_0/metrics.csv": rows,
			"lightning_logs/version_0/checkpoints/epoch=1-step=16.ckpt": ""}, runsheet.ProgressSpec{}, "lightning 1/? epoch"},
		{"the first epoch can have any number of steps", map[string]string{"lightning_logs/version_0/hparams.yaml": "{}\n",
			"lightning_logs/version_0/checkpoints/epoch=0-step=10.ckpt": ""}, runsheet.ProgressSpec{}, "lightning 0/? epoch"},
		{"two checkpoints agree", map[string]string{"lightning_logs/version_0/hparams.yaml": "{}\n",
			"lightning_logs/version_0/checkpoints/epoch=3-step=40.ckpt": "", "lightning_logs/version_0/checkpoints/epoch=7-step=80-v1.ckpt": ""},
			runsheet.ProgressSpec{}, "lightning 8/? epoch"},
		{"the total of Hydra", map[string]string{"logs/mnist/version_0/metrics.csv": rows,
			".hydra/config.yaml": "trainer:\n  _target_: lightning.pytorch.trainer.Trainer\n  max_epochs: 10\n  max_steps: -1\n"},
			runsheet.ProgressSpec{}, "lightning 1/10 epoch"},
		{"by number, not by name", map[string]string{"csv/version_9/metrics.csv": rows, "csv/version_10/metrics.csv": "epoch,step,train_loss\n2,29,1\n"},
			runsheet.ProgressSpec{Unit: "step"}, "lightning 30/? step"},
		{"nothing logged after a resume yet", map[string]string{"csv/version_9/metrics.csv": rows, "csv/version_10/hparams.yaml": "{}\n"},
			runsheet.ProgressSpec{}, "lightning 1/? epoch"},
		{"a Trainer.test", map[string]string{"csv/version_0/metrics.csv": rows, "csv/version_1/metrics.csv": "epoch,step,test_loss\n0,0,1\n"},
			runsheet.ProgressSpec{}, "lightning 1/? epoch"},
		{"no logger", map[string]string{"checkpoints/epoch=4-step=50.ckpt": ""}, runsheet.ProgressSpec{Total: 50}, "lightning 50/50 step"},
		{"files", map[string]string{"out/a/b/metrics.csv": rows}, runsheet.ProgressSpec{Tracker: "lightning", Files: []string{"out/a/b/metrics.csv"}}, "lightning 1/? epoch"},
		{"back after a resume in one file", map[string]string{"csv/version_0/metrics.csv": rows + "0,7,1,\n"}, runsheet.ProgressSpec{Unit: "step"}, "lightning 8/? step"},
		{"another table of that name", map[string]string{"metrics.csv": rows, "version_0/metrics.csv": "epoch,loss\n1,2\n"}, runsheet.ProgressSpec{}, "0/?"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range tt.files {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if got := told(later(t, dir, tt.spec, nil).Progress); got != tt.want {
				t.Errorf("told  %s\nwant  %s", got, tt.want)
			}
		})
	}
}

func TestLightningSeries(t *testing.T) {
	series, _ := tracker.Series(context.Background(), durable.OS(), copied(t, "testdata/real/lightning/resumed"), runsheet.ProgressSpec{}, tracker.Options{})
	want := "[{30 1.028220295906067} {40 0.6371456384658813}]"
	if got := fmt.Sprint(series["val_loss"]); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
