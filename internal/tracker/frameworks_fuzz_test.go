package tracker

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"runsheet"
)

// seed adds files of testdata to what a fuzz test begins with.
func seed(f *testing.F, pattern string) {
	f.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		f.Fatalf("no %s: %v", pattern, err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}

func FuzzTrainerState(f *testing.F) {
	seed(f, "real/transformers/*/out/checkpoint-20/trainer_state.json")
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseHFState(bytes.NewReader(data), 3, nil)
		if err == nil && (s.Step < 0 || s.MaxSteps < 0 || s.Epochs < 0 || wholeEpochs(s.Epoch) < 0 || len(s.Metrics) > maxMetrics) {
			t.Errorf("%+v", s)
		}
	})
}

func FuzzLlamaFactory(f *testing.F) {
	seed(f, "llamafactory/*/trainer_log.jsonl")
	f.Fuzz(func(t *testing.T, data []byte) {
		var s llamaState
		for line := range bytes.Lines(data) {
			s.take(line, func(step int64, _ runsheet.Metrics) {
				if step < 0 {
					t.Errorf("step %d", step)
				}
			})
		}
		if _, err := json.Marshal(&s); err != nil || s.Total < 0 || s.Epoch < 0 || len(s.Metrics) > maxMetrics {
			t.Errorf("%+v: %v", s, err)
		}
	})
}

func FuzzTorchtune(f *testing.F) {
	seed(f, "torchtune/*/logs/log_*.txt")
	f.Fuzz(func(t *testing.T, data []byte) {
		var s tuneState
		for line := range bytes.Lines(data) {
			s.take(line, func(step int64, _ runsheet.Metrics) {
				if step < 0 {
					t.Errorf("step %d", step)
				}
			})
		}
		if _, err := json.Marshal(&s); err != nil || s.Step < 0 || len(s.Metrics) > maxMetrics {
			t.Errorf("%+v: %v", s, err)
		}
	})
}

func FuzzTimmTotal(f *testing.F) {
	seed(f, "real/timm/*/output/train/*/args.yaml")
	f.Add([]byte("epochs: 10\nlr_cycle_limit: 3\nlr_cycle_mul: .5\nsched: poly\ncooldown_epochs: nan\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if n := timmTotal(yamlKeys(data, timmKeys...)); n < 0 || n > maxCount {
			t.Error(n)
		}
	})
}
