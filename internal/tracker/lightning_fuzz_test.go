package tracker

import (
	"bytes"
	"os"
	"testing"

	"runsheet"
	"runsheet/internal/prove/hostile/bound"
)

func FuzzLightning(f *testing.F) {
	for _, name := range []string{"nan/lightning_logs/version_0", "resumed/lightning_logs/version_1"} {
		data, err := os.ReadFile("testdata/real/lightning/" + name + "/metrics.csv")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, "epoch=3-step=40.ckpt", "`Trainer.fit` stopped: `max_epochs=4` reached.")
	}
	f.Add([]byte("epoch,step,a\n1e15,1e15,1\n-1,3,1\n,4,1\n"), "epoch=999999999999999-step=999999999999999.ckpt", "`Trainer.fit` stopped: `max_steps=-1` reached.")
	f.Fuzz(func(t *testing.T, data []byte, name, line string) {
		var s lightningState
		var e endings
		bound.Do(t, func() {
			for _, line := range bytes.Split(data, []byte("\n")) {
				s.line(line, func(int64, runsheet.Metrics) {})
			}
			if c, ok := checkpointOf(name); ok {
				if c.over(s.Spans, []lightningCheckpoint{c}); c.epoch < 0 || c.epoch >= maxCount || c.steps < 0 || c.steps >= maxCount {
					t.Fatalf("%+v", c)
				}
			}
			if line != "" {
				e.line(line)
			}
		})
		for _, sp := range s.Spans {
			if sp.Epoch < 0 || sp.First < 0 || sp.Last < sp.First || sp.Last >= maxCount {
				t.Fatalf("%+v", s)
			}
		}
		if len(s.Spans) > maxSpans || len(s.Metrics) > maxMetrics || e.Lightning.Epochs < 0 || e.Lightning.Steps < 0 {
			t.Fatalf("%+v %+v", s, e)
		}
	})
}
