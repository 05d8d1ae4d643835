package tracker

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// hfSaved is a checkpoint with its state.
type hfSaved struct {
	step int64
	rel  string // of the state
	at   time.Time
}

// hfCheckpoints lists the checkpoints that have a state, the highest first.
func hfCheckpoints(ev *Evidence) ([]hfSaved, error) {
	steps, err := ev.numbered(".", hfCheckpoint)
	if err != nil {
		return nil, err
	}
	var out []hfSaved
	for _, n := range steps[:min(len(steps), maxHFCheckpoints)] {
		rel := path.Join(n.Name, hfStateName)
		ev.Witness(rel)
		st, err := ev.Look(rel)
		if err != nil {
			return nil, err
		}
		if st.Kind == Regular {
			out = append(out, hfSaved{n.n, rel, stampTime(st.MTime)})
		}
	}
	return out, nil
}

// numbered is a directory that is called <prefix><n>.
type numbered struct {
	Entry
	n int64
}

// numbered lists the directories in a directory whose names are the prefix and a number, the highest first.
func (ev *Evidence) numbered(dir, prefix string) ([]numbered, error) {
	entries, err := ev.List(dir)
	if err != nil {
		return nil, err
	}
	var out []numbered
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name, prefix)
		if !ok || !e.Dir || digits == "" || strings.Trim(digits, "0123456789") != "" {
			continue
		}
		if n, ok := parseCount(digits); ok {
			out = append(out, numbered{e, n})
		}
	}
	slices.SortStableFunc(out, func(a, b numbered) int { return int(min(max(b.n-a.n, -1), 1)) })
	return out, nil
}

// hfNewest returns the state that tells how far the training is; nil where there is none.
func hfNewest(ev *Evidence, cps []hfSaved) (*hfState, error) {
	var first error // of a state that makes no sense
	read := func(rel string) (*hfState, error) {
		var s *hfState
		moving, err := ev.steadily(rel, func() (err error) {
			s, err = hfRead(ev, rel, 0, nil)
			return err
		})
		switch {
		case absent(err):
			return nil, nil // removed in between, as the witness will show
		case isBroken(err):
			if moving {
				ev.moving = true
				err = fmt.Errorf("%w; it is still being written", err)
			}
			if first == nil {
				first = err
			}
			return nil, nil
		}
		return s, err
	}
	ev.Witness(hfStateName)
	var top *hfState
	var last time.Time // when the state that was written last was written
	lastRel := ""
	st, err := ev.Look(hfStateName)
	if err != nil {
		return nil, err
	}
	if st.Kind != Absent {
		if top, err = read(hfStateName); err != nil {
			return nil, err
		}
		if top != nil {
			last, lastRel = stampTime(st.MTime), top.Rel
		}
	}
	for _, c := range cps {
		if top != nil && (top.Rel != hfStateName || c.step <= top.Step) {
			break
		}
		s, err := read(c.rel)
		if err != nil {
			return nil, err
		}
		if s != nil {
			top = s
		}
	}
	if top == nil {
		return nil, first
	}
	ev.passOver(first)
	for _, c := range cps {
		if c.step <= top.Step && c.at.After(last) {
			last, lastRel = c.at, c.rel
		}
	}
	if lastRel != top.Rel {
		other, err := read(lastRel)
		if err != nil {
			return nil, err
		}
		if other != nil && other.Step < top.Step && other.Rows > 0 {
			again, err := hfRead(ev, top.Rel, other.Rows, nil)
			if err == nil && again.Prefix != other.Sum {
				return other, nil // another training, which began above the files of an old one
			}
		}
	}
	return top, nil
}
