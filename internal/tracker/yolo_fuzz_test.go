package tracker

import (
	"bytes"
	"os"
	"testing"

	"runsheet"
	"runsheet/internal/prove/hostile/bound"
)

func FuzzYOLO(f *testing.F) {
	for _, name := range []string{"real/ultralytics/nan/runs/exp", "ultralytics/old/runs/detect/train", "yolov5/nan/runs/train/exp"} {
		data, err := os.ReadFile("testdata/" + name + "/results.csv")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("epoch,time\n1e300,1\n-1,-1\n1000000000000000,1e300\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s yoloTable
		bound.Do(t, func() {
			for _, line := range bytes.Split(data, []byte("\n")) {
				s.line(line, func(int64, runsheet.Metrics) {})
			}
		})
		if n := s.completed(); n < 0 || n > maxCount || len(s.Metrics) > maxMetrics || len(s.Laps) > maxMarks {
			t.Fatalf("%+v", s)
		}
	})
}
