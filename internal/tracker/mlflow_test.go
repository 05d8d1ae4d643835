package tracker_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/tracker"
)

func TestMLflow(t *testing.T) {
	all := []string{"*"}
	checkCases(t, []tcase{
		{dir: "real/mlflow/middle", metrics: all, want: "mlflow 6/10 epoch, bad=+Inf, epoch=6, no_step=3, train/loss=0.16667, val/acc=0.625, val/loss=0.18333"},
		{dir: "real/mlflow/resumed", metrics: []string{"epoch"}, want: "mlflow 10/10 epoch, finished, epoch=10"},
		{dir: "real/mlflow/autolog_xgboost", metrics: all, want: "mlflow 12/12 step, finished, train-logloss=0.03541"},
	})
}

func TestMLflowWhole(t *testing.T) {
	named := runsheet.ProgressSpec{Tracker: "mlflow"}
	checkWhole(t, []tcase{
		{dir: "real/mlflow/start", metrics: []string{"*"}, want: "mlflow 0/10 epoch, epoch=1, train/loss=1, val/acc=0.5, val/loss=1.1"}, // 1 may be the one under way
		{dir: "real/mlflow/end", metrics: []string{"*"}, want: "mlflow 10/10 epoch, finished, bad=+Inf, epoch=10, no_step=3, train/loss=0.1, val/acc=0.725, val/loss=0.11"},
		{dir: "real/mlflow/end", spec: runsheet.ProgressSpec{Epochs: true, Total: 20}, want: "mlflow 10/20 epoch"},
		{dir: "real/mlflow/end", spec: runsheet.ProgressSpec{Tracker: "mlflow", Total: 20, Unit: "round"}, want: "mlflow 10/20 round, finished"},
		{dir: "real/mlflow/fails", want: "mlflow 4/10 epoch"},
		{dir: "real/mlflow/killed", want: "mlflow 5/10 epoch"},
		{dir: "real/mlflow/killed_status", metrics: []string{"epoch", "train/loss"}, want: "mlflow 2/? step, epoch=2, train/loss=0.5"},
		{dir: "real/mlflow/nested", want: "mlflow 3/10 epoch, finished"},
		{dir: "real/mlflow/autolog", metrics: []string{"training_score"}, want: "mlflow 1/? step, finished, training_score=0.07"},
		{dir: "real/mlflow/autolog_xgboost", spec: runsheet.ProgressSpec{Tracker: "mlflow", Epochs: true, Total: 12}, want: "error: the metrics in " +
			"mlruns/421193710187846592/292895e9f3c947d4b24a427508dbde4d count steps only; log a metric `epoch`, or give `total` instead of `epochs` in the sheet"},
		{dir: "real/mlflow/default", spec: named, want: "mlflow 0/? step"}, // a database
		{dir: "real/mlflow/file_store_refused", spec: named, want: "mlflow 0/? step"},
	})
	if what, ok := tracker.Recognise(durable.OS(), copied(t, "testdata/real/mlflow/default")); ok && !what.ByLog {
		t.Error("mlruns without a run is recognised")
	}
}

const mlflowRun = "mlruns/1/0123456789abcdef0123456789abcdef/"

// TestMLflowRuns holds which run counts, when it is finished, and what is told of broken files.
func TestMLflowRuns(t *testing.T) {
	const other = "mlruns/2/fedcba9876543210fedcba9876543210/"
	meta := func(status, start string) string {
		return "lifecycle_stage: active\nrun_id: x\nstart_time: " + start + "\nstatus: " + status + "\n"
	}
	for name, c := range map[string]struct {
		files []any
		want  string
	}{
		"the newest": {[]any{other + "meta.yaml", meta("1", "2000"), other + "metrics/loss", "1 0.5 7\n", mlflowRun + "meta.yaml", meta("3", "1000"), mlflowRun + "metrics/loss", "1 0.5 3\n"},
			"mlflow 7/? step, loss=0.5"},
		"one that was killed when it began, before": {[]any{other + "meta.yaml", "lifecycle_stage: act", mlflowRun + "meta.yaml", meta("3", "1000"), mlflowRun + "metrics/loss", "1 0.5 3\n"},
			"mlflow 3/? step, finished, loss=0.5"},
		"a run's own directory": {[]any{"meta.yaml", meta("3", "1000"), "metrics/loss", "1 0.5 3\n"}, "mlflow 3/? step, finished, loss=0.5"},
		"deleted":               {[]any{mlflowRun + "meta.yaml", "lifecycle_stage: deleted\nstatus: 3\n", mlflowRun + "metrics/loss", "1 0.5 3\n"}, "mlflow 0/? step"},
		"a child of one that runs": {[]any{mlflowRun + "meta.yaml", meta("3", "2000"), mlflowRun + "metrics/loss", "1 0.5 3\n",
			mlflowRun + "tags/mlflow.parentRunId", "fedcba9876543210fedcba9876543210", "mlruns/1/fedcba9876543210fedcba9876543210/meta.yaml", meta("1", "1000")}, "mlflow 3/? step, loss=0.5"},
		"transformers": {[]any{mlflowRun + "meta.yaml", meta("1", "1"), mlflowRun + "metrics/loss", "1 0.5 20\n2 0.5 40\n", mlflowRun + "metrics/epoch", "1 1.5 20\n2 2.5 40\n",
			mlflowRun + "params/max_steps", "-1", mlflowRun + "params/num_train_epochs", "3.0"}, "mlflow 2/3 epoch, epoch=2.5, loss=0.5"},
		"transformers, by steps": {[]any{mlflowRun + "meta.yaml", meta("1", "1"), mlflowRun + "metrics/loss", "1 0.5 20\n2 0.5 40\n", mlflowRun + "metrics/epoch", "1 1.5 20\n2 2.5 40\n",
			mlflowRun + "params/max_steps", "60", mlflowRun + "params/num_train_epochs", "3.0"}, "mlflow 40/60 step, epoch=2.5, loss=0.5"},
		"epochs that say two things": {[]any{mlflowRun + "meta.yaml", meta("1", "1"), mlflowRun + "metrics/epoch", "1 1 1\n2 2 2\n", mlflowRun + "params/epochs", "3", mlflowRun + "params/max_epochs", "5"},
			"mlflow 2/? step, epoch=2"},
		"old lines, torn and senseless ones": {[]any{mlflowRun + "meta.yaml", meta("1", "1"), mlflowRun + "metrics/loss", "1 0.5\nwhat\n2 x 3\n3 0.25 4\n4 0.1"}, "mlflow 5/? step, loss=0.25"},
		"of the machine":                     {[]any{mlflowRun + "meta.yaml", meta("1", "1"), mlflowRun + "metrics/system/cpu", "1 0.5 99\n"}, "mlflow 0/? step"},
		"no status":                          {[]any{mlflowRun + "meta.yaml", "run_id: x\n"}, "error: " + mlflowRun + "meta.yaml is broken (10 bytes): it gives no status. In DIR: repair or remove it"},
		"empty":                              {[]any{mlflowRun + "meta.yaml", ""}, "error: " + mlflowRun + "meta.yaml is broken: it is empty (0 bytes). In DIR: repair or remove it"},
	} {
		checkPut(t, name, runsheet.ProgressSpec{Tracker: "mlflow"}, c.want, c.files...)
	}
}

func TestMLflowSeries(t *testing.T) {
	series, p := tracker.Series(context.Background(), durable.OS(), copied(t, "testdata/real/mlflow/resumed"), runsheet.ProgressSpec{},
		tracker.Options{Now: func() time.Time { return time.Now().Add(time.Hour) }})
	points := series["train/loss"]
	if len(points) != 10 || points[0] != (runsheet.Point{Step: 1, Value: 1}) || points[9] != (runsheet.Point{Step: 10, Value: 0.1}) || p.Completed != 10 {
		t.Errorf("%v, %s", points, p.String())
	}
}

func FuzzMLflow(f *testing.F) {
	for _, pattern := range []string{"testdata/real/mlflow/*/mlruns/*/*/meta.yaml", "testdata/real/mlflow/*/mlruns/*/*/metrics/epoch", "testdata/real/mlflow/*/mlruns/*/*/metrics/*/loss"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatal(pattern, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data, len(data)/2, filepath.Base(file) == "meta.yaml")
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, cut int, meta bool) {
		if meta {
			fuzzWorkDir(t, mlflowRun+"meta.yaml", data, cut, runsheet.ProgressSpec{Tracker: "mlflow"})
			return
		}
		fuzzWorkDir(t, "metrics/epoch", data, cut, runsheet.ProgressSpec{Tracker: "mlflow"}, "meta.yaml", "status: 1\n")
	})
}
