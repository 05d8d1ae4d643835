package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func wineJob(t *testing.T, model string, epochs int) job {
	return job{dataset: "wine", model: model, seed: 3, epochs: epochs, data: realData, out: t.TempDir()}
}

func mustTrain(t *testing.T, j job) (said string) {
	t.Helper()
	var out bytes.Buffer
	if err := train(j, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// files returns the content of every file below dir that training is judged by, by its relative name.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "train.log" {
			return err
		}
		data, err := os.ReadFile(path)
		found[strings.TrimPrefix(path, dir)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func same(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s differs", name)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d files, want %d", len(got), len(want))
	}
}

func TestResumedEqualsUninterrupted(t *testing.T) {
	for kind := range models {
		whole := wineJob(t, kind, 6)
		mustTrain(t, whole)

		cut := wineJob(t, kind, 2)
		mustTrain(t, cut)
		// As after a kill between an epoch's last file and its checkpoint, with the next epoch begun.
		if err := os.MkdirAll(epochDir(cut.out, 2), 0o777); err != nil {
			t.Fatal(err)
		}
		for _, name := range epochFiles[:2] {
			if err := os.WriteFile(filepath.Join(epochDir(cut.out, 2), name), []byte("cut sho"), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		cut.epochs, cut.resume = 6, true
		said := mustTrain(t, cut)
		if !strings.Contains(said, "resumed after 2 epochs") || strings.Contains(said, "epoch 2 of 6") || !strings.Contains(said, "epoch 3 of 6") {
			t.Errorf("%s: did not go on after epoch 2:\n%s", kind, said)
		}
		same(t, files(t, cut.out), files(t, whole.out))
	}
}

func TestResumeWithoutUsableCheckpointStartsFromScratch(t *testing.T) {
	whole := wineJob(t, "linear", 3)
	mustTrain(t, whole)
	want := files(t, whole.out)
	for name, spoil := range map[string]func(dir string) error{
		"nothing there":      os.RemoveAll,
		"no checkpoint":      func(dir string) error { return os.Remove(filepath.Join(dir, checkpointName)) },
		"empty checkpoint":   func(dir string) error { return os.Truncate(filepath.Join(dir, checkpointName), 0) },
		"half a checkpoint":  func(dir string) error { return os.Truncate(filepath.Join(dir, checkpointName), 100) },
		"an epoch is gone":   func(dir string) error { return os.RemoveAll(epochDir(dir, 1)) },
		"a file is empty":    func(dir string) error { return os.Truncate(filepath.Join(epochDir(dir, 1), epochFiles[2]), 0) },
		"of no known format": func(dir string) error { return spoilSize(dir) },
	} {
		t.Run(name, func(t *testing.T) {
			j := wineJob(t, "linear", 3)
			mustTrain(t, j)
			if err := spoil(j.out); err != nil {
				t.Fatal(err)
			}
			j.resume = true
			if said := mustTrain(t, j); !strings.Contains(said, "starting from scratch") || !strings.Contains(said, "epoch 1 of 3") {
				t.Errorf("did not start from scratch:\n%s", said)
			}
			same(t, files(t, j.out), want)
		})
	}
}

// spoilSize leaves a checkpoint that parses but does not fit the model.
func spoilSize(dir string) error {
	return checkpoint{Dataset: "wine", Model: "linear", Seed: 3, Epochs: 1, weights: weights{[]float64{1}, []float64{1}}}.save(dir)
}

func TestResumeRefusesAnotherRunsCheckpoint(t *testing.T) {
	j := wineJob(t, "linear", 1)
	mustTrain(t, j)
	before := files(t, j.out)
	j.seed, j.resume = 4, true
	err := train(j, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "another run: wine linear, seed 3") {
		t.Errorf("error %v", err)
	}
	same(t, files(t, j.out), before)
}

func TestEvidenceOfAnEpoch(t *testing.T) {
	j := wineJob(t, "mlp", 2)
	said := mustTrain(t, j)
	if n := strings.Count(said, "validation accuracy"); n != 2 {
		t.Errorf("%d lines about epochs, want 2:\n%s", n, said)
	}
	if log, err := os.ReadFile(filepath.Join(j.out, "train.log")); err != nil || string(log) != said {
		t.Errorf("train.log holds %q (error %v), want what was said", log, err)
	}
	for n := range 2 {
		for _, name := range epochFiles {
			if info, err := os.Stat(filepath.Join(epochDir(j.out, n), name)); err != nil || info.Size() == 0 {
				t.Errorf("epoch %d: %s is missing or empty (error %v)", n, name, err)
			}
		}
	}
	data, err := os.ReadFile(filepath.Join(epochDir(j.out, 1), "validation_scores.json"))
	if err != nil {
		t.Fatal(err)
	}
	var scores struct {
		Aggregated struct{ Accuracy, Loss float64 }
		Datapoints struct{ Accuracy []int } `json:"per_datapoint"`
	}
	if err := json.Unmarshal(data, &scores); err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, c := range scores.Datapoints.Accuracy {
		sum += c
	}
	if n := len(scores.Datapoints.Accuracy); n != 45 || scores.Aggregated.Accuracy != float64(sum)/float64(n) || scores.Aggregated.Loss <= 0 {
		t.Errorf("scores do not agree with themselves: %s", data)
	}
}

func TestCommandLine(t *testing.T) {
	good := []string{"--dataset", "wine", "--model", "linear", "--out", t.TempDir(), "--data", realData, "--epochs", "1", "--epoch-time", "0"}
	for _, c := range []struct {
		more []string
		code int
		want string
	}{
		{nil, 0, ""},
		{[]string{"--help"}, 0, "-epoch-time"},
		{[]string{"--dataset", "iris"}, 2, `--dataset "iris" is not one of breast_cancer, digits, wine`},
		{[]string{"--model", "cnn"}, 2, `--model "cnn" is not one of linear, mlp`},
		{[]string{"--out", ""}, 2, "--out is missing"},
		{[]string{"--epochs", "0"}, 2, "--epochs 0"},
		{[]string{"--no-such"}, 2, "-no-such"},
		{[]string{"extra"}, 2, `unexpected argument "extra"`},
		{[]string{"--data", filepath.Join(t.TempDir(), "gone")}, 1, "reading the data"},
	} {
		var stderr bytes.Buffer
		code := run(append(good[:len(good):len(good)], c.more...), io.Discard, &stderr)
		if code != c.code || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%v: exit %d, want %d; stderr %q, want %q in it", c.more, code, c.code, &stderr, c.want)
		}
	}
}
