package tracker

import (
	"errors"
	"io"
	"path"
	"strings"

	"runsheet"
)

// Of a document with more metrics than this the rest is left out.
const maxMetrics = 1000

// scores reads the metrics out of a JSON document: the scalars below `aggregated`, wherever that stands at the top or
// one level below it (of several tasks or data sets, as task.score); where there is none, the scalars at the top.
// `per_datapoint` can be megabytes and is passed over. Only numbers count; non-finite ones are normal. The document is
// checked to its end.
func (ev *Evidence) scores(rel string) (runsheet.Metrics, error) {
	if m, ok := ev.scored[rel]; ok {
		return m, nil
	}
	var m runsheet.Metrics
	err := ev.read(rel, maxScores, func(r io.Reader) (err error) {
		if m, err = parseScores(r); err != nil {
			return ev.broken(rel, err)
		}
		return nil
	})
	if err == nil {
		ev.scored[rel] = m // whoever asks twice in one reading is told the same, also where the file changed within a tick
	}
	return m, err
}

// broken turns a fault in the contents of rel into a *brokenError; an error of reading stays what it is.
func (ev *Evidence) broken(rel string, err error) error {
	var syn *syntaxError
	if !errors.As(err, &syn) {
		return unreadable(rel, err)
	}
	size, ok := ev.sizes[rel]
	switch {
	case syn.cut:
		size = syn.offset // it may have been emptied since it was opened
	case !ok:
		size = ev.looks[rel].resolved().Size
	}
	return &brokenError{rel: rel, size: size, err: err}
}

func parseScores(r io.Reader) (runsheet.Metrics, error) {
	c := collector{s: newScanner(r), aggregated: runsheet.Metrics{}, top: runsheet.Metrics{}}
	err := c.s.document(func(depth int) error {
		if c.s.kind() != '{' {
			return c.s.skip(depth)
		}
		return c.s.object(depth, c.member)
	})
	if err != nil {
		return nil, err
	}
	if len(c.aggregated) > 0 {
		return c.aggregated, nil
	}
	return c.top, nil
}

// collector picks the metrics out of a scores document.
type collector struct {
	s               *scanner
	aggregated, top runsheet.Metrics
}

const aggregatedKey = "aggregated"

// member reads a member of the document.
func (c *collector) member(key string) error {
	switch {
	case c.s.kind() != '{':
		return c.number(c.top, key, 1)
	case key == aggregatedKey:
		return c.flatten("", 1)
	}
	// A task or a data set with its own scores, perhaps.
	return c.s.object(1, func(inner string) error {
		if inner == aggregatedKey && c.s.kind() == '{' {
			return c.flatten(key+".", 2)
		}
		return c.s.skip(2)
	})
}

// flatten reads an object of metrics and of further such objects.
func (c *collector) flatten(prefix string, depth int) error {
	return c.s.object(depth, func(key string) error {
		if c.s.kind() == '{' {
			return c.flatten(prefix+key+".", depth+1)
		}
		return c.number(c.aggregated, prefix+key, depth+1)
	})
}

// number puts a number under key into m; other values are passed over.
func (c *collector) number(m runsheet.Metrics, key string, depth int) error {
	if k := c.s.kind(); k == '[' || k == '"' || k == '{' {
		return c.s.skip(depth)
	}
	v, err := c.s.scalar()
	if err != nil {
		return err
	}
	if f, ok := v.(float64); ok && (len(m) < maxMetrics) {
		m[key] = f
	}
	return nil
}

// scoreFiles returns where an epoch's metrics may stand, the likeliest first.
func scoreFiles(expected []string) []string {
	var likely, possible []string
	known := false
	for _, f := range expected {
		switch base := path.Base(f); {
		case !strings.HasSuffix(base, ".json"):
		case strings.Contains(base, "score"):
			likely = append(likely, f)
		default:
			possible = append(possible, f)
		}
		known = known || f == scoresName
	}
	if len(likely) > 0 {
		return likely
	}
	if !known {
		possible = append(possible, scoresName)
	}
	return possible
}
