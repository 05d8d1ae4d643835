package tracker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/tracker"
)

func TestTransformers(t *testing.T) {
	const real = "real/transformers/"
	last := []string{"loss", "eval_loss"}
	checkCases(t, []tcase{
		{dir: real + "saving/out", want: "0/?"}, // killed between the optimizer and the state
		{dir: real + "middle/out", metrics: []string{"*"}, want: "transformers 20/60 step, eval_loss=3.0384, eval_runtime=0.0476, " +
			"eval_samples_per_second=168.04, eval_steps_per_second=21.005, grad_norm=0.77363, learning_rate=0.00068333, loss=3.0322"},
		{dir: real + "plain/out", metrics: last, want: "transformers 60/60 step, finished, loss=3.0173, eval_loss=3.0405"},
		{dir: real + "early/out", metrics: last, want: "transformers 30/60 step, early at 30, loss=3.0351, eval_loss=3.0298"},
	})
	checkTold(t, []tcase{
		{dir: real + "nan/out", metrics: append(last, "grad_norm"), want: "transformers 60/60 step, finished, loss=NaN, eval_loss=NaN, grad_norm=NaN"},
		{dir: real + "middle/out", spec: runsheet.ProgressSpec{Tracker: "transformers", Epochs: true, Total: 3}, want: "transformers 1/3 epoch"},
		{dir: real + "resumed-middle/out", want: "transformers 20/60 step"},
		{dir: real + "resumed/out", metrics: last, want: "transformers 60/60 step, finished, loss=3.0173, eval_loss=3.0405"},
		{dir: real + "end/out", metrics: []string{"train_loss"}, want: "transformers 60/60 step, finished, train_loss=3.0255"},
		{dir: real + "end/out", spec: runsheet.ProgressSpec{Total: 90}, want: "transformers 60/90 step"},
		{dir: real + "end/out", spec: runsheet.ProgressSpec{Epochs: true, Total: 3}, want: "transformers 3/3 epoch, finished"},
		{dir: real + "end/out", spec: runsheet.ProgressSpec{Epochs: true, Total: 4}, want: "transformers 3/4 epoch"},
		{dir: real + "epochs/out", spec: runsheet.ProgressSpec{Epochs: true, Total: 3}, want: "transformers 2/3 epoch, finished"}, // 2.5 were asked for
		{dir: real + "maxsteps/out", metrics: last, want: "transformers 30/30 step, finished, loss=3.0286, eval_loss=3.0364"},
		{dir: real + "maxsteps/out", spec: runsheet.ProgressSpec{Epochs: true}, want: "transformers 1/? epoch, finished"},
		{dir: real + "early/out", spec: runsheet.ProgressSpec{Epochs: true}, want: "transformers 1/3 epoch, early at 1"},
		{dir: real + "early-unsaved/out", want: "transformers 20/60 step"},
		{dir: "real/transformers4/middle/out", metrics: last, want: "transformers 20/60 step, loss=3.043, eval_loss=3.0388"},
		{dir: "real/transformers4/end/out", want: "transformers 60/60 step, finished"},
		{dir: "real/transformers4/early/out", want: "transformers 30/60 step, early at 30"},
		{dir: "real/transformers4/early-unsaved/out", want: "transformers 20/60 step"},
		{dir: "real/transformers4/nan/out", metrics: last, want: "transformers 60/60 step, finished, loss=NaN, eval_loss=NaN"},
		{dir: "real/trl/middle/out", metrics: []string{"loss", "mean_token_accuracy"}, want: "transformers 20/40 step, loss=1.7888, mean_token_accuracy=0.0095238"},
		{dir: "real/trl/end/out", want: "transformers 40/40 step, finished"},
		{dir: "real/sentence_transformers/end/out", metrics: last, want: "transformers 40/40 step, finished, loss=0.84409, eval_loss=2.1212"},
		{dir: "reported/lines", spec: runsheet.ProgressSpec{Tracker: "transformers"}, want: "transformers 0/? step"},
	})
}

// state is a trainer_state.json as a training of a name writes it: a row for every ten steps, and whatever else it says.
func state(name string, step, most int, more string) string {
	var rows []string
	for n := 10; n <= step; n += 10 {
		rows = append(rows, fmt.Sprintf(`{"step": %d, "epoch": %g, "loss": %d.%d}`, n, float64(n)/20, len(name), n))
	}
	return fmt.Sprintf(`{"best_metric": -Infinity, "epoch": %g, "global_step": %d, "log_history": [%s], "max_steps": %d, "num_train_epochs": %d%s}`,
		float64(step)/20, step, strings.Join(rows, ", "), most, most/20, more)
}

const (
	noCallbacks  = `, "stateful_callbacks": {"TrainerControl": {"args": {"should_training_stop": true}, "attributes": {}}}`
	earlyTwice   = `, "stateful_callbacks": {"EarlyStoppingCallback": [{"args": {"early_stopping_patience": 3}, "attributes": {"early_stopping_patience_counter": 1}}, {"args": {"early_stopping_patience": 2}, "attributes": {"early_stopping_patience_counter": 2}}], "X": []}`
	earlyPatient = `, "stateful_callbacks": {"EarlyStoppingCallback": {"args": {"early_stopping_patience": 3}, "attributes": {"early_stopping_patience_counter": 1}}}`
)

// TestTransformersByHand holds what cannot be had from a run of a few seconds, in files by hand. Each is written a minute
// after the one before.
func TestTransformersByHand(t *testing.T) {
	type files [][2]string
	summary := func(text string, step int) string { // the row that is logged last
		return strings.Replace(text, "], \"max", fmt.Sprintf(", {\"step\": %d, \"train_runtime\": 1.5}], \"max", step), 1)
	}
	for _, c := range []struct {
		name  string
		files files
		want  string
	}{
		{"numbers, not names", files{{"checkpoint-1000/trainer_state.json", state("a", 1000, 2000, "")}, {"checkpoint-500/trainer_state.json", state("a", 500, 2000, "")}},
			"transformers 1000/2000 step"},
		{"anew above an old one", files{{"checkpoint-60/trainer_state.json", state("old", 60, 60, "")}, {"trainer_state.json", summary(state("old", 60, 60, ""), 60)},
			{"all_results.json", `{"epoch": 3.0, "train_runtime": 1}`}, {"checkpoint-20/trainer_state.json", state("newer", 20, 80, "")}},
			"transformers 20/80 step"},
		{"goes on after its end", files{{"trainer_state.json", summary(state("a", 60, 60, ""), 60)}, {"all_results.json", `{"epoch": 3.0, "train_runtime": 1}`},
			{"checkpoint-80/trainer_state.json", state("a", 80, 120, "")}}, "transformers 80/120 step"},
		{"torn by a kill", files{{"checkpoint-20/trainer_state.json", state("a", 20, 60, "")}, {"checkpoint-40/trainer_state.json", state("a", 40, 60, "")[:50]},
			{"checkpoint-50/model.safetensors", ""}, {"checkpoint-60/trainer_state.json", ""}}, "transformers 20/60 step"},
		{"nothing but torn", files{{"checkpoint-20/trainer_state.json", `{"epoch": 1`}},
			`error: checkpoint-20/trainer_state.json is broken (11 bytes): it ends at byte 11, after "{\"epoch\": 1". In DIR: repair or remove it`},
		{"no state", files{{"trainer_state.json", `{"epoch": 1}`}},
			`error: trainer_state.json is broken (12 bytes): it does not say global_step. In DIR: repair or remove it`},
		{"not counted", files{{"trainer_state.json", `{"global_step": -1}`}},
			`error: trainer_state.json is broken (19 bytes): global_step is -1, no count. In DIR: repair or remove it`},
		{"not theirs", files{{"checkpoint-20/model.safetensors", "x"}, {"checkpoint-x/trainer_state.json", "{}"}, {"checkpoint-3", "a file"}}, "0/?"},
		{"the same callback twice", files{{"checkpoint-40/trainer_state.json", state("a", 40, 60, earlyTwice)}}, "transformers 40/60 step, early at 40"},
		{"early between two checkpoints", files{{"checkpoint-40/trainer_state.json", state("a", 40, 100, earlyPatient)}, {"all_results.json", `{"epoch": 2.5, "train_runtime": 1, "train_loss": NaN}`}},
			"transformers 50/100 step, early at 50"},
		{"preempted", files{{"checkpoint-40/trainer_state.json", state("a", 40, 60, noCallbacks)}, {"trainer_state.json", summary(state("a", 40, 60, noCallbacks), 40)}},
			"transformers 40/60 step"},
		{"stopped by a callback of one's own", files{{"checkpoint-40/trainer_state.json", state("a", 40, 60, noCallbacks)}, {"trainer_state.json", summary(state("a", 50, 60, noCallbacks), 50)}},
			"transformers 50/60 step, early at 50"},
		{"an old version saves no last step", files{{"checkpoint-40/trainer_state.json", state("a", 40, 50, "")}, {"training_args.bin", "x"}}, "transformers 40/50 step, finished"},
		{"an old version is under way", files{{"training_args.bin", "x"}, {"checkpoint-40/trainer_state.json", state("a", 40, 50, "")}}, "transformers 40/50 step"},
		{"only results", files{{"train_results.json", `{"epoch": 2.0, "train_runtime": 1.5, "train_loss": 0.5}`}}, "transformers 2/? epoch, finished"},
		{"an evaluation", files{{"all_results.json", `{"eval_loss": 0.5}`}}, "0/?"},
		{"no limit", files{{"trainer_state.json", `{"global_step": 5, "max_steps": -1, "epoch": NaN, "num_train_epochs": 9223372036854775807, "log_history": [1, {"step": 0.5}, {}]}`}}, "transformers 5/? step"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for i, f := range c.files {
				write(t, filepath.Join(dir, f[0]), f[1], time.Now().Add(time.Duration(i-100)*time.Minute))
			}
			got := told(later(t, dir, runsheet.ProgressSpec{}, nil).Progress)
			if got = strings.ReplaceAll(got, dir, "DIR"); got != c.want {
				t.Errorf("told  %s\nwant  %s", got, c.want)
			}
		})
	}
}

func write(t *testing.T, path, text string, at time.Time) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

// TestTransformersPace holds that the times of the checkpoints give the pace, in steps and in epochs.
func TestTransformersPace(t *testing.T) {
	dir := t.TempDir()
	for i, n := range []int{20, 40, 60} {
		write(t, filepath.Join(dir, fmt.Sprintf("checkpoint-%d/trainer_state.json", n)), state("a", n, 100, ""), time.Unix(1_700_000_000+int64(i)*200, 0))
	}
	p := later(t, dir, runsheet.ProgressSpec{}, nil).Progress
	if len(p.Recent) != 3 || p.PerUnit != 10*time.Second {
		t.Errorf("%v, %v", p.Recent, p.PerUnit)
	}
	p = later(t, dir, runsheet.ProgressSpec{Epochs: true}, nil).Progress
	if len(p.Recent) != 3 || p.PerUnit != 200*time.Second {
		t.Errorf("epochs: %v, %v", p.Recent, p.PerUnit)
	}
}

// TestTransformersLog holds that the bar in the newest attempt's log is believed where it is ahead of the state and speaks
// of as many steps, and that the last step by its word alone is guessed.
func TestTransformersLog(t *testing.T) {
	const bar = " 45%|####5     | %s [00:10<00:12,  2.70it/s]"
	const summary = "\n{'train_runtime': '2.049', 'train_loss': '3.034', 'epoch': '1.25'}\n"
	for _, c := range []struct{ dir, log, want string }{
		{"middle", "27/60", "transformers 27/60 step"},
		{"middle", "17/60", "transformers 20/60 step"},
		{"middle", "27/70", "transformers 20/60 step"},
		{"middle", "60/60", "transformers 60/60 step, guessed"},
		{"middle", "60/60" + summary, "transformers 60/60 step, finished"},
		{"middle", "25/60" + summary, "transformers 25/60 step, early at 25"},
		{"middle", "20/60" + summary, "transformers 20/60 step"}, // preempted, perhaps
		{"early-unsaved", "20/60" + summary, "transformers 20/60 step, early at 20"},
	} {
		dir := copied(t, "testdata/real/transformers/"+c.dir+"/out")
		n, rest, _ := strings.Cut(c.log, "\n")
		text := "loading\n" + strings.ReplaceAll(bar, "%s", n) + "\r\n" + rest
		write(t, filepath.Join(dir, ".runsheet/attempts/000001/run.log"), text, time.Now())
		if got := told(later(t, dir, runsheet.ProgressSpec{}, nil).Progress); got != c.want {
			t.Errorf("%s, %q: told  %s\nwant  %s", c.dir, c.log, got, c.want)
		}
	}
	// As it was printed.
	for c, want := range map[string]string{"early-unsaved": "transformers 25/60 step, early at 25", "killed": "transformers 25/60 step",
		"middle": "transformers 25/60 step", "end": "transformers 60/60 step, finished"} {
		dir := copied(t, "testdata/real/transformers/"+c+"/out")
		text, err := os.ReadFile("testdata/real/transformers/" + c + "/stdout.log")
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, ".runsheet/attempts/000001/run.log"), string(text), time.Now())
		if got := told(later(t, dir, runsheet.ProgressSpec{}, nil).Progress); got != want {
			t.Errorf("%s: told  %s\nwant  %s", c, got, want)
		}
	}
}

func TestTransformersSeries(t *testing.T) {
	dir := copied(t, "testdata/real/transformers/end/out")
	series, p := tracker.Series(context.Background(), durable.OS(), dir, runsheet.ProgressSpec{}, tracker.Options{})
	if got := told(p); got != "transformers 60/60 step, finished" {
		t.Error(got)
	}
	var steps []int64
	for _, q := range series["loss"] {
		steps = append(steps, q.Step)
	}
	if want := []int64{5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60}; !slices.Equal(steps, want) {
		t.Errorf("loss at %v, want %v", steps, want)
	}
	eval, err := json.Marshal(series["eval_loss"])
	if err != nil || !strings.HasPrefix(string(eval), "[[20,3.03") || len(series["eval_loss"]) != 3 {
		t.Errorf("%s %v of %v", eval, err, slices.Sorted(maps.Keys(series)))
	}
}
