package unattended

import (
	"fmt"
	"strings"

	"runsheet"
)

// frameworks are the trackers of what frameworks leave in files of their own.
func frameworks() []program {
	epochs := func(tracker string) runsheet.ProgressSpec {
		return runsheet.ProgressSpec{Tracker: tracker, Total: units, Epochs: true}
	}
	steps := func(tracker string) runsheet.ProgressSpec {
		return runsheet.ProgressSpec{Tracker: tracker, Total: 10 * units}
	}
	auto := runsheet.ProgressSpec{}
	return []program{
		{name: "transformers", spec: runsheet.ProgressSpec{Tracker: "transformers"}, total: 60, steps: trainer},
		{name: "transformers, by auto, total in the sheet", spec: runsheet.ProgressSpec{Total: 60}, total: 60, steps: trainer},
		{name: "llamafactory", spec: auto, total: 60, steps: llama},
		{name: "catboost", spec: auto, total: units, steps: catboost},
		{name: "ultralytics", spec: auto, total: 12, steps: yolo("runs/detect/train/args.yaml", "task: detect\nmode: train\nepochs: 12\ntime: null\nplots: true\n", 1)},
		{name: "ultralytics, total in the sheet", spec: runsheet.ProgressSpec{Tracker: "ultralytics", Total: 12, Epochs: true}, total: 12,
			steps: yolo("runs/detect/train/args.yaml", "task: detect\nmode: train\nepochs: 12\ntime: null\nplots: true\n", 1)},
		{name: "yolov5", spec: auto, total: 12, steps: yolo("runs/train/exp/opt.yaml", "weights: yolov5s.pt\nepochs: 12\nimgsz: 640\n", 0)},
		{name: "lightning", spec: epochs("lightning"), total: units, steps: lightning},
		{name: "lightning, by auto", spec: epochs(""), total: units, steps: lightning},
		{name: "torchtune", spec: auto, total: 3, steps: torchtune},
		{name: "mmengine", spec: auto, total: 3, steps: mmengine},
		{name: "mmcv", spec: auto, total: 3, steps: mmcv},
		{name: "detectron2", spec: auto, total: 10 * units, steps: detectron2},
		{name: "nerfstudio", spec: auto, total: 30, steps: nerfstudio},
		{name: "megatron", spec: steps("megatron"), total: 10 * units, steps: megatron},
		{name: "timm", spec: auto, total: units, steps: timm},
		{name: "sb3", spec: steps("sb3"), total: 10 * units, steps: sb3},
		{name: "sb3, by its checkpoints", spec: steps("sb3"), total: 10 * units, steps: sb3Saved},
		{name: "keras_csv", spec: epochs("keras_csv"), total: units, steps: rows("training.csv", "epoch,accuracy,loss\r\n",
			func(n int64) string { return fmt.Sprintf("%d,0.%d1,2.%d4\r\n", n-1, n, n) })},
		{name: "diffusers", spec: steps("diffusers"), total: 10 * units, steps: saved("checkpoint-%d/random_states_0.pkl", "")},
		{name: "deepspeed", spec: steps("deepspeed"), total: 10 * units, steps: saved("global_step%d/mp_rank_00_model_states.pt", "latest")},
	}
}

// trainer is a Trainer of transformers, which saves every 20 of 60 steps.
func trainer(_ int, from int64) (out []step) {
	state := func(n int64) string {
		var rows []string
		for at := int64(20); at <= n; at += 20 {
			rows = append(rows, fmt.Sprintf("    {\"epoch\": %d.0, \"loss\": 3.%d, \"step\": %d}", at/20, at, at))
		}
		return fmt.Sprintf("{\n  \"epoch\": %d.0,\n  \"global_step\": %d,\n  \"log_history\": [\n%s\n  ],\n  \"max_steps\": 60,\n  \"num_train_epochs\": 3,\n  \"stateful_callbacks\": {\"TrainerControl\": {\"args\": {\"should_save\": true}, \"attributes\": {}}}\n}\n",
			n/20, n, strings.Join(rows, ",\n"))
	}
	for n := from/20*20 + 20; n <= 60; n += 20 {
		dir := fmt.Sprintf("checkpoint-%d/", n)
		out = append(out,
			step{how: begins, path: dir + "model.safetensors", data: "weights", done: n - 20},
			step{how: begins, path: dir + "trainer_state.json", data: state(n), done: n, doc: true})
	}
	return append(out, step{how: begins, path: "train_results.json", data: "{\n    \"epoch\": 3.0,\n    \"train_loss\": 3.03,\n    \"train_runtime\": 1.112\n}", done: 60})
}

// llama is LLaMA-Factory.
func llama(attempt int, from int64) (out []step) {
	for n := from/10*10 + 10; n <= 60; n += 10 {
		out = append(out, step{path: "trainer_log.jsonl", data: fmt.Sprintf("{\"current_steps\": %d, \"total_steps\": 60, \"loss\": 1.%d, \"epoch\": %d.%d, \"percentage\": %d.0}\n", n, n, n/20, n%20*5/10, n*100/60), done: n})
		if n%20 == 0 {
			for _, s := range trainer(attempt, n-20)[:2] {
				s.done = n
				out = append(out, s)
			}
		}
	}
	return out
}

// catboost writes its document anew at the end with each iteration: the last three bytes are written over.
func catboost(_ int, from int64) (out []step) {
	row := func(n int64) string {
		return fmt.Sprintf("{\"learn\":[64.%d],\"iteration\":%d,\"passed_time\":0.0%d,\"remaining_time\":0.%d}", n, n, n+1, n)
	}
	text := fmt.Sprintf("{\n\"meta\":{\"test_sets\":[],\"test_metrics\":[],\"learn_metrics\":[{\"best_value\":\"Min\",\"name\":\"RMSE\"}],\"iteration_count\":%d,\"learn_sets\":[\"learn\"]},\n\"iterations\":[\n", units)
	times := "iter\tPassed\tRemaining\n"
	var done []string
	for n := range from { // it goes on from a snapshot: the iterations before are written again
		done = append(done, row(n))
		times += fmt.Sprintf("%d\t%d\t%d\n", n, n+52, units-n)
	}
	begun := len(done) > 0
	if begun {
		text += strings.Join(done, ",\n") + "\n]}"
	}
	out = append(out, step{how: begins, path: "catboost_info/catboost_training.json", data: text, done: from},
		step{how: begins, path: "catboost_info/time_left.tsv", data: times, done: from})
	for n := from; n < units; n++ {
		s := step{path: "catboost_info/catboost_training.json", data: row(n) + "\n]}", done: n + 1}
		if begun {
			s.data, s.back = ",\n"+s.data, 3
		}
		begun = true
		out = append(out, s, step{path: "catboost_info/time_left.tsv", data: fmt.Sprintf("%d\t%d\t%d\n", n, n+52, units-n-1), done: n + 1})
	}
	return out
}

// yolo are the trainings of Ultralytics and YOLOv5.
func yolo(settings, text string, first int64) func(int, int64) []step {
	dir := settings[:strings.LastIndex(settings, "/")+1]
	return func(_ int, from int64) (out []step) {
		if settings == "runs/train/exp/opt.yaml" {
			out = append(out, step{how: begins, path: dir + "hyp.yaml", data: "lr0: 0.01\n", done: from})
		}
		out = append(out, step{how: begins, path: settings, data: text, done: from})
		if from == 0 {
			out = append(out, step{how: begins, path: dir + "results.csv", data: "epoch,train/box_loss,metrics/precision(B)\n"})
		}
		for n := from; n < 12; n++ {
			out = append(out, step{path: dir + "results.csv", data: fmt.Sprintf("%d,1.%d,0.%d\n", n+first, n, n), done: n + 1})
		}
		return append(out, step{how: begins, path: dir + "results.png", data: "\x89PNG...", done: 12})
	}
}

// lightning makes a new version with each attempt.
func lightning(attempt int, from int64) (out []step) {
	dir := fmt.Sprintf("lightning_logs/version_%d/", attempt-1)
	out = append(out, step{how: begins, path: dir + "hparams.yaml", data: "{}\n", done: from},
		step{how: begins, path: dir + "metrics.csv", data: "epoch,step,train_loss\n", done: from})
	for n := from; n < units; n++ {
		out = append(out, step{path: dir + "metrics.csv", data: fmt.Sprintf("%d,%d,2.%d\n", n, 10*n+9, n), done: n + 1},
			step{how: begins, path: dir + fmt.Sprintf("checkpoints/epoch=%d-step=%d.ckpt", n, 10*n+10), data: "PK ckpt", done: n + 1})
	}
	return append(out, step{path: ourLog, data: fmt.Sprintf("`Trainer.fit` stopped: `max_epochs=%d` reached.\n", units), done: units})
}

func torchtune(attempt int, from int64) (out []step) {
	out = append(out, step{how: begins, path: "torchtune_config.yaml", data: "epochs: 3\ncheckpointer:\n  _component_: torchtune.training.FullModelHFCheckpointer\nseed: 1\n", done: from})
	for n := from; n < 3; n++ {
		dir := fmt.Sprintf("epoch_%d/", n)
		out = append(out,
			step{path: fmt.Sprintf("logs/log_170000%d000.txt", attempt), data: fmt.Sprintf("Step %d | loss:1.%d lr:2e-05 \n", 10*n+10, n), done: n},
			step{how: begins, path: dir + "model-00001-of-00001.safetensors", data: "weights", done: n},
			step{how: begins, path: dir + "config.json", data: "{\"model\": \"toy\"}", done: n + 1})
		if n < 2 {
			out = append(out, step{how: begins, path: "recipe_state/recipe_state.pt", data: "PK state", done: n + 1})
		}
	}
	return out
}

func mmengine(attempt int, from int64) (out []step) {
	at := fmt.Sprintf("2026010%d_000000", attempt)
	dir := "work_dirs/toy/" + at + "/"
	out = append(out, step{how: begins, path: dir + "vis_data/config.py", data: "resume = False\ntrain_cfg = dict(max_epochs=3, type='EpochBasedTrainLoop', val_interval=1)\nval_cfg = dict()\n", done: from})
	for n := from + 1; n <= 3; n++ {
		out = append(out,
			step{path: dir + "vis_data/scalars.json", data: fmt.Sprintf("{\"lr\": 0.01, \"loss\": 4.%d, \"epoch\": %d, \"iter\": %d, \"step\": %d}\n", n, n, 10*n, 10*n), done: n - 1},
			step{how: begins, path: fmt.Sprintf("work_dirs/toy/epoch_%d.pth", n), data: "PK", done: n - 1},
			step{how: begins, path: "work_dirs/toy/last_checkpoint", data: fmt.Sprintf("/home/user/x/work_dirs/toy/epoch_%d.pth", n), done: n, redo: 1},
			step{path: dir + "vis_data/scalars.json", data: fmt.Sprintf("{\"toy/mse\": 2.%d, \"step\": %d}\n", n, n), done: n})
	}
	return out
}

func mmcv(attempt int, from int64) (out []step) {
	at := fmt.Sprintf("2026010%d_000000", attempt)
	out = append(out,
		step{how: begins, path: "toy.py", data: "total_epochs = 3\n", done: from},
		step{how: begins, path: at + ".log", data: "2026-01-01 00:00:00,123 - mmdet - INFO - workflow: [('train', 1)], max: 3 epochs\n", done: from},
		step{how: begins, path: at + ".log.json", data: "{\"env_info\": \"sys.platform: linux\", \"seed\": null, \"exp_name\": \"toy.py\"}\n", done: from})
	for n := from + 1; n <= 3; n++ {
		out = append(out,
			step{path: at + ".log.json", data: fmt.Sprintf("{\"mode\": \"train\", \"epoch\": %d, \"iter\": 100, \"lr\": 0.02, \"loss\": 1.%d}\n", n, n), done: n - 1},
			step{how: begins, path: fmt.Sprintf("epoch_%d.pth", n), data: "PK", done: n},
			step{path: at + ".log.json", data: fmt.Sprintf("{\"mode\": \"val\", \"epoch\": %d, \"iter\": 50, \"bbox_mAP\": 0.%d}\n", n, n), done: n})
	}
	return out
}

func detectron2(_ int, from int64) (out []step) {
	out = append(out, step{how: begins, path: "output/config.yaml", data: fmt.Sprintf("OUTPUT_DIR: ./output\nSOLVER:\n  BASE_LR: 0.02\n  MAX_ITER: %d\nVERSION: 2\n", 10*units), done: from})
	for n := from/10*10 + 10; n <= 10*units; n += 10 {
		out = append(out, step{path: "output/metrics.json", data: fmt.Sprintf("{\"data_time\": 0.008, \"iteration\": %d, \"lr\": 0.004, \"total_loss\": 2.%d}\n", n-1, n), done: n})
		if n%20 == 0 && n < 10*units {
			out = append(out, step{how: begins, path: fmt.Sprintf("output/model_%07d.pth", n-1), data: "PK", done: n},
				step{how: begins, path: "output/last_checkpoint", data: fmt.Sprintf("model_%07d.pth", n-1), done: n})
		}
	}
	return append(out, step{how: begins, path: "output/model_final.pth", data: "PK", done: 10 * units},
		step{how: begins, path: "output/last_checkpoint", data: "model_final.pth", done: 10 * units})
}

func nerfstudio(_ int, from int64) (out []step) {
	out = append(out, step{how: begins, path: "config.yml", data: "!!python/object:nerfstudio.engine.trainer.TrainerConfig\nload_dir: null\nmax_num_iterations: 30\nsteps_per_save: 10\n", done: from})
	for n := from/10*10 + 10; n <= 30; n += 10 {
		out = append(out, step{how: begins, path: fmt.Sprintf("nerfstudio_models/step-%09d.ckpt", n-1), data: "PK\x03\x04weights of the model PK\x05\x06" + strings.Repeat("\x00", 18), done: n})
	}
	return out
}

func megatron(_ int, from int64) (out []step) {
	for n := from/10*10 + 10; n <= 10*units; n += 10 {
		out = append(out,
			step{path: ourLog, data: fmt.Sprintf(" iteration %8d/%8d | consumed samples: %12d | lm loss: 1.%dE+01 |\n", n, 10*units, 256*n, n), done: n, redo: 10},
			step{how: begins, path: fmt.Sprintf("iter_%07d/model_optim_rng.pt", n), data: "PK", done: n, redo: 10},
			step{how: begins, path: "latest_checkpointed_iteration.txt", data: fmt.Sprint(n), done: n})
	}
	return out
}

func timm(_ int, from int64) (out []step) {
	out = append(out, step{how: begins, path: "args.yaml", data: fmt.Sprintf("batch_size: 4\ncooldown_epochs: 1\nepochs: %d\nlr: 0.1\nmodel: toy\nresume: ''\nwarmup_epochs: 0\n", units-1), done: from})
	head := step{path: "summary.csv", data: "epoch,train_loss,eval_loss\n", done: from} // also where it goes on
	if from == 0 {
		head.how = begins
	}
	out = append(out, head)
	for n := from; n < units; n++ {
		out = append(out, step{path: "summary.csv", data: fmt.Sprintf("%d,2.%d,1.%d\n", n, n, n), done: n + 1})
	}
	return out
}

func sb3(_ int, from int64) (out []step) {
	out = append(out, step{how: begins, path: "logs/progress.csv", data: "time/total_timesteps,rollout/ep_rew_mean\n", done: from})
	for n := from/10*10 + 10; n <= 10*units; n += 10 {
		out = append(out, step{path: "logs/progress.csv", data: fmt.Sprintf("%d,1%d.5\n", n, n), done: n})
	}
	return out
}

func sb3Saved(_ int, from int64) (out []step) {
	for n := from/10*10 + 10; n <= 10*units; n += 10 {
		out = append(out, step{path: "logs/progress.json", data: fmt.Sprintf("{\"rollout/ep_rew_mean\": 1%d.5, \"time/total_timesteps\": %d}\n", n, n), done: n},
			step{how: begins, path: fmt.Sprintf("logs/rl_model_%d_steps.zip", n), data: "PK model", done: n})
	}
	return out
}

// saved is a program that makes a directory for each checkpoint, and perhaps names the last one in a file.
func saved(file, pointer string) func(int, int64) []step {
	return func(_ int, from int64) (out []step) {
		for n := from/10*10 + 10; n <= 10*units; n += 10 {
			at := fmt.Sprintf(file, n)
			dir := at[:strings.Index(at, "/")]
			redo := int64(0)
			if pointer != "" {
				redo = 10
			}
			out = append(out, step{how: begins, path: dir + "/model.bin", data: "weights", done: n, redo: 10},
				step{how: begins, path: at, data: "PK state", done: n, redo: redo})
			if pointer != "" {
				out = append(out, step{how: begins, path: pointer, data: dir, done: n})
			}
		}
		return out
	}
}
