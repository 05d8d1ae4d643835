package tracker

import (
	"context"
	"slices"
	"sort"

	"runsheet"
	"runsheet/internal/durable"
)

// maxPoints is how many points of one metric are kept: of more, every other one goes, again and again.
const maxPoints = 1024

// recorder collects the points of every metric while evidence is read.
type recorder struct {
	series map[string]*points
}

// points are those of one metric. Of the points that came, every stride-th is kept, and always the last.
type points struct {
	kept   []runsheet.Point
	stride int
	count  int // since a point was kept
}

// Point notes the metrics at a step, where somebody wants to know them: most readings do not. Steps that go back, as
// after a resume, take back what was noted from there on.
func (ev *Evidence) Point(step int64, m runsheet.Metrics) {
	if ev.recorder == nil {
		return
	}
	for name, v := range m {
		s := ev.recorder.series[name]
		if s == nil {
			if len(ev.recorder.series) >= maxMetrics {
				continue
			}
			s = &points{stride: 1}
			ev.recorder.series[name] = s
		}
		s.add(runsheet.Point{Step: step, Value: v})
	}
}

// startOver forgets the points that were noted so far, by those that were only asked whether they recognise the evidence.
func (ev *Evidence) startOver() {
	if ev.recorder != nil {
		ev.recorder.series = map[string]*points{}
		ev.logs = map[string]*logState{}
	}
}

// silently calls f, and notes no points meanwhile: what f reads is not what is asked for.
func (ev *Evidence) silently(f func() error) error {
	r := ev.recorder
	ev.recorder = nil
	defer func() { ev.recorder = r }()
	return f()
}

func (s *points) add(p runsheet.Point) {
	if i := sort.Search(len(s.kept), func(i int) bool { return s.kept[i].Step >= p.Step }); i < len(s.kept) {
		s.kept = s.kept[:i]
	}
	if n := len(s.kept); s.count > 0 && n > 0 && s.count < s.stride {
		s.kept = s.kept[:n-1] // the last one before this stood there only for being the last
	} else {
		s.count = 0
	}
	s.kept = append(s.kept, p)
	s.count++
	if len(s.kept) <= maxPoints {
		return
	}
	half := s.kept[:0]
	for i, q := range s.kept {
		if i%2 == 0 {
			half = append(half, q)
		}
	}
	s.kept, s.stride, s.count = half, 2*s.stride, 1
}

// Series reads all the evidence in dir, an absolute path, and returns the course of every metric, by name: at most
// 1,024 points each, evenly taken, the last one among them. It reads everything anew and may take its time; faults are
// told as by Look.
func Series(ctx context.Context, disk durable.Disk, dir string, spec runsheet.ProgressSpec, opts Options) (map[string][]runsheet.Point, runsheet.Progress) {
	ev := NewEvidence(ctx, disk, dir, opts)
	ev.recorder = &recorder{series: map[string]*points{}}
	p, err := read(ev, spec)
	if err != nil {
		p = runsheet.Progress{Source: p.Source, Error: words(dir, err)}
	}
	out := make(map[string][]runsheet.Point, len(ev.recorder.series))
	for name, s := range ev.recorder.series {
		out[name] = slices.Clip(s.kept)
	}
	return out, p
}
