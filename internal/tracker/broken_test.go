package tracker_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/tracker"
)

// TestBroken holds the answer on evidence whose writer was killed in the middle: it names the file and its fault, and counts
// the units that are whole.
func TestBroken(t *testing.T) {
	const nul = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	epoch := func(n, scores string) map[string]string {
		return map[string]string{n + "/training_losses.pt": "x", n + "/optimizer_buffer.json": "{}", n + "/validation_scores.json": scores}
	}
	state := `{"global_step": 10, "max_steps": 20, "epoch": 1.0, "num_train_epochs": 2, "log_history": []}`
	for name, c := range map[string]struct {
		spec     runsheet.ProgressSpec
		files    []map[string]string
		count    int64
		broken   string
		passing  bool // others tell: it is no error of the reading
		complete bool
	}{
		"evaluation":           {files: []map[string]string{{"evaluation_scores.json": `{"aggregated": {"iou": 0.`}}, broken: "evaluation_scores.json is broken (25 bytes): it ends at byte 25"},
		"evaluation, NULs":     {files: []map[string]string{{"evaluation_scores.json": nul}}, broken: "evaluation_scores.json is broken (32 bytes)"},
		"progress.json, alone": {files: []map[string]string{{"progress.json": `{"completed_epochs": 7, "tot`}}, broken: "progress.json is broken (28 bytes)"},
		"progress.json, empty": {spec: runsheet.ProgressSpec{Tracker: "epochs"}, files: []map[string]string{{"progress.json": ""}}, broken: "progress.json is broken: it is empty (0 bytes)"},
		"progress.json beside epochs": {files: []map[string]string{epoch("epoch_0", `{"a": 1}`), epoch("epoch_1", `{"a": 1}`), {"progress.json": nul}}, count: 2,
			broken: "progress.json is broken (32 bytes)"},
		"progress.json, all epochs are there": {spec: runsheet.ProgressSpec{Total: 2}, files: []map[string]string{epoch("epoch_0", `{"a": 1}`), epoch("epoch_1", `{"a": 1}`), {"progress.json": nul}}, count: 2,
			passing: true, complete: true}, // the directories show all
		"the last of the epochs": {files: []map[string]string{epoch("epoch_0", `{"a": 1}`), epoch("epoch_1", `{"a": `)}, count: 1, passing: true,
			broken: "epoch_1/validation_scores.json is broken (6 bytes)"},
		"json":           {spec: runsheet.ProgressSpec{Tracker: "json", File: "s.json", Step: "step"}, files: []map[string]string{{"s.json": `{"step": 1`}}, broken: "s.json is broken (10 bytes)"},
		"jsonl":          {spec: runsheet.ProgressSpec{Tracker: "jsonl", File: "s", Step: "step"}, files: []map[string]string{{"s": "{\"step\": 1}\n{\"step\n"}}, count: 1, broken: "s is broken (19 bytes): the line"},
		"reported":       {files: []map[string]string{{".runsheet/attempts/000001/reported.json": `{"completed": 3`}}, broken: ".runsheet/attempts/000001/reported.json is broken (15 bytes)"},
		"reported lines": {files: []map[string]string{{".runsheet/attempts/000001/run.log": "runsheet: {\"completed\": 3}\nrunsheet: {\"comTraceback\n"}}, count: 3, broken: ".runsheet/attempts/000001/run.log is broken"},
		"reported, and lines beside it": {files: []map[string]string{{".runsheet/attempts/000001/run.log": "runsheet: {\"completed\": 3}\n", ".runsheet/attempts/000001/reported.json": ""}}, count: 3,
			broken: ".runsheet/attempts/000001/reported.json is broken: it is empty"},
		"command":                 {spec: runsheet.ProgressSpec{Tracker: "command", Command: "true"}, files: []map[string]string{{".runsheet/attempts/000001/measured.json": `{"completed"`}}, broken: ".runsheet/attempts/000001/measured.json is broken (12 bytes)"},
		"transformers, the first": {files: []map[string]string{{"checkpoint-10/trainer_state.json": `{"global_step": 10, "max`}}, broken: "checkpoint-10/trainer_state.json is broken (24 bytes)"},
		"transformers, a later one": {files: []map[string]string{{"checkpoint-10/trainer_state.json": state, "checkpoint-20/trainer_state.json": `{"glo`}}, count: 10, passing: true,
			broken: "checkpoint-20/trainer_state.json is broken (5 bytes)"},
		"event files": {spec: runsheet.ProgressSpec{Tracker: "tensorboard"}, files: []map[string]string{{"events.out.tfevents.1700000000.host.1.0": nul}}, broken: "events.out.tfevents.1700000000.host.1.0 is broken (32 bytes)"},
		"W&B":         {files: []map[string]string{{"wandb/run-20240101_000000-a/run-a.wandb": nul}}, broken: "wandb/run-20240101_000000-a/run-a.wandb is broken (32 bytes)"},
		"more than there is": {spec: runsheet.ProgressSpec{Tracker: "csv", File: "s", Step: "step", TotalFrom: "all"}, files: []map[string]string{{"s": "step,all\n16,100\n113,100\n"}},
			broken: "the evidence contradicts itself (csv): it says 113 of 100 steps, more than there are"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, files := range c.files {
				for rel, text := range files {
					path := filepath.Join(dir, rel)
					if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			p := later(t, dir, c.spec, nil).Progress
			if len(p.Broken) < len(c.broken) || p.Broken[:len(c.broken)] != c.broken || p.Completed != c.count || (p.Error == "") != c.passing || p.Complete() != c.complete {
				t.Errorf("%+v", p)
			}
		})
	}
}

// TestYoungScores holds that torn scores are read again while they are young, as every document is: what they are then is
// told at once, and not only to whoever looks later.
func TestYoungScores(t *testing.T) {
	for _, rewritten := range []bool{false, true} {
		dir := t.TempDir()
		file := func(rel, text string) { write(t, filepath.Join(dir, rel), text, time.Now()) }
		for _, name := range []string{"training_losses.pt", "optimizer_buffer.json", "validation_scores.json"} {
			file("epoch_0/"+name, "{}")
		}
		file("epoch_0/validation_scores.json", `{"accuracy": 0.`)
		now := time.Now()
		r := tracker.Look(t.Context(), durable.OS(), dir, runsheet.ProgressSpec{Total: 2}, tracker.Options{
			Now: func() time.Time { return now },
			Sleep: func(_ context.Context, d time.Duration) error {
				if now = now.Add(d); rewritten {
					file("epoch_0/validation_scores.json", `{"accuracy": 0.5}`)
				}
				return nil
			},
		})
		count, broken := int64(0), "epoch_0/validation_scores.json is broken (15 bytes)"
		if rewritten {
			count, broken = 1, ""
		}
		if p := r.Progress; p.Completed != count || !strings.HasPrefix(p.Broken, broken) || broken == "" && p.Broken != "" || r.Passing {
			t.Errorf("rewritten %v: %+v, passing %v", rewritten, p, r.Passing)
		}
	}
}

// TestTotalOfTheSheet holds that a count above the sheet's total is no fault of the evidence.
func TestTotalOfTheSheet(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "s"), []byte("step,all\n16,100\n113,100\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for total, want := range map[int64]string{100: "csv 113/100 step", 200: "csv 113/200 step"} {
		spec := runsheet.ProgressSpec{Tracker: "csv", File: "s", Step: "step", Total: total}
		if got := told(later(t, dir, spec, nil).Progress); got != want {
			t.Errorf("told %s, want %s", got, want)
		}
	}
}
