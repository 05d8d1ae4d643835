package evidence

import (
	"fmt"

	"runsheet"
)

// ofOthers are the scripts that are like no others.
func ofOthers() []script {
	var out []script
	for _, list := range [][]script{ofEpochs(), ofCheckpoints(), ofEvents(), ofCatBoost()} {
		for _, s := range list {
			out = append(out, s.counted())
		}
	}
	return out
}

func scores(accuracy int) string {
	return fmt.Sprintf("{\"aggregated\": {\"accuracy\": 0.%d}, \"per_datapoint\": {\"accuracy\": [1, NaN]}}", accuracy)
}

// epoch returns the steps in which training code writes an epoch.
func epochSteps(n, accuracy int) []step {
	dir := fmt.Sprintf("epoch_%d", n)
	text := scores(accuracy)
	return []step{
		makes(dir), adds("write the losses", dir+"/training_losses.pt", "PK"), adds("write the optimizer's", dir+"/optimizer_buffer.json", "[]"),
		opens(dir + "/validation_scores.json"), adds("write the beginning of the scores", dir+"/validation_scores.json", text[:20]).reaching(int64(n) + 1),
		adds("write the rest of the scores", dir+"/validation_scores.json", text[20:]).reaching(int64(n) + 1),
	}
}

func epochStands(n, accuracy int) []step {
	dir := fmt.Sprintf("epoch_%d", n)
	return []step{stands(dir+"/training_losses.pt", "PK"), stands(dir+"/optimizer_buffer.json", "[]"), stands(dir+"/validation_scores.json", scores(accuracy)).reaching(int64(n) + 1)}
}

func joined(lists ...[]step) (out []step) {
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

// ofEpochs is training in the original layout.
func ofEpochs() []script {
	spec := runsheet.ProgressSpec{Total: 10}
	early := spec
	early.EarlyStopping = &runsheet.EarlyStopping{Patience: 2, Metrics: []runsheet.MetricSpec{{Name: "accuracy", Mode: runsheet.Max}}}
	document := func(n int) string {
		return fmt.Sprintf("{\"completed_epochs\": %d, \"progress_percentage\": %d.0, \"early_stopped\": false}", n, 10*n)
	}
	last := "epoch_1/validation_scores.json"
	return []script{
		{name: "epochs, written one after the other", spec: spec, setup: epochStands(0, 10), steps: joined(epochSteps(1, 20), epochSteps(2, 30))},
		{name: "epochs, early stopping", spec: early, setup: joined(epochStands(0, 50), epochStands(1, 20)), steps: joined(epochSteps(2, 30), []step{
			pokes("better in place", "epoch_2/validation_scores.json", scores(60), 0)})},
		{name: "epochs, the last scores rewritten", spec: spec, setup: joined(epochStands(0, 10), epochStands(1, 20)), steps: []step{
			pokes("rewrite in place", last, scores(21), 0), opens(last), adds("write", last, scores(22)), replaces("rename over", last, scores(23))}},
		{name: "epochs, scores torn by a kill", spec: spec, setup: joined(epochStands(0, 10)), steps: joined(epochSteps(1, 20)[:5], []step{ends(killed)},
			[]step{removes("epoch_1")}, epochSteps(1, 21))},
		{name: "epochs, begun anew", spec: spec, setup: joined(epochStands(0, 10), epochStands(1, 20)), steps: joined(
			[]step{removes("epoch_1"), removes("epoch_0")}, epochSteps(0, 30))},
		{name: "epochs and the trainer's document", setup: joined(epochStands(0, 10), []step{stands("progress.json", document(1))}), steps: joined(epochSteps(1, 20), []step{
			opens("progress.json"), adds("write the document", "progress.json", document(2)), makes("epoch_2"), removes("epoch_0")})},
		{name: "epochs, the document is ahead", setup: joined(epochStands(0, 10), []step{stands("progress.json", document(1))}), steps: joined([]step{
			replaces("rename the document over", "progress.json", document(2)).reaching(2)}, epochSteps(1, 20))},
		{name: "files", spec: runsheet.ProgressSpec{Tracker: "files", Files: []string{"out/*.png"}, Total: 10}, setup: []step{stands("out/1.png", "x").reaching(1)}, steps: []step{
			opens("out/2.png"), adds("fill 2", "out/2.png", "x").reaching(2), replaces("rename 3", "out/3.png", "x").reaching(3), removes("out/1.png"), opens("out/4.png"), adds("fill 4", "out/4.png", "x").reaching(4)}},
	}
}

// ofCheckpoints are trainings that are told by their checkpoints.
func ofCheckpoints() []script {
	state := func(n int) string {
		return fmt.Sprintf("{\"epoch\": 0.%d, \"global_step\": %d, \"log_history\": [{\"loss\": 0.%d, \"step\": %d}], \"max_steps\": 90}", n, n, n, n)
	}
	save := func(n int) []step {
		dir := fmt.Sprintf("checkpoint-%d", n)
		return []step{makes(dir), adds("write the model", dir+"/model.safetensors", "weights"), adds("write the beginning of the state", dir+"/trainer_state.json", state(n)[:50]).reaching(int64(n)),
			adds("write the rest of the state", dir+"/trainer_state.json", state(n)[50:]).reaching(int64(n))}
	}
	saved := func(n int) step {
		return stands(fmt.Sprintf("checkpoint-%d/trainer_state.json", n), state(n)).reaching(int64(n))
	}
	log := ".runsheet/attempts/000001/run.log"
	accelerate := func(n int) []step {
		dir := fmt.Sprintf("checkpoint-%d", n)
		return []step{makes(dir), adds("write the model", dir+"/model.safetensors", "weights"), adds("write the random states", dir+"/random_states_0.pkl", "states").reaching(int64(n))}
	}
	tune := func(n int) []step {
		dir := fmt.Sprintf("epoch_%d", n)
		return []step{makes(dir), adds("write the weights", dir+"/model.safetensors", "weights"), adds("write the configuration", dir+"/config.json", "{}").reaching(int64(n) + 1)}
	}
	return []script{
		{name: "transformers, checkpoints", setup: []step{saved(10)}, steps: joined(save(20), []step{removes("checkpoint-10")}, save(30))},
		{name: "transformers, a state torn by a kill", setup: []step{saved(10)}, steps: joined(save(20)[:3], []step{ends(killed), removes("checkpoint-20")}, save(20))},
		{name: "transformers, begun anew above old files", setup: []step{saved(20), saved(30)}, steps: joined([]step{removes("checkpoint-30"), removes("checkpoint-20")}, save(10))},
		{name: "transformers, with its bar", setup: []step{saved(10), stands(log, "\r 12%|#   | 11/90 [00:01<00:09, 9.0it/s]").reaching(11)}, steps: []step{
			adds("draw the bar", log, "\r 13%|#   | 12/90 [00:01<00:09, 9.0it/s]").reaching(12), adds("draw half of the bar", log, "\r 14%|#   | 1"), adds("draw the rest of the bar", log, "3/90 [00:01<00:09, 9.0it/s]").reaching(13),
			makes("checkpoint-20"), adds("write the state", "checkpoint-20/trainer_state.json", state(20)).reaching(20), adds("draw a later bar", log, "\r 23%|#   | 21/90 [00:01<00:09, 9.0it/s]").reaching(21)}},
		{name: "diffusers", setup: []step{stands("checkpoint-10/random_states_0.pkl", "states").reaching(10)}, steps: joined(accelerate(20), []step{removes("checkpoint-10")}, accelerate(30))},
		{name: "torchtune", setup: []step{stands("torchtune_config.yaml", "epochs: 9\ncheckpointer:\n  _component_: torchtune.training.FullModelHFCheckpointer\n"), stands("epoch_0/model.pt", "weights"), stands("epoch_0/config.json", "{}").reaching(1)},
			steps: joined(tune(1), tune(2))},
	}
}

// ofEvents are the files of TensorBoard and Weights & Biases: records that are appended.
func ofEvents() []script {
	rows := func(row func(int) string, from, to int) (out string) {
		for n := from; n <= to; n++ {
			out += row(n)
		}
		return out
	}
	var out []script
	for _, kind := range []struct {
		name, file, next, head string
		row                    func(int) string
	}{
		{"tensorboard", "runs/a/events.out.tfevents.1700000000.host.1.0", "runs/a/events.out.tfevents.1700000900.host.2.0", string(eventRecord([]byte("\x1a\x0dbrain.Event:2"))), scalarEvent},
		{"wandb", "wandb/run-20231114_221320-abc123/run-abc123.wandb", "wandb/run-20231114_231320-def456/run-def456.wandb", wandbHead, wandbRow},
	} {
		add := func(file string, from, to int) step {
			return adds(fmt.Sprintf("append %d to %d", from, to), file, rows(kind.row, from, to)).reaching(int64(to) + 1)
		}
		row := kind.row(14)
		begun := stands(kind.file, kind.head+rows(kind.row, 10, 12)).reaching(13)
		again := kind.head + rows(kind.row, 30, 32)
		out = append(out,
			script{name: kind.name + ", appended", setup: []step{begun}, steps: []step{
				add(kind.file, 13, 13), adds("append half of 14", kind.file, row[:len(row)/2]), adds("append the rest of 14", kind.file, row[len(row)/2:]).reaching(15), add(kind.file, 15, 16)}},
			script{name: kind.name + ", cut and gone on in another file", setup: []step{begun}, steps: []step{
				add(kind.file, 13, 13), adds("append half of 14", kind.file, row[:len(row)/2]), ends(killed),
				makes(dirOf(kind.next)), adds("the head", kind.next, kind.head), add(kind.next, 12, 12), add(kind.next, 13, 15)}},
			script{name: kind.name + ", cut and gone on in the same file", setup: []step{begun}, steps: []step{
				add(kind.file, 13, 13), adds("append half of 14", kind.file, row[:len(row)/2]), ends(killed), add(kind.file, 12, 12), add(kind.file, 13, 15)}},
			script{name: kind.name + ", rewritten in place", setup: []step{begun}, steps: []step{
				pokes("rewrite in place", kind.file, again, 0).reaching(33), opens(kind.file), adds("write the beginning", kind.file, again[:len(again)-9]).reaching(33), adds("write the rest", kind.file, again[len(again)-9:])}},
			script{name: kind.name + ", with a hole", setup: []step{begun}, steps: []step{grows(kind.file, 40), ends(killed), add(kind.file, 13, 14)}},
		)
	}
	return out
}

func dirOf(path string) string { return path[:len(path)-len(base(path))-1] }

// ofCatBoost is a document whose last bytes are written over by the next iteration.
func ofCatBoost() []script {
	const json, times, end = "catboost_info/catboost_training.json", "catboost_info/time_left.tsv", "\n]}"
	const head = "{\n\"meta\":{\"test_metrics\":[],\"learn_metrics\":[{\"name\":\"RMSE\"}],\"iteration_count\":90},\n\"iterations\":[\n"
	row := func(n int) string {
		return fmt.Sprintf("{\"learn\":[0.5],\"iteration\":%d,\"passed_time\":0.%d}", n, n)
	}
	whole := head + row(10) + ",\n" + row(11) + end
	size := int64(len(whole))
	one := ",\n" + row(12) + end
	two := ",\n" + row(13) + end
	left := func(n int) string { return fmt.Sprintf("%d\t52\t574\n", n) }
	setup := []step{stands(json, whole).reaching(12), stands(times, "iter\tPassed\tRemaining\n"+left(10)+left(11)).reaching(12)}
	return []script{
		{name: "catboost, appended", setup: setup, steps: []step{
			pokes("append 12", json, one, size-3).reaching(13), adds("time 12", times, left(12)).reaching(13),
			pokes("append the beginning of 13", json, two[:20], size-3+int64(len(one))-3).reaching(14),
			pokes("append the rest of 13", json, two[20:], size-3+int64(len(one))-3+20).reaching(14), adds("time 13", times, left(13)).reaching(14)}},
		{name: "catboost, cut and written anew", setup: setup, steps: []step{
			adds("time 12, cut", times, "1"), pokes("append the beginning of 12", json, one[:20], size-3), ends(killed),
			opens(json), opens(times), adds("write the head", json, head), adds("write 10", json, row(10)+end), adds("times", times, "iter\tPassed\tRemaining\n"+left(10))}},
	}
}
