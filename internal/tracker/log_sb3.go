package tracker

import (
	"strings"

	"runsheet"
)

// sb3Log reads the tables that Stable-Baselines3 prints:
//
//	| rollout/           |          |
//	|    ep_rew_mean     | 22.2     |
//	| time/              |          |
//	|    total_timesteps | 2048     |
//
// Time steps are counted as they are; how many there will be is not printed. The callbacks that stop a training early say
// "Stopping training because ...", if they are verbose. (stable_baselines3 2.9.2, common/logger.py and common/callbacks.py.)
type sb3Log struct {
	Seen    bool             `json:"seen,omitzero"`
	Count   int64            `json:"count,omitzero"`
	Stride  int64            `json:"stride,omitzero"`
	Early   bool             `json:"early,omitzero"`
	Section string           `json:"section,omitempty"`
	Row     runsheet.Metrics `json:"row,omitempty"` // of the table under way
	Metrics runsheet.Metrics `json:"metrics,omitempty"`
}

func (*sb3Log) name() string { return "sb3_log" }

func (l *sb3Log) line(text string, point func(int64, runsheet.Metrics)) {
	switch text[0] {
	case '|':
	case '-':
		if len(l.Row) > 0 && strings.Trim(text, "-") == "" {
			l.table(point)
		}
		return
	case 'S':
		l.Early = l.Early || l.Seen && strings.HasPrefix(text, "Stopping training because ")
		return
	default:
		return
	}
	cells := strings.Split(text, "|")
	if len(cells) != 4 || len(cells[1]) > maxName {
		return
	}
	name, value := strings.TrimSpace(cells[1]), strings.TrimSpace(cells[2])
	if value == "" {
		if strings.HasSuffix(name, "/") {
			l.Section = strings.Clone(name)
		}
		return
	}
	if v, ok := parseFloat(value); ok && l.Section != "" {
		merge(&l.Row, runsheet.Metrics{l.Section + name: v})
	}
}

// table takes a table in that has ended.
func (l *sb3Log) table(point func(int64, runsheet.Metrics)) {
	row := l.Row
	l.Row, l.Section = nil, ""
	n, ok := asCount(row["time/total_timesteps"])
	if _, is := row["time/total_timesteps"]; !ok || !is {
		return
	}
	delete(row, "time/total_timesteps")
	if n < l.Count {
		l.Early = false // another training
	}
	l.Stride = max(n-l.Count, 0)
	l.Seen, l.Count = true, n
	merge(&l.Metrics, row)
	point(n, row)
}

func (l *sb3Log) progress(epochs bool) (runsheet.Progress, bool) {
	if !l.Seen || epochs {
		return runsheet.Progress{}, false
	}
	p := runsheet.Progress{Completed: l.Count, Unit: "step", Metrics: l.Metrics}
	if l.Early {
		p.EarlyStopped, p.EarlyStoppedAt = true, l.Count
	}
	return p, true
}

func (l *sb3Log) slack() int64 { return l.Stride }
