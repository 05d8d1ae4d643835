package tracker_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/tracker"
)

// Logs that frameworks wrote themselves: testdata/make/README.md and README-torch.md say which versions.

func TestXGBoostLog(t *testing.T) {
	checkCases(t, []tcase{
		{dir: "real/xgboost/start", metrics: []string{"valid-auc"}, want: "xgboost 1/? round, guessed, valid-auc=0.97558"},
		{dir: "real/xgboost/cv", metrics: []string{"test-auc"}, want: "xgboost 12/? round, guessed, test-auc=0.97413"},
		{dir: "real/xgboost/period", want: "xgboost 34/? round, guessed"},
		{dir: "real/xgboost/nan", metrics: []string{"*"}, most: 4, want: "xgboost 3/? round, guessed, train-big=+Inf, train-rmse=0.36566, valid-big=+Inf, valid-rmse=0.37705"},
		{dir: "real/xgboost/resumed", spec: runsheet.ProgressSpec{Tracker: "xgboost"}, most: 26, want: "xgboost 19/? round, guessed"},
		{dir: "real/xgboost/silent", want: "0/?"},
	})
	checkLogs(t, []tcase{
		{dir: "real/xgboost/middle", spec: runsheet.ProgressSpec{Total: 60}, metrics: []string{"train-logloss"}, want: "xgboost 30/60 round, train-logloss=0.06594"},
		{dir: "real/xgboost/end", spec: runsheet.ProgressSpec{Total: 60, Unit: "tree"}, want: "xgboost 60/60 tree"},
		{dir: "real/xgboost/verbosity", want: "xgboost 6/? round, guessed"},
		{dir: "real/xgboost/end", spec: runsheet.ProgressSpec{Tracker: "xgboost", Epochs: true, Total: 60},
			want: "error: stdout.log: what xgboost reads there are no epochs; give `total` instead of `epochs` in the sheet"},
		{dir: "real/xgboost/end", spec: runsheet.ProgressSpec{Epochs: true, Total: 60}, want: "0/60"},
	})
}

func TestLightGBMLog(t *testing.T) {
	checkCases(t, []tcase{
		{dir: "real/lightgbm/start", want: "lightgbm 3/? round, guessed"},
		{dir: "real/lightgbm/early", metrics: []string{"valid_0's binary_logloss"}, want: "lightgbm 30/? round, early at 30, valid_0's binary_logloss=0.058582"},
		{dir: "real/lightgbm/early_not_met", want: "lightgbm 15/? round, finished"},
		{dir: "real/lightgbm/silent", want: "0/?"},
		{dir: "lightgbm/tool", metrics: []string{"*"}, want: "lightgbm 20/? round, early at 20, training auc=0.99, valid_1 auc=0.93"},
	})
	checkLogs(t, []tcase{
		{dir: "real/lightgbm/early_not_met", spec: runsheet.ProgressSpec{Total: 15}, want: "lightgbm 15/15 round, finished"},
		{dir: "real/lightgbm/period", spec: runsheet.ProgressSpec{Total: 34}, want: "lightgbm 30/34 round, guessed"}, // it prints every tenth
		{dir: "real/lightgbm/period", spec: runsheet.ProgressSpec{Total: 60}, want: "lightgbm 30/60 round"},
		{dir: "real/lightgbm/cv", want: "lightgbm 12/? round, guessed"},
		{dir: "real/lightgbm/sklearn", want: "lightgbm 25/? round, guessed"},
		{dir: "lightgbm/folds", want: "lightgbm 12/? round, guessed", most: 20},
	})
}

func TestCatBoostLog(t *testing.T) {
	log := runsheet.ProgressSpec{Tracker: "catboost_log"}
	checkCases(t, []tcase{
		{dir: "real/catboost/start", spec: log, metrics: []string{"*"}, want: "catboost_log 1/? iteration, guessed, best=0.58792, learn=0.5827, test=0.58792"},
		{dir: "real/catboost/early", spec: log, want: "catboost_log 36/? iteration, early at 36"},
		{dir: "real/catboost/cv", spec: log, most: 10, want: "catboost_log 10/10 iteration, finished"},
		{dir: "real/catboost/resumed", spec: log, want: "catboost_log 60/60 iteration, finished"},
		{dir: "real/catboost/regression_silent", spec: log, want: "0/?"},
	})
	checkLogs(t, []tcase{
		{dir: "real/catboost/end", spec: log, want: "catboost_log 40/40 iteration, finished"},
		{dir: "real/catboost/no_files", spec: log, want: "catboost_log 12/12 iteration, guessed"},
		{dir: "real/catboost/killed", spec: log, want: "catboost_log 33/? iteration, guessed"},
		{dir: "real/catboost/two_sets", spec: log, metrics: []string{"test1"}, want: "catboost_log 23/23 iteration, finished, test1=0.089811"},
	})
	// The training failed while it saved, after it had said that it was over.
	checkLogs(t, []tcase{{dir: "real/catboost/nan", spec: log, want: "catboost_log 5/5 iteration, guessed"}})
}

func TestSklearnLog(t *testing.T) {
	checkCases(t, []tcase{
		{dir: "real/sklearn/mlp", metrics: []string{"loss"}, want: "sklearn 30/? iteration, guessed, loss=1.9888"},
		{dir: "real/sklearn/mlp_early", metrics: []string{"*"}, want: "sklearn 5/? iteration, early at 5, loss=2.3818, validation_score=0.3"},
		{dir: "real/sklearn/gradient_boosting", metrics: []string{"*"}, want: "sklearn 100/? iteration, guessed, oob_improve=-0.0094, train_loss=0.2506"},
		{dir: "sklearn/hist", metrics: []string{"*"}, want: "sklearn 8/8 iteration, guessed, train loss=0.28947, val loss=0.28382"}, // 1.9.1, verbose=2
		{dir: "real/sklearn/random_forest", want: "sklearn 12/12 iteration, guessed"},
		{dir: "real/sklearn/grid_search", want: "sklearn 9/9 fit, guessed"},
		{dir: "real/sklearn/sgd", want: "epochs_log 7/? epoch, guessed"},
	})
	checkLogs(t, []tcase{
		{dir: "real/sklearn/mlp", spec: runsheet.ProgressSpec{Epochs: true, Total: 40}, want: "sklearn 30/40 iteration"},
		{dir: "real/sklearn/kmeans", want: "0/?"},
		{dir: "real/sklearn/hist_gradient_boosting", want: "0/?"}, // verbose=1 prints no rounds
	})
}

func TestKerasLog(t *testing.T) {
	log := runsheet.ProgressSpec{Tracker: "log"}
	val := []string{"loss", "val_loss"}
	checkCases(t, []tcase{
		{dir: "real/keras/start", spec: log, want: "epochs_log 0/6 epoch, guessed"},
		{dir: "real/keras/middle", spec: log, metrics: val, want: "keras 3/6 epoch, guessed, loss=2.1954, val_loss=2.2552"},
		{dir: "real/keras/end", spec: runsheet.ProgressSpec{Tracker: "keras", Epochs: true, Total: 6}, metrics: val, want: "keras 6/6 epoch, loss=2.1089, val_loss=2.126"},
		{dir: "real/keras/val_freq", spec: log, want: "keras 6/6 epoch, guessed"},
		{dir: "real/keras/unknown_steps", spec: log, want: "keras 3/3 epoch, guessed"},
		{dir: "real/keras/no_validation", spec: log, want: "keras 3/3 epoch, guessed"},
		{dir: "real/keras/verbose2", spec: log, want: "keras 8/8 epoch, guessed"},
		{dir: "real/keras/resumed", spec: log, want: "keras 8/8 epoch, guessed"},
		{dir: "real/keras/evaluate", spec: log, want: "keras 2/2 epoch, guessed"},
		{dir: "real/keras/one_epoch", spec: log, want: "keras 9/9 step, guessed"},
		{dir: "real/keras/terminate_on_nan", spec: log, metrics: []string{"loss"}, want: "keras 0/9 epoch, guessed, loss=NaN"},
	})
	checkLogs(t, []tcase{
		{dir: "real/keras/early", spec: log, want: "keras 40/100 epoch, early at 40"},
		{dir: "real/keras/early_silent", spec: log, want: "keras 6/100 epoch, guessed"},
		{dir: "real/keras/killed", spec: log, want: "keras 4/8 epoch, guessed"},
		{dir: "real/keras/nan", spec: log, metrics: []string{"extra"}, want: "keras 3/3 epoch, guessed, extra=NaN"},
		{dir: "real/keras/tf_noise", spec: log, want: "keras 2/2 epoch, guessed"},
		{dir: "real/keras/checkpoints", spec: log, want: "keras 4/4 epoch, guessed"},
		{dir: "real/keras/verbose0", spec: log, want: "0/?"},
	})
}

func TestTQDMLog(t *testing.T) {
	epochs := runsheet.ProgressSpec{Epochs: true}
	checkCases(t, []tcase{
		{dir: "real/tqdm/start", want: "tqdm 0/60 step, guessed"},
		{dir: "real/tqdm/middle", want: "tqdm 26/60 step, guessed"},
		{dir: "real/tqdm/ncols0", want: "tqdm 40/40 step, guessed"},
		{dir: "real/tqdm/narrow", want: "tqdm 40/40 step, guessed"},
		{dir: "real/tqdm/no_total", want: "tqdm 54/? step, guessed"},
		{dir: "real/tqdm/break", want: "tqdm 42/100 step, guessed"},
		{dir: "real/tqdm/disabled", want: "0/?"},
		// The bars of epochs say how many there are, the lines between them how many are complete.
		{dir: "real/tqdm/desc", spec: epochs, metrics: []string{"*"}, want: "epochs_log 4/4 epoch, guessed, val_acc=0.8"},
		{dir: "real/tqdm/nested", spec: epochs, want: "tqdm 4/4 epoch, guessed", most: 15},
		{dir: "real/tqdm/nested_middle", spec: epochs, want: "tqdm 2/4 epoch, guessed"},
		{dir: "real/tqdm/nested_leave_middle", spec: epochs, want: "tqdm 1/4 epoch, guessed"},
		// Loading the data and evaluating are not the training, and neither is a download.
		{dir: "real/tqdm/loading", want: "tqdm 40/40 step, guessed", most: 200},
		{dir: "real/tqdm/unit_scale", want: "tqdm 4880/4880 samples, guessed", most: 3400000},
		{dir: "real/rich/end", metrics: []string{"loss"}, want: "steps_log 40/? step, guessed, loss=0.025"},
	})
	checkLogs(t, []tcase{
		{dir: "real/tqdm/end", want: "tqdm 60/60 step, guessed"},
		{dir: "real/tqdm/end", spec: runsheet.ProgressSpec{Total: 60}, want: "tqdm 60/60 step"},
		{dir: "real/tqdm/ascii", want: "tqdm 40/40 step, guessed"},
		{dir: "real/tqdm/colour", want: "tqdm 20/20 step, guessed"},
		{dir: "real/tqdm/bar_format", want: "tqdm 30/30 step, guessed"},
		{dir: "real/tqdm/over", want: "tqdm 10/10 step, guessed"},
		{dir: "real/tqdm/slow", want: "tqdm 4/4 step, guessed"},
		{dir: "real/tqdm/desc", spec: runsheet.ProgressSpec{Tracker: "tqdm"}, metrics: []string{"loss"}, want: "tqdm 4/4 epoch, guessed, loss=0.0125"},
		{dir: "real/tqdm/loading_middle", want: "tqdm 40/40 step, guessed", most: 200},
		{dir: "real/optuna/bar", spec: runsheet.ProgressSpec{Tracker: "log"}, want: "tqdm 12/12 step, guessed"},
		{dir: "real/tqdm/write", want: "tqdm 20/20 step, guessed"},
		{dir: "real/tqdm/resumed", want: "tqdm 60/60 step, guessed"},
	})
}

func TestTransformersLines(t *testing.T) {
	log := runsheet.ProgressSpec{Tracker: "log"}
	epochs := runsheet.ProgressSpec{Tracker: "transformers_log", Epochs: true, Total: 3}
	checkCases(t, []tcase{
		{dir: "real/transformers/start", spec: log, want: "tqdm 5/60 step, guessed"},
		{dir: "real/transformers/middle", spec: log, metrics: []string{"loss", "eval_loss"}, want: "transformers_log 25/60 step, guessed, loss=3.032, eval_loss=3.038"},
		{dir: "real/transformers/early", spec: log, want: "transformers_log 30/60 step, early at 30"},
		{dir: "real/transformers/crashed", spec: log, metrics: []string{"loss"}, want: "transformers_log 16/60 step, guessed, loss=3.036"},
		{dir: "real/transformers/resumed-middle", spec: log, want: "transformers_log 21/60 step, guessed", most: 25},
	})
	checkLogs(t, []tcase{
		{dir: "real/transformers/middle", spec: epochs, want: "transformers_log 1/3 epoch"},
		{dir: "real/transformers/nan", spec: log, metrics: []string{"loss"}, want: "transformers_log 60/60 step, finished, loss=NaN"},
		{dir: "real/transformers4/resumed-middle", spec: log, metrics: []string{"loss"}, want: "transformers_log 0/60 step, guessed, loss=3.043"},
		{dir: "real/transformers4/end", spec: log, metrics: []string{"loss"}, want: "transformers_log 60/60 step, finished, loss=3.0215"},
		{dir: "real/trl/middle", spec: log, want: "transformers_log 25/40 step, guessed"},
		{dir: "real/sentence_transformers/end", spec: log, want: "transformers_log 40/40 step, finished"},
		{dir: "real/transformers/maxsteps", spec: log, want: "transformers_log 1/? epoch, finished"},
		{dir: "real/transformers/resumed", spec: log, want: "transformers_log 60/60 step, finished"},
	})
}

func TestEpochsLogOfOthers(t *testing.T) {
	log := runsheet.ProgressSpec{Tracker: "log"}
	checkCases(t, []tcase{
		{dir: "real/wandb/end", spec: log, metrics: []string{"loss"}, want: "epochs_log 10/? epoch, guessed, loss=0.1"},
		{dir: "real/lightning/tqdm-middle", spec: log, want: "tqdm 2/? epoch, guessed", most: 10},
		{dir: "real/mlflow/middle", spec: log, want: "epochs_log 6/? epoch, guessed"},
		{dir: "real/torchtune/stdout", spec: log, metrics: []string{"loss"}, want: "steps_log 10/? step, guessed, loss=0.2"},
		{dir: "real/accelerate/end", spec: log, want: "tqdm 40/40 step, guessed"},
	})
	checkLogs(t, []tcase{
		{dir: "real/lightning/end", spec: log, want: "0/?"}, // its own bars are left to its own tracker
		{dir: "real/ultralytics/end", spec: log, want: "0/?"},
	})
}

func TestTablesAndLoggers(t *testing.T) {
	log := runsheet.ProgressSpec{Tracker: "log"}
	reward := []string{"rollout/ep_rew_mean"}
	checkCases(t, []tcase{
		{dir: "real/stable_baselines3/early", spec: log, want: "sb3_log 500/? step, early at 500"},
	})
	checkLogs(t, []tcase{
		{dir: "real/mmengine/start", spec: log, want: "mmengine_log 0/4 epoch, guessed"},
		{dir: "real/mmengine/early", spec: log, metrics: []string{"toy/mse"}, want: "mmengine_log 3/4 epoch, early at 3, toy/mse=1"},
		{dir: "real/mmengine/iter-middle", spec: log, want: "mmengine_log 25/40 iteration, guessed"},
		{dir: "real/mmengine/end", spec: runsheet.ProgressSpec{Tracker: "mmengine_log", Epochs: true, Total: 4}, want: "mmengine_log 4/4 epoch"},
		{dir: "real/stable_baselines3/middle", spec: log, metrics: reward, want: "sb3_log 400/? step, guessed, rollout/ep_rew_mean=20.4"},
	})
}

// TestFrameworksNotRun holds what is told of lines that were written by hand after the frameworks' source.
func TestFrameworksNotRun(t *testing.T) {
	checkCases(t, []tcase{
		{dir: "megatron/middle", metrics: []string{"lm loss"}, want: "megatron_log 200/5000 iteration, guessed, lm loss=9.1"},
		{dir: "megatron/end", want: "megatron_log 300/300 iteration, finished"},
		{dir: "fairseq/middle", metrics: []string{"loss", "valid_loss"}, want: "fairseq_log 1/3 epoch, guessed, loss=8.5, valid_loss=9"},
		{dir: "fairseq/early", want: "fairseq_log 2/3 epoch, early at 2, finished"},
		{dir: "pylon/train", spec: runsheet.ProgressSpec{Tracker: "log"}, metrics: []string{"loss", "score"}, want: "pylon_log 1/3 epoch, guessed, loss=0.41, score=0.5"},
		{dir: "pylon/early", spec: runsheet.ProgressSpec{Tracker: "log"}, want: "pylon_log 2/5 epoch, early at 2"},
		{dir: "pylon/eval", spec: runsheet.ProgressSpec{Tracker: "log"}, want: "pylon_log 3/8 iteration, guessed"},
		{dir: "nanogpt/middle", metrics: []string{"loss", "val loss"}, want: "steps_log 21/? step, guessed, loss=3.9, val loss=4.1"},
		{dir: "nerfstudio/stdout", want: "steps_log 29991/? step, guessed"},
		{dir: "detectron2/stdout", metrics: []string{"total_loss"}, want: "steps_log 40/? step, guessed, total_loss=1.5"},
		{dir: "keras/two", metrics: []string{"loss"}, want: "keras 1/2 epoch, guessed, loss=1.2"},
	})
	checkLogs(t, []tcase{
		{dir: "megatron/middle", spec: runsheet.ProgressSpec{Total: 5000}, want: "megatron_log 200/5000 iteration"},
		{dir: "nanogpt/middle", spec: runsheet.ProgressSpec{Total: 30}, want: "steps_log 21/30 step, guessed"}, // it tells every tenth
		{dir: "nanogpt/middle", spec: runsheet.ProgressSpec{Total: 100}, want: "steps_log 21/100 step"},
	})
}

// checkLogs holds what is told of cases as they are.
func checkLogs(t *testing.T, cases []tcase) {
	t.Helper()
	for _, c := range cases {
		if got := told(later(t, copied(t, filepath.Join("testdata", c.dir)), c.spec, nil).Progress, c.metrics...); got != c.want {
			t.Errorf("%s:\ntold  %s\nwant  %s", c.dir, got, c.want)
		}
	}
}

// TestLogSeries holds that the course of the metrics is told at the counts at which they were reached.
func TestLogSeries(t *testing.T) {
	for _, c := range []struct {
		dir, metric string
		first, last runsheet.Point
		n           int
	}{
		{"real/xgboost/period", "valid-auc", runsheet.Point{Step: 1, Value: .97558}, runsheet.Point{Step: 34, Value: .99853}, 5},
		{"real/lightgbm/early", "valid_0's binary_logloss", runsheet.Point{Step: 1, Value: .408873}, runsheet.Point{Step: 30, Value: .0585816}, 30},
		{"real/keras/middle", "val_loss", runsheet.Point{Step: 1, Value: 2.3607}, runsheet.Point{Step: 3, Value: 2.2552}, 3},
		{"sklearn/hist", "val loss", runsheet.Point{Step: 1, Value: .57760}, runsheet.Point{Step: 8, Value: .28382}, 8},
		{"real/wandb/end", "loss", runsheet.Point{Step: 1, Value: 1}, runsheet.Point{Step: 10, Value: .1}, 10},
		{"pylon/train", "score", runsheet.Point{Step: 1, Value: .4}, runsheet.Point{Step: 2, Value: .5}, 2},
	} {
		dir := copied(t, filepath.Join("testdata", c.dir))
		series, _ := tracker.Series(context.Background(), durable.OS(), dir, runsheet.ProgressSpec{Tracker: "log"}, tracker.Options{})
		got := series[c.metric]
		if len(got) != c.n || got[0] != c.first || got[len(got)-1] != c.last {
			t.Errorf("%s, %s: %v, want %d points from %v to %v", c.dir, c.metric, got, c.n, c.first, c.last)
		}
	}
}

// TestGenericLogs holds what is told of lines that anybody's code may print.
func TestGenericLogs(t *testing.T) {
	bar := func(desc string, n, total int) string {
		return fmt.Sprintf("\r%s%3d%%|###   | %d/%d [00:10<01:13,  1.20it/s]", desc, 100*n/total, n, total)
	}
	loop := func(from, to int, line func(i int) string) string {
		var b strings.Builder
		for i := from; i <= to; i++ {
			b.WriteString(line(i))
		}
		return b.String()
	}
	f := func(format string) func(int) string {
		return func(i int) string { return fmt.Sprintf(format, i) }
	}
	tests := []struct {
		name string
		log  string
		spec runsheet.ProgressSpec
		want string
		most int64
	}{
		{"start lines", loop(1, 3, f("Epoch %d/10\nloss: 0.5\n")), runsheet.ProgressSpec{}, "epochs_log 2/10 epoch, guessed", 0},
		{"start lines from zero", loop(0, 3, f("Epoch %d/24\n----------\ntrain Loss: 0.5 Acc: 0.6\n")), runsheet.ProgressSpec{}, "epochs_log 3/24 epoch, guessed", 0},
		{"from zero up to the total", loop(0, 24, f("Epoch %d/24\n----------\n")), runsheet.ProgressSpec{}, "epochs_log 24/25 epoch, guessed", 0},
		{"one line an epoch", loop(1, 3, f("Epoch [%d/10] loss: 0.5\n")), runsheet.ProgressSpec{}, "epochs_log 3/10 epoch, guessed", 0},
		{"one line, the first", "Epoch [1/10] loss: 0.5\n", runsheet.ProgressSpec{}, "epochs_log 0/10 epoch, guessed", 0},
		{"one line from zero, all", loop(0, 9, f("epoch %d of 10: loss=0.5\n")), runsheet.ProgressSpec{Epochs: true, Total: 10}, "epochs_log 10/10 epoch", 0},
		{"two lines an epoch", loop(1, 3, f("Epoch %d/10 train loss: 0.5\nEpoch %[1]d/10 val loss: 0.4\n")), runsheet.ProgressSpec{}, "epochs_log 2/10 epoch, guessed", 0},
		{"two lines, the last epoch may be done", loop(1, 10, f("Epoch %d/10 train loss: 0.5\nEpoch %[1]d/10 val loss: 0.4\n")), runsheet.ProgressSpec{Epochs: true, Total: 10}, "epochs_log 9/10 epoch, guessed", 0},
		{"batches", loop(1, 3, f("Epoch [%d/10], Step [100/200], Loss: 0.5\nEpoch [%[1]d/10], Step [200/200], Loss: 0.4\n")), runsheet.ProgressSpec{}, "epochs_log 2/10 epoch, guessed", 0},
		{"one line of a batch", loop(1, 3, f("Epoch: %d/10 [100/200] loss 0.5\n")), runsheet.ProgressSpec{}, "epochs_log 2/10 epoch, guessed", 0},
		{"imagenet", loop(0, 4, f("Epoch: [%d][ 50/1000]\tTime  0.1 ( 0.1)\tLoss 6.9e+00 (7.0e+00)\n")), runsheet.ProgressSpec{}, "epochs_log 4/? epoch, guessed", 0},
		{"every tenth", loop(1, 9, f("Epoch %d0/100 loss: 0.5\n")), runsheet.ProgressSpec{Epochs: true, Total: 100}, "epochs_log 90/100 epoch, guessed", 0},
		{"it ended early", loop(1, 6, f("Epoch %d/10 loss: 0.5\n")), runsheet.ProgressSpec{Epochs: true, Total: 10}, "epochs_log 6/10 epoch", 0},
		{"loggers", loop(1, 3, f("2026-01-02 03:04:05,678 - INFO - Epoch %d: loss=0.5\n")), runsheet.ProgressSpec{}, "epochs_log 3/? epoch, guessed", 0},
		{"ranks", loop(1, 3, f("[rank0]: Epoch %d/9 loss=0.5\n[rank1]: Epoch %[1]d/9 loss=0.5\n")), runsheet.ProgressSpec{}, "epochs_log 2/9 epoch, guessed", 0},
		{"done", loop(0, 3, f("epoch %d done in 3.2s\n")), runsheet.ProgressSpec{}, "epochs_log 4/? epoch, guessed", 0},
		{"resumed", loop(1, 5, f("Epoch %d/10 loss: 0.5\n")) + loop(3, 4, f("Epoch %d/10 loss: 0.5\n")), runsheet.ProgressSpec{}, "epochs_log 4/10 epoch, guessed", 5},
		{"another training", loop(1, 5, f("Epoch %d/5 loss: 0.5\n")) + "Epoch 1/100\n", runsheet.ProgressSpec{}, "epochs_log 0/100 epoch, guessed", 5},
		{"no epochs", "epochs: 100\nsaved epoch=3-step=50.ckpt\nepoch 01/02/2026\nepoch: 0.62\nepoch_3/model.bin\nbest at epoch 7\n'epoch': 3\n", runsheet.ProgressSpec{}, "0/?", 0},
		{"stray shares", "1/5 files\n[1/5] Resolving packages\nfold 1/5\npage 3/10\nround 2 of 3\n", runsheet.ProgressSpec{}, "0/?", 0},
		{"a stray share beside it", "1/5 files\n" + loop(1, 3, f("Epoch %d/10 loss: 0.5\n[2/5] checks\n")), runsheet.ProgressSpec{}, "epochs_log 3/10 epoch, guessed", 0},

		{"steps", loop(1, 5, f("step %d00/1000 loss: 0.5\n")), runsheet.ProgressSpec{Total: 1000}, "steps_log 500/1000 step", 0},
		{"steps, nearly all", loop(1, 9, f("step %d00/1000 loss: 0.5\n")), runsheet.ProgressSpec{Total: 1000}, "steps_log 900/1000 step, guessed", 0},
		{"iterations", "Iter [  50/80000] lr: 2e-04\nIter [ 100/80000] lr: 2e-04\nIter(val) [3/5] acc: 0.5\n", runsheet.ProgressSpec{}, "steps_log 100/80000 step, guessed", 0},
		{"stages beside steps", "Step 1/3: loading\nStep 2/3: training\n" + loop(1, 5, f("step %d0/100 loss 0.5\n")), runsheet.ProgressSpec{}, "steps_log 50/100 step, guessed", 0},
		{"validation steps", "step 10/100 loss: 1\nvalidation step 7/8 loss: 1\nstep 20/100 loss: 1\n", runsheet.ProgressSpec{}, "steps_log 20/100 step, guessed", 0},
		{"steps of epochs", strings.Repeat(loop(1, 4, f("step %d/4 loss: 0.5\n")), 3), runsheet.ProgressSpec{}, "steps_log 3/? epoch, guessed", 4},
		{"epochs outweigh steps", loop(1, 3, f("Epoch %d/10\nstep 1/2 loss: 1\nstep 2/2 loss: 1\n")), runsheet.ProgressSpec{}, "epochs_log 2/10 epoch, guessed", 0},
		{"the total of the sheet decides", loop(1, 3, f("Epoch %d/10\nstep %[1]d00/1000 loss: 1\n")), runsheet.ProgressSpec{Total: 1000}, "steps_log 300/1000 step", 0},
		{"no steps", "steps: 100\nstep size 0.5\nfirst step 3 things\nglobal_step=10.ckpt\nStep by step 1/2/3\n", runsheet.ProgressSpec{}, "0/?", 0},

		{"a bar of loading beside lines", loop(0, 10, func(i int) string { return bar("Loading shards: ", i, 10) }) + "\n" + loop(1, 3, f("step %d: loss 0.5\n")), runsheet.ProgressSpec{}, "steps_log 3/? step, guessed", 10},
		{"a bar of loading alone", loop(0, 10, func(i int) string { return bar("Loading shards: ", i, 10) }), runsheet.ProgressSpec{Total: 10}, "tqdm 10/10 step, guessed", 0},
		{"a bar of something else", loop(0, 10, func(i int) string { return bar("", i, 10) }), runsheet.ProgressSpec{Total: 5}, "tqdm 10/5 step, guessed", 0},
		{"a download beside epochs", bar("model.safetensors: ", 5, 10) + "\n" + loop(1, 3, f("Epoch %d/10 loss: 0.5\n")), runsheet.ProgressSpec{}, "epochs_log 3/10 epoch, guessed", 5},
		{"bars of epochs", loop(1, 3, func(i int) string {
			return bar(fmt.Sprintf("Epoch %d/5: ", i), 5, 10) + bar(fmt.Sprintf("Epoch %d/5: ", i), 10, 10)
		}), runsheet.ProgressSpec{}, "tqdm 3/5 epoch, guessed", 0},
		{"bars that start over", loop(1, 3, func(int) string { return bar("", 5, 10) + bar("", 10, 10) }) + bar("", 2, 10), runsheet.ProgressSpec{}, "tqdm 3/? epoch, guessed", 10},
		{"an outer bar", bar("", 0, 4) + loop(1, 2, func(i int) string {
			return "\n" + bar("train ", 5, 9) + bar("train ", 9, 9) + "\n" + bar("val ", 3, 3) + "\n" + bar("", i, 4)
		}), runsheet.ProgressSpec{Epochs: true, Total: 4}, "tqdm 2/4 epoch, guessed", 9},
		{"what is drawn is no line", bar("Epoch 3/5: ", 5, 10) + "\nEpoch 3/5 ━━━━━━ 45% 0:00:12\n", runsheet.ProgressSpec{}, "tqdm 2/5 epoch, guessed", 0},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			dir := logged(t, c.log)
			if got := told(later(t, dir, c.spec, nil).Progress); got != c.want {
				t.Errorf("told  %s\nwant  %s\n%s", got, c.want, c.log)
			}
			checkCuts(t, dir, tcase{spec: c.spec, most: c.most})
		})
	}
}

// TestNewestLogThatIsSure holds that bars of a new attempt that only loads do not hide what the one before said.
func TestNewestLogThatIsSure(t *testing.T) {
	dir := logged(t, "Epoch 1/10 loss: 1\nEpoch 2/10 loss: 1\n")
	attempt := filepath.Join(dir, ".runsheet/attempts/000002")
	if err := os.MkdirAll(attempt, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(attempt, "run.log"), []byte("\rLoading: 100%|##| 7/7 [00:01<00:00, 1.20it/s]"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := told(later(t, dir, runsheet.ProgressSpec{}, nil).Progress), "epochs_log 2/10 epoch, guessed"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
}

// logged returns a work dir with the log of one attempt.
func logged(t testing.TB, log string) string {
	t.Helper()
	dir := t.TempDir()
	attempt := filepath.Join(dir, ".runsheet/attempts/000001")
	if err := os.MkdirAll(attempt, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(attempt, "run.log"), []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
