package evidence

import (
	"fmt"

	"runsheet"
)

// ofLines are the files that grow line by line.
func ofLines() []lines {
	plain := func(format string) func(int) string {
		return func(n int) string { return fmt.Sprintf(format, n) }
	}
	next := func(n int) int64 { return int64(n) + 1 }
	long := "step," + "a_column_with_a_name_that_is_so_long_that_it_fills_the_edge_of_the_file" + "\n"
	return []lines{
		{name: "csv", spec: runsheet.ProgressSpec{Tracker: "csv", File: "log.csv", Step: "step", Total: 100},
			file: "log.csv", head: "step,loss\n", row: plain("%d,0.5\n")},
		{name: "csv with a long head", spec: runsheet.ProgressSpec{Tracker: "csv", File: "log.csv", Step: "step"},
			file: "log.csv", head: long, row: plain("%d,0.5\n")},
		{name: "jsonl", spec: runsheet.ProgressSpec{Tracker: "jsonl", File: "log.jsonl", Step: "step", Total: 100},
			file: "log.jsonl", row: plain("{\"step\": %d, \"loss\": 0.5}\n"), cut: 10},
		{name: "regex", spec: runsheet.ProgressSpec{Tracker: "regex", File: "train.log", Patterns: []string{`(?P<completed>\d+)/100 loss (?P<loss>\S+)`}, Total: 100},
			file: "train.log", row: plain("%d/100 loss 0.5\n")},
		{name: "log", spec: runsheet.ProgressSpec{Tracker: "log", Log: "train.log", Total: 100, Epochs: true},
			file: "train.log", row: plain("Epoch %d/100 loss 0.5\n"), cut: 7},
		{name: "ultralytics", spec: runsheet.ProgressSpec{}, setup: []step{stands("runs/detect/train/args.yaml", "task: detect\nmode: train\nepochs: 100\ntime: null\n")},
			file: "runs/detect/train/results.csv", head: "epoch,time,train/box_loss,metrics/mAP50(B)\n", row: plain("%d,1.5,0.5,0.25\n")},
		{name: "yolov5", setup: []step{stands("runs/train/exp/opt.yaml", "weights: yolov5s.pt\nepochs: 100\nimgsz: 640\nnoplots: false\n"), stands("runs/train/exp/hyp.yaml", "lr0: 0.01\n")},
			file: "runs/train/exp/results.csv", head: "   epoch,  train/box_loss,  train/obj_loss,  metrics/precision\n", row: plain("   %d,  0.5,  0.5,  0.25\n"), count: next, cut: 4},
		{name: "lightning", spec: runsheet.ProgressSpec{Tracker: "lightning", Unit: "step"}, file: "lightning_logs/version_0/metrics.csv", head: "epoch,step,train_loss\n", row: plain("0,%d,0.5\n"), count: next, cut: 3},
		{name: "keras", file: "training.csv", spec: runsheet.ProgressSpec{Tracker: "keras_csv"}, head: "epoch,accuracy,loss\r\n", row: plain("%d,0.5,0.25\r\n"), count: next},
		{name: "timm", setup: []step{stands("args.yaml", "batch_size: 4\ncooldown_epochs: 0\nepochs: 100\nlr: 0.1\nmodel: toy\nresume: ''\nwarmup_epochs: 0\n")},
			file: "summary.csv", head: "epoch,train_loss,eval_loss\n", row: plain("%d,0.5,0.25\n"), count: next},
		{name: "sb3", file: "logs/progress.csv", head: "time/total_timesteps,time/fps,rollout/ep_rew_mean\n", row: plain("%d,40,2.5\n")},
		{name: "sb3 json", spec: runsheet.ProgressSpec{Tracker: "sb3"}, setup: []step{stands("logs/rl_model_5_steps.zip", "PK").reaching(5)}, file: "logs/progress.json", row: plain("{\"time/fps\": 40, \"time/total_timesteps\": %d}\n"), cut: 42},
		{name: "mmengine", file: "20260101_000000/vis_data/scalars.json",
			setup: []step{stands("20260101_000000/vis_data/config.py", "train_cfg = dict(max_epochs=100, type='EpochBasedTrainLoop', val_interval=1)\n")},
			spec:  runsheet.ProgressSpec{Unit: "iter"}, row: plain("{\"loss\": 0.5, \"epoch\": 1, \"iter\": %d, \"step\": 3}\n"), cut: 35},
		{name: "detectron2", file: "metrics.json", setup: []step{stands("config.yaml", "SOLVER:\n  MAX_ITER: 100\n")},
			row: plain("{\"data_time\": 0.008, \"iteration\": %d, \"lr\": 0.004, \"total_loss\": 0.5}\n"), count: next, cut: 34},
		{name: "mlflow", file: "mlruns/1/0123456789abcdef0123456789abcdef/metrics/loss",
			setup: []step{stands("mlruns/1/meta.yaml", "experiment_id: '1'\nname: x\n"), stands("mlruns/1/0123456789abcdef0123456789abcdef/meta.yaml", "run_id: 0123456789abcdef0123456789abcdef\nstart_time: 1700000000000\nstatus: 1\n")},
			row:   plain("1700000000000 0.5 %d\n"), cut: 19},
		{name: "reported", file: ".runsheet/attempts/000001/run.log", row: plain("runsheet: {\"completed\": %d, \"total\": 100}\n"), cut: 25},
		{name: "tqdm", file: ".runsheet/attempts/000001/run.log", row: plain("\r %d%%|#   | %[1]d/100 [00:10<00:50,  1.00it/s]"), cut: 14},
		{name: "keras's output", file: ".runsheet/attempts/000001/run.log", row: plain("Epoch %d/100\n10/10 - 1s - loss: 0.5\n"), cut: 7},
	}
}

// scripts returns all that training code is known to do to its evidence.
func scripts() []script {
	var out []script
	for _, l := range ofLines() {
		out = append(out, l.scripts()...)
	}
	for _, d := range ofDocuments() {
		out = append(out, d.scripts()...)
	}
	return append(out, ofOthers()...)
}
