package unattended

import (
	"fmt"

	"runsheet"
)

// logs are the trackers of the lines of a log.
func logs() []program {
	epochs := func(tracker string) runsheet.ProgressSpec {
		return runsheet.ProgressSpec{Tracker: tracker, Total: units, Epochs: true}
	}
	steps := func(tracker string) runsheet.ProgressSpec {
		return runsheet.ProgressSpec{Tracker: tracker, Total: 10 * units}
	}
	counted := func(tracker string) runsheet.ProgressSpec {
		return runsheet.ProgressSpec{Tracker: tracker, Total: units}
	}
	epochsLog := rows(ourLog, "training\n", func(n int64) string { return fmt.Sprintf("Epoch %d/%d, loss: 0.%d\n", n, units, n) })
	stepsLog := scaled(rows(ourLog, "training\n", func(n int64) string { return fmt.Sprintf("step %d/%d loss 0.%d\n", tens(n), 10*units, n) }))
	bar := scaled(rows(ourLog, "", func(n int64) string {
		return fmt.Sprintf("\rtrain: %3d%%|███       | %d/%d [00:%02d<00:08,  4.53it/s]", 100*n/units, tens(n), 10*units, n)
	}))
	out := []program{
		{name: "pylon_log", spec: epochs("pylon_log"), total: units, steps: rows(ourLog, "starting\n", func(n int64) string {
			return fmt.Sprintf("Training [Epoch %d/%d][Iteration 1/2]. learning_rate: [0.1], loss: 0.5\n", n-1, units)
		})},
		{name: "transformers_log", spec: steps("transformers_log"), total: 10 * units, steps: scaled(rows(ourLog, "", func(n int64) string {
			line := fmt.Sprintf("\r%3d%%|███       | %d/%d [00:%02d<00:08,  4.53it/s]{'loss': '3.0%d', 'epoch': '%d'}\n", 100*n/units, tens(n), 10*units, n, n, n)
			if n == units {
				line += "{'train_runtime': '1.112', 'train_loss': '3.03', 'epoch': '6'}\n"
			}
			return line
		}))},
		{name: "keras", spec: epochs("keras"), total: units, steps: rows(ourLog, "", func(n int64) string {
			return fmt.Sprintf("Epoch %d/%d\n10/10 ━━━━━━━━━━━━━━━━━━━━ 0s 1ms/step - accuracy: 0.5000 - loss: 1.%d000\n", n, units, n)
		})},
		{name: "lightgbm", spec: counted("lightgbm"), total: units, steps: rows(ourLog, "", func(n int64) string { return fmt.Sprintf("[%d]\tvalid_0's binary_logloss: 0.25%d\n", n, n) })},
		{name: "xgboost", spec: counted("xgboost"), total: units, steps: rows(ourLog, "", func(n int64) string { return fmt.Sprintf("[%d]\ttrain-logloss:0.23%d\n", n-1, n) })},
		{name: "catboost_log", spec: counted("catboost_log"), total: units, steps: rows(ourLog, "", func(n int64) string {
			left := fmt.Sprintf("%dms", units-n)
			if n == units {
				left = "0us"
			}
			return fmt.Sprintf("%d:\tlearn: 0.07%d\ttotal: %dms\tremaining: %s\n", n-1, n, n, left)
		})},
		{name: "sklearn", spec: counted("sklearn"), total: units, steps: rows(ourLog, "", func(n int64) string { return fmt.Sprintf("Iteration %d, loss = 0.5%d\n", n, n) })},
		{name: "megatron_log", spec: steps("megatron_log"), total: 10 * units, steps: scaled(rows(ourLog, "", func(n int64) string {
			return fmt.Sprintf(" iteration %8d/%8d | consumed samples: %8d | elapsed time per iteration (ms): 512.3 | lm loss: 1.%dE+01 |\n", tens(n), 10*units, 256*n, n)
		}))},
		{name: "fairseq_log", spec: epochs("fairseq_log"), total: units, steps: rows(ourLog, "2026-01-02 03:04:05 | INFO | fairseq_cli.train | {'optimization': {'max_epoch': 6, 'max_update': 0}}\n", func(n int64) string {
			return fmt.Sprintf("2026-01-02 03:05:%02d | INFO | train | epoch %03d | loss 9.%d | num_updates %d\n", n, n, n, 100*n)
		})},
		{name: "mmengine_log", spec: epochs("mmengine_log"), total: units, steps: rows(ourLog, "train_cfg = dict(max_epochs=6, type='EpochBasedTrainLoop')\n", func(n int64) string {
			return fmt.Sprintf("2026/01/02 03:04:05 - mmengine - INFO - Epoch(train)   [%d][10/10]  lr: 2.0e-04  loss: 1.5%d00\n2026/01/02 03:04:05 - mmengine - INFO - Saving checkpoint at %d epochs\n", n, n, n)
		})},
		{name: "sb3_log", spec: steps("sb3_log"), total: 10 * units, steps: scaled(rows(ourLog, "Using cpu device\n", func(n int64) string {
			return fmt.Sprintf("----------------------------\n| time/              |     |\n|    total_timesteps | %d  |\n----------------------------\n", tens(n))
		}))},
		{name: "epochs_log", spec: epochs("epochs_log"), total: units, steps: epochsLog},
		{name: "steps_log", spec: steps("steps_log"), total: 10 * units, steps: stepsLog},
		{name: "tqdm", spec: steps("tqdm"), total: 10 * units, steps: bar},
		{name: "log, lines with epochs", spec: epochs("log"), total: units, steps: epochsLog},
		{name: "log, lines with steps, by auto, total there", total: 10 * units, steps: stepsLog},
		{name: "log, a bar, by auto, total there", total: 10 * units, steps: bar},
	}
	for i := range out {
		out[i].free = true
	}
	return out
}
