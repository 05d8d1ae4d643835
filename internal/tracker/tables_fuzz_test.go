package tracker

import (
	"bytes"
	"os"
	"testing"

	"runsheet"
	"runsheet/internal/prove/hostile/bound"
)

func FuzzSB3(f *testing.F) {
	for _, name := range []string{"ppo/logs/progress.csv", "early/logs/progress.csv", "middle/logs/train.monitor.csv"} {
		data, err := os.ReadFile("testdata/real/stable_baselines3/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, "rl_model_400_steps.zip")
	}
	f.Add([]byte("time/total_timesteps,l,r\n1e300,1e15,\n-1,1e15,nan\n"), "_99999999999999999999_steps.zip")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		var s sb3State
		var m sb3Monitor
		bound.Do(t, func() {
			for _, line := range bytes.Split(data, []byte("\n")) {
				if cells, ok := s.Table.row(line); ok {
					s.take(cells, func(int64, runsheet.Metrics) {})
				}
				m.line(line)
			}
		})
		n, _ := sb3Checkpoint(name)
		if min(n, s.Steps, m.Steps) < 0 || max(n, s.Steps, m.Steps) > maxCount || len(s.Metrics) > maxMetrics {
			t.Fatalf("%d %+v %+v", n, s, m)
		}
	})
}

func FuzzKerasCSV(f *testing.F) {
	for _, name := range []string{"nan", "append", "val_freq"} {
		data, err := os.ReadFile("testdata/real/keras/" + name + "/training.csv")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var s kerasTable
		bound.Do(t, func() {
			for _, line := range bytes.Split(data, []byte("\n")) {
				s.line(line, func(int64, runsheet.Metrics) {})
			}
		})
		if s.Completed < 0 || s.Completed > maxCount || len(s.Metrics) > maxMetrics {
			t.Fatalf("%+v", s)
		}
	})
}
