package tracker

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
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
		if err == nil && (s.step < 0 || s.maxSteps < 0 || s.epochs < 0 || wholeEpochs(s.epoch) < 0 || len(s.metrics) > maxMetrics) {
			t.Errorf("%+v", s)
		}
	})
}
