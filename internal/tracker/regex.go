package tracker

import (
	"regexp"
	"strings"
	"time"

	"runsheet"
)

// regex reads a log with regular expressions of the sheet (`pattern`, RE2 syntax). The group `completed` of the last
// line that matches is the count, `total` the total; every other named group that matched a number is a metric. The log
// is the file that the sheet names under `file`, else the output of our attempts, the newest that says anything.
type regex struct{}

func (regex) Name() string { return "regex" }

func (regex) Logs() string { return "" }

func (regex) Recognises(*Evidence, runsheet.ProgressSpec) bool { return false }

// matched is what the lines said so far.
type matched struct {
	Any       bool             `json:"any,omitzero"`
	Completed int64            `json:"completed"`
	Total     int64            `json:"total,omitzero"`
	Metrics   runsheet.Metrics `json:"metrics,omitempty"`
	Pace      pace             `json:"pace,omitempty"`
}

func (t regex) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: t.Name(), Unit: unit(spec, "")}
	var patterns []*regexp.Regexp
	for _, text := range spec.Patterns {
		re, err := regexp.Compile(text)
		if err != nil {
			return p, err // the sheet was read by another version
		}
		patterns = append(patterns, re)
	}
	rels, err := t.logs(ev, spec)
	if err != nil {
		return p, err
	}
	for _, rel := range rels {
		m, err := follow(ev, rel, format[matched]{
			key:   "regex/1 " + strings.Join(spec.Patterns, "\x00"),
			split: byRedraw,
			take: func(m *matched, piece []byte) {
				text := clean(piece)
				for _, re := range patterns {
					m.match(re, text)
				}
				if m.Any {
					ev.Point(m.Completed, m.Metrics)
				}
			},
			done: func(m *matched, at time.Time) { m.Pace.see(at, m.Completed) },
		})
		if err != nil {
			return p, err
		}
		if m.Any {
			p.Completed, p.Total, p.Metrics = m.Completed, m.Total, m.Metrics
			m.Pace.tell(&p)
			return p, nil
		}
	}
	return p, nil
}

func (regex) logs(ev *Evidence, spec runsheet.ProgressSpec) ([]string, error) {
	if spec.File != "" {
		rels, err := ev.Glob(spec.File)
		return ev.byChange(rels), err
	}
	ours, _ := ev.logFiles(spec)
	return ours()
}

// match takes a line in if it matches.
func (m *matched) match(re *regexp.Regexp, text string) {
	groups := re.FindStringSubmatch(text)
	for i, name := range re.SubexpNames() {
		if groups == nil || name == "" || groups[i] == "" {
			continue
		}
		value := strings.ReplaceAll(groups[i], ",", "") // 1,000
		switch name {
		case "completed":
			if n, ok := parseCount(value); ok {
				m.Completed, m.Any = n, true
			}
		case "total":
			if n, ok := parseCount(value); ok {
				m.Total = n
			}
		default:
			if v, ok := parseFloat(value); ok {
				if m.Metrics == nil {
					m.Metrics = runsheet.Metrics{}
				}
				m.Metrics[name] = v
			}
		}
	}
}
