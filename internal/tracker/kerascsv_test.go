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

func TestKerasCSV(t *testing.T) {
	real := func(name string) string { return "real/keras/" + name }
	explicit := runsheet.ProgressSpec{Tracker: "keras_csv"}
	checkCases(t, []tcase{
		{dir: real("middle"), metrics: []string{"*"}, want: "keras_csv 3/6 epoch, accuracy=0.26, loss=2.2621, val_accuracy=0.25333, val_loss=2.2552"},
		{dir: real("append"), want: "keras_csv 5/5 epoch"},
		{dir: real("early"), metrics: []string{"val_loss"}, want: "keras_csv 40/100 epoch, early at 40, val_loss=0.70988"},
	})
	checkTold(t, []tcase{
		{dir: real("end"), want: "keras_csv 6/6 epoch"},
		{dir: real("end"), spec: runsheet.ProgressSpec{Tracker: "keras_csv", Files: []string{"training.csv"}, Epochs: true, Total: 8}, want: "keras_csv 6/8 epoch"},
		{dir: real("start"), spec: explicit, want: "keras_csv 0/? epoch"},
		{dir: real("verbose0"), want: "keras_csv 5/? epoch"},
		{dir: real("early_silent"), want: "keras_csv 6/100 epoch"},
		{dir: real("nan"), metrics: []string{"*"}, want: "keras_csv 3/3 epoch, accuracy=0.26, loss=NaN, val_accuracy=0.25333, val_loss=2.2552"},
		{dir: real("val_freq"), metrics: []string{"val_loss"}, want: "keras_csv 6/6 epoch, val_loss=2.126"},
		{dir: real("no_validation"), want: "keras_csv 3/3 epoch"},
		{dir: real("killed"), want: "keras_csv 4/8 epoch"},
		{dir: real("resumed_middle"), want: "keras_csv 5/8 epoch"},
		{dir: real("resumed"), want: "keras_csv 8/8 epoch"},
		{dir: real("checkpoints"), metrics: []string{"learning_rate"}, want: "keras_csv 4/4 epoch, learning_rate=1e-05"},
		{dir: real("terminate_on_nan"), want: "keras_csv 1/9 epoch"},
	})
}

// A table is one of CSVLogger by its looks only if all fits.
func TestKerasCSVLooks(t *testing.T) {
	const other = "0/?"
	for text, want := range map[string]string{
		"epoch,accuracy,loss\r\n0,1,2\r\n":                             "keras_csv 1/? epoch",
		"epoch,accuracy,loss,val_accuracy,val_loss\r\n0,1,2,NA,NA\r\n": "keras_csv 1/? epoch",
		"epoch,loss,mse,val_loss,val_mse\r\n0,1,2,3,4\r\n":             "keras_csv 1/? epoch",
		"epoch,loss,mse,val_mse,val_loss\r\n0,1,2,3,4\r\n":             other,
		"epoch,loss,accuracy\r\n0,1,2\r\n":                             other,
		"epoch,accuracy,loss\n0,1,2\n":                                 other,
		"epoch,accuracy,loss\r\n1,1,2\r\n":                             other,
		"epoch,accuracy\r\n0,1\r\n":                                    other,
		"epoch,loss,step\r\n0,1,2\r\n":                                 other,
		"epoch,accuracy,loss\r\n":                                      other,
		"":                                                             other,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "history.csv"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := told(later(t, dir, runsheet.ProgressSpec{}, nil).Progress); got != want {
			t.Errorf("%q:\ntold  %s\nwant  %s", text, got, want)
		}
	}
}

func TestKerasCSVSeries(t *testing.T) {
	series, _ := tracker.Series(context.Background(), durable.OS(), copied(t, "testdata/real/keras/append"), runsheet.ProgressSpec{}, tracker.Options{})
	want := "[1 2 3 4 5]"
	var steps []int64
	for _, p := range series["loss"] {
		steps = append(steps, p.Step)
	}
	if got := fmt.Sprint(steps); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
