package tracker

import (
	"bytes"
	"testing"

	"runsheet"
	"runsheet/internal/prove/hostile/bound"
)

// FuzzOpenMMLab reads any text as rows, log and configuration of MMEngine, mmcv and Detectron2.
func FuzzOpenMMLab(f *testing.F) {
	for _, pattern := range []string{
		"real/mmengine/nan/work_dirs/toy/*/vis_data/scalars.json", "real/mmengine/early/work_dirs/toy/*/*.log", "real/mmengine/*/work_dirs/toy/toy.py",
		"mmcv/*/*.json", "mmcv/*/*.log", "mmcv/*/*.py", "detectron2/*/metrics.json",
	} {
		seed(f, pattern)
	}
	f.Add([]byte("train_cfg = dict(a=[dict(max_epochs=3)], max_epochs=999999999999999999999, b='(', max_iters=-1)\ntotal_epochs = 1000000000000000\n" +
		`{"iter": 1e15, "epoch": 1e15, "iteration": 999999999999999, "step": 1, "mode": "val"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var rows mmRows
		var log mmLog
		var old mmcvState
		var limits mmcvLimits
		var d2 d2State
		point := func(n int64, _ runsheet.Metrics) {
			if n < 0 {
				t.Fatalf("a point at %d", n)
			}
		}
		bound.Do(t, func() {
			for _, line := range bytes.Split(data, []byte("\n")) {
				rows.line(line, point)
				log.line(line)
				limits.line(line)
				old.line(line, limits, point)
				d2.line(line, point)
			}
			plan, _ := mmPlanOf(string(data))
			conf := mmcvLimitsOf(string(data))
			if min(plan.epochs, plan.iters, conf.Epochs, conf.Iters) < 0 || max(plan.epochs, plan.iters, conf.Epochs, conf.Iters) > maxCount {
				t.Fatalf("%+v %+v", plan, conf)
			}
		})
		if min(rows.Iter, rows.Epoch, rows.Whole, log.Each, log.Iters, old.Epoch, old.Whole, old.Iter, limits.Epochs, limits.Iters, limits.Each, d2.Count) < 0 {
			t.Fatalf("%+v %+v %+v %+v %+v", rows, log, old, limits, d2)
		}
		if max(len(rows.Metrics), len(old.Metrics), len(d2.Metrics)) > maxMetrics {
			t.Fatal("too many metrics")
		}
	})
}
