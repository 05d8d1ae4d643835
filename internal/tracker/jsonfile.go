package tracker

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"runsheet"
)

// jsonFile reads a JSON document that the sheet names, rewritten whole again and again, at the paths that the sheet
// names: state.epoch, history.-1.loss (of lists the index, from the end where it is negative). A half-written document
// is read again while it moves.
type jsonFile struct{}

func (jsonFile) Name() string { return "json" }

func (jsonFile) Logs() string { return "" }

func (jsonFile) Recognises(*Evidence, runsheet.ProgressSpec) bool { return false }

func (t jsonFile) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: t.Name(), Unit: unit(spec, "step")}
	rels, err := ev.Glob(spec.File)
	if err != nil || len(rels) == 0 {
		p.Lacks = spec.File
		return p, err // not written yet
	}
	rel := ev.byChange(rels)[0]
	ev.Witness(rel)
	var tree any
	moving, err := ev.steadily(rel, func() error {
		return ev.read(rel, maxScores, func(r io.Reader) (err error) {
			if tree, err = parseTree(r); err != nil {
				return ev.broken(rel, err)
			}
			return nil
		})
	})
	switch {
	case absent(err):
		return p, nil // removed in between, as the witness will show
	case err != nil && moving:
		ev.moving = true
		return p, fmt.Errorf("%w; it is still being written", err)
	case err != nil:
		return p, err
	}
	v, ok := at(tree, spec.Step)
	if p.Completed, ok = countOf(v, ok); !ok {
		return p, fmt.Errorf("%s: at %s, the step of the sheet, there is no count", rel, spec.Step)
	}
	if spec.FromZero {
		p.Completed++
	}
	if v, ok := at(tree, spec.TotalFrom); ok && spec.TotalFrom != "" {
		if p.Total, ok = countOf(v, ok); !ok {
			return p, fmt.Errorf("%s: at %s, the total of the sheet, there is no count", rel, spec.TotalFrom)
		}
	}
	p.Metrics = runsheet.Metrics{}
	for _, path := range spec.Metrics {
		if v, ok := at(tree, path); ok {
			if f, ok := v.(float64); ok {
				p.Metrics[path] = f
			}
		}
	}
	if top, ok := tree.(map[string]any); ok && len(spec.Metrics) == 0 {
		for key, v := range top {
			if f, ok := v.(float64); ok && key != spec.Step && key != spec.TotalFrom {
				p.Metrics[key] = f
			}
		}
	}
	ev.paced(rel, "json pace/1 "+setUpKey(spec), &p)
	return p, nil
}

func countOf(v any, ok bool) (int64, bool) {
	f, number := v.(float64)
	if !ok || !number {
		return 0, false
	}
	return asCount(f)
}

// at returns what stands at a path in a tree, and whether there is anything.
func at(tree any, path string) (any, bool) {
	for seg := range strings.SplitSeq(path, ".") {
		switch t := tree.(type) {
		case map[string]any:
			v, ok := t[seg]
			if !ok {
				return nil, false
			}
			tree = v
		case []any:
			i, err := strconv.Atoi(seg)
			if i < 0 {
				i += len(t)
			}
			if err != nil || i < 0 || i >= len(t) {
				return nil, false
			}
			tree = t[i]
		default:
			return nil, false
		}
	}
	return tree, true
}

// maxNodes is how many values of one document are held: a few dozen bytes each.
const maxNodes = 500_000

// parseTree reads a JSON document whole: objects, lists, texts, float64, booleans and nil.
func parseTree(r io.Reader) (tree any, err error) {
	s, nodes := newScanner(r), 0
	var value func(depth int) (any, error)
	value = func(depth int) (any, error) {
		if nodes++; nodes > maxNodes {
			return nil, s.fault("more values than can be held")
		}
		switch s.kind() {
		case '{':
			out := map[string]any{}
			err := s.object(depth, func(key string) (err error) {
				out[key], err = value(depth + 1)
				return err
			})
			return out, err
		case '[':
			out := []any{}
			err := s.list(depth, '[', ']', func() error {
				v, err := value(depth + 1)
				out = append(out, v)
				return err
			})
			return out, err
		case '"':
			return s.text()
		}
		return s.scalar()
	}
	err = s.document(func(depth int) (err error) {
		tree, err = value(depth)
		return err
	})
	return tree, err
}
