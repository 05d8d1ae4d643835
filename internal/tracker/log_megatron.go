package tracker

import (
	"strings"

	"runsheet"
)

// megatronLog reads Megatron-LM's lines, and those of what is built on it:
//
//	[2026-01-02 03:04:05] iteration     1000/  500000 | consumed samples: 256000 | ... | lm loss: 2.345678E+00 | ... |
//
// and its end "[after training is done] datetime: ...". "[exiting program at iteration N]" is a planned interruption, no
// end. (megatron/training/training.py was read; not checked against a run of it.)
type megatronLog struct {
	Seen     bool             `json:"seen,omitzero"`
	Count    int64            `json:"count,omitzero"`
	Total    int64            `json:"total,omitzero"`
	Stride   int64            `json:"stride,omitzero"`
	Finished bool             `json:"finished,omitzero"`
	Metrics  runsheet.Metrics `json:"metrics,omitempty"`
}

func (*megatronLog) name() string { return "megatron_log" }

func (l *megatronLog) line(text string, point func(int64, runsheet.Metrics)) {
	if l.Seen && strings.HasPrefix(text, "[after training is done]") {
		l.Finished = true
		return
	}
	if strings.IndexByte(text, '|') < 0 {
		return
	}
	i := strings.Index(text, "iteration ")
	if i < 0 || !heads(text[:i]) {
		return
	}
	n, total, rest, ok := shareAt(text[i+len("iteration "):])
	rest = strings.TrimLeft(rest, " ")
	if !ok || total == 0 || n > total || !strings.HasPrefix(rest, "|") || !strings.Contains(rest, "elapsed time per iteration") {
		return
	}
	l.Stride = max(n-l.Count, 0)
	l.Seen, l.Count, l.Total, l.Finished = true, n, total, false
	var m runsheet.Metrics
	for field := range strings.SplitSeq(rest, "|") {
		name, v, ok := strings.Cut(strings.TrimSpace(field), ":")
		if value, num := parseFloat(v); ok && num && name != "" && len(name) <= maxName {
			merge(&m, runsheet.Metrics{name: value})
		}
	}
	merge(&l.Metrics, m)
	point(n, m)
}

func (l *megatronLog) progress(epochs bool) (runsheet.Progress, bool) {
	if !l.Seen || epochs {
		return runsheet.Progress{}, false
	}
	return runsheet.Progress{Completed: l.Count, Total: l.Total, Unit: "iteration", Finished: l.Finished, Metrics: l.Metrics}, true
}

func (l *megatronLog) slack() int64 { return l.Stride }
