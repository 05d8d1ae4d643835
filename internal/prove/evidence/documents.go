package evidence

import (
	"fmt"
	"strings"

	"runsheet"
)

// document is a file that is written whole, again and again.
type document struct {
	name  string
	spec  runsheet.ProgressSpec
	setup []step
	file  string
	text  func(n int) string // of the n-th time; as long for any n from 10 to 99
	count func(n int) int64  // how much is done then; nil: n
}

func (d document) script(way string, steps ...step) script {
	setup := append(append([]step{}, d.setup...), stands(d.file, d.text(12)).reaching(d.reached(12)))
	return script{name: d.name + ", " + way, spec: d.spec, setup: setup, steps: steps}.counted()
}

func (d document) reached(n int) int64 {
	if d.count != nil {
		return d.count(n)
	}
	return int64(n)
}

// scripts returns the ways in which such a file is written.
func (d document) scripts() []script {
	f := d.file
	whole := func(n int) step { return adds(fmt.Sprintf("write %d", n), f, d.text(n)).reaching(d.reached(n)) }
	beginning := func(n int) step {
		return adds(fmt.Sprintf("write the beginning of %d", n), f, d.text(n)[:len(d.text(n))*2/3]).reaching(d.reached(n))
	}
	rest := func(n int) step {
		return adds(fmt.Sprintf("write the rest of %d", n), f, d.text(n)[len(d.text(n))*2/3:]).reaching(d.reached(n))
	}
	middle := len(d.text(14)) / 2
	return []script{
		d.script("open('w')", opens(f), whole(13), opens(f), beginning(14), rest(14), opens(f), whole(15)),
		d.script("rewritten in place",
			pokes("rewrite in place", f, d.text(13), 0).reaching(d.reached(13)),
			pokes("rewrite the beginning in place", f, d.text(14)[:middle], 0).reaching(d.reached(14)),
			pokes("rewrite the rest in place", f, d.text(14)[middle:], int64(middle)).reaching(d.reached(14)),
			pokes("rewrite in place again", f, d.text(15), 0).reaching(d.reached(15))),
		d.script("renamed over",
			replaces("rename 13 over it", f, d.text(13)).reaching(d.reached(13)), replaces("rename 14 over it", f, d.text(14)).reaching(d.reached(14)),
			removes(f), replaces("rename 15 to it", f, d.text(15)).reaching(d.reached(15))),
		d.script("cut by a kill", opens(f), beginning(13), ends(killed), opens(f), whole(13), replaces("rename 14 over it", f, d.text(14)).reaching(d.reached(14))),
		d.script("emptied by a kill", opens(f), ends(killed), grows(f, 20), ends(killed), opens(f), whole(13)),
	}
}

// ofDocuments are the files that are written whole.
func ofDocuments() []document {
	doc := func(format string) func(int) string {
		return func(n int) string { return strings.ReplaceAll(format, "%d", fmt.Sprint(n)) }
	}
	always := func(count int64) func(int) int64 { return func(int) int64 { return count } }
	var pointers []step
	for n := 12; n <= 15; n++ {
		pointers = append(pointers, stands(fmt.Sprintf("global_step%d/model.pt", n), "weights"), stands(fmt.Sprintf("iter_00000%d/model.pt", n), "weights"))
	}
	return []document{
		{name: "json", spec: runsheet.ProgressSpec{Tracker: "json", File: "state.json", Step: "step", TotalFrom: "total"}, file: "state.json",
			text: doc("{\"step\": %d, \"loss\": 0.5, \"total\": 100, \"again\": %d, \"padding\": [1, 2, 3]}\n")},
		{name: "RUNSHEET_PROGRESS", file: ".runsheet/attempts/000001/reported.json", text: doc("{\"completed\": %d, \"total\": 100, \"metrics\": {\"loss\": 0.%d}}\n")},
		{name: "progress.json", file: "progress.json", text: doc("{\n    \"completed_epochs\": %d,\n    \"early_stopped\": false,\n    \"runner_type\": \"trainer\",\n    \"total_epochs\": 100\n}")},
		{name: "evaluation", file: "evaluation_scores.json", text: doc("{\"aggregated\": {\"accuracy\": 0.%d, \"again\": 0.%d}, \"per_datapoint\": {\"accuracy\": [1, NaN]}}"), count: always(1)},
		{name: "trainer_state.json", file: "trainer_state.json",
			text: doc("{\"epoch\": 0.%d, \"global_step\": %d, \"log_history\": [{\"loss\": 0.%d, \"step\": %d}], \"max_steps\": 100, \"num_train_epochs\": 3}")},
		{name: "state of a checkpoint", file: "checkpoint-12/trainer_state.json",
			text: doc("{\"epoch\": 0.%d, \"global_step\": %d, \"log_history\": [{\"loss\": 0.%d, \"step\": %d}], \"max_steps\": 100, \"num_train_epochs\": 3}")},
		{name: "ultralytics' settings", file: "runs/detect/train/args.yaml", text: doc("task: detect\nmode: train\nmodel: yolov8n.pt\nepochs: %d\ntime: null\npatience: %d\n"), count: always(4),
			setup: []step{stands("runs/detect/train/results.csv", "epoch,time,train/box_loss\n3,1.5,0.5\n").reaching(3)}},
		{name: "timm's settings", file: "args.yaml", text: doc("batch_size: 4\ncooldown_epochs: 0\nepochs: %d\nlr: 0.1\nmodel: toy\nresume: ''\nwarmup_epochs: 0\n"), count: always(4),
			setup: []step{stands("summary.csv", "epoch,train_loss,eval_loss\n3,0.5,0.25\n").reaching(4)}},
		{name: "mmengine's settings", file: "20260101_000000/vis_data/config.py", text: doc("model = dict(type='Toy', x=%d)\ntrain_cfg = dict(max_epochs=%d, type='EpochBasedTrainLoop', val_interval=1)\n"), count: always(3),
			setup: []step{stands("20260101_000000/vis_data/scalars.json", "{\"loss\": 0.5, \"epoch\": 3, \"iter\": 30, \"step\": 3}\n")}},
		{name: "detectron2's settings", file: "config.yaml", text: doc("MODEL:\n  X: %d\nSOLVER:\n  MAX_ITER: %d\n  Y: %d\n"), count: always(4),
			setup: []step{stands("metrics.json", "{\"data_time\": 0.008, \"iteration\": 3, \"lr\": 0.004, \"total_loss\": 0.5}\n")}},
		{name: "deepspeed", file: "latest", text: doc("global_step%d"), count: always(15), setup: pointers},
		{name: "megatron", file: "latest_checkpointed_iteration.txt", text: doc("%d"), count: always(15), setup: pointers},
		{name: "mlflow's meta.yaml", file: "mlruns/1/0123456789abcdef0123456789abcdef/meta.yaml",
			text: doc("end_time: %d\nrun_id: 0123456789abcdef0123456789abcdef\nstart_time: 1700000000000\nstatus: 1\n"), count: always(4),
			setup: []step{stands("mlruns/1/meta.yaml", "experiment_id: '1'\nname: x\n"), stands("mlruns/1/0123456789abcdef0123456789abcdef/metrics/loss", "1700000000000 0.5 3\n")}},
		{name: "torchtune's settings", file: "torchtune_config.yaml", text: doc("output_dir: /x\nepochs: %d\nmax_steps_per_epoch: %d\n"), count: always(4),
			setup: []step{stands("logs/log_1700000000.txt", "Step 3 | loss:1.8 lr:2e-05 \n"), stands("epoch_0/model.pt", "weights"), stands("epoch_0/config.json", "{}")}},
		{name: "the original configuration", file: "config.json", text: doc("{'name': 'x', 'epochs': %d, 'seed': %d}"), count: always(1),
			setup: []step{stands("epoch_0/training_losses.pt", "PK"), stands("epoch_0/optimizer_buffer.json", "[]"), stands("epoch_0/validation_scores.json", "{\"aggregated\": {\"accuracy\": 0.5}}")}},
	}
}
