package tracker

import (
	"os"
	"testing"

	"runsheet"
	"runsheet/internal/prove/hostile/bound"
)

func FuzzCatBoost(f *testing.F) {
	for _, name := range []string{"start", "nan", "two_sets"} {
		for _, dir := range []string{"catboost_info", "cat_logs"} {
			if data, err := os.ReadFile("testdata/real/catboost/" + name + "/" + dir + "/catboost_training.json"); err == nil {
				f.Add(data)
			}
		}
	}
	f.Add([]byte("{\n\"meta\":{\"learn_metrics\":[[],{\"name\":[]}],\"iteration_count\":{}},\n\"iterations\":[\n{\"learn\":[[1]],\"iteration\":1e300},\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s catboostState
		bound.Do(t, func() {
			for len(data) > 0 {
				n, line, _ := byComma(data, false)
				if n == 0 {
					break
				}
				s.line(line, func(at int64, _ runsheet.Metrics) {
					if at != s.Completed {
						t.Fatalf("a point at %d, and %d are completed", at, s.Completed)
					}
				})
				data = data[n:]
			}
		})
		if s.Completed < 0 || s.Completed > maxCount || s.Total < 0 || s.Total > maxCount || len(s.Metrics) > maxMetrics || len(s.Laps) > maxMarks {
			t.Fatalf("%+v", s)
		}
	})
}
