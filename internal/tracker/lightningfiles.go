package tracker

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"runsheet"
)

// versions returns the directories of the versions, the one that counts most first.
func (l lightning) versions(ev *Evidence, spec runsheet.ProgressSpec) ([]string, error) {
	if len(spec.Files) > 0 {
		return []string{path.Dir(spec.Files[0])}, nil
	}
	top, err := ev.List(".")
	if err != nil {
		return nil, err
	}
	roots := []string{"."}
	for _, e := range top {
		if e.Dir && (slices.Contains(lightningPlaces, e.Name) || spec.Tracker == l.Name()) {
			roots = append(roots, e.Name)
		}
	}
	var found []string
	for _, root := range roots {
		entries, err := ev.List(root)
		if err != nil {
			return nil, err
		}
		versions := lightningVersions(ev, root, entries)
		if len(versions) == 0 && root != "." {
			var below []string
			for _, e := range entries {
				if e.Dir {
					below = append(below, path.Join(root, e.Name))
				}
			}
			for _, dir := range ev.latest(below, maxLightningDirs) {
				named, err := ev.List(dir)
				if err != nil {
					return nil, err
				}
				versions = append(versions, lightningVersions(ev, dir, named)...)
			}
		}
		found = append(found, versions...)
	}
	if len(found) == 0 && ev.has(".", lightningCheckpoints) && hasCheckpoint(ev, lightningCheckpoints) { // a Trainer without a logger
		return []string{"."}, nil
	}
	// Of several names, the one whose newest version changed last.
	newest := map[string]int64{}
	for _, dir := range found {
		for _, rel := range []string{dir, path.Join(dir, lightningMetrics)} {
			ev.Witness(rel)
			if st, err := ev.Look(rel); err == nil {
				newest[path.Dir(dir)] = max(newest[path.Dir(dir)], st.MTime)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b string) int {
		return cmp.Or(cmp.Compare(newest[path.Dir(b)], newest[path.Dir(a)]), cmp.Compare(path.Dir(b), path.Dir(a)),
			cmp.Compare(versionOf(b), versionOf(a)))
	})
	return found, nil
}

// versionOf returns the number of a directory version_<N>; -1 where it is none.
func versionOf(dir string) int64 {
	digits, ok := strings.CutPrefix(path.Base(dir), "version_")
	if n, is := parseCount(digits); ok && is {
		return n
	}
	return -1
}

// lightningVersions returns the versions in a directory that Lightning has left.
func lightningVersions(ev *Evidence, dir string, entries []Entry) []string {
	var all []string
	for _, e := range entries {
		if e.Dir && versionOf(e.Name) >= 0 {
			all = append(all, path.Join(dir, e.Name))
		}
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Compare(versionOf(b), versionOf(a)) })
	return slices.DeleteFunc(all[:min(len(all), maxLightningVersions)], func(v string) bool {
		return !ev.has(v, "hparams.yaml") && !isLightningHeader(ev.csvHeader(path.Join(v, lightningMetrics))) &&
			!hasCheckpoint(ev, path.Join(v, lightningCheckpoints))
	})
}

func isLightningHeader(header []string) bool { return hasAll(header, "epoch", "step") }

// hasCheckpoint says whether a directory holds a checkpoint whose name tells epoch and step.
func hasCheckpoint(ev *Evidence, dir string) bool {
	entries, _ := ev.List(dir) // what cannot be listed is told by whoever reads there
	return slices.ContainsFunc(entries, func(e Entry) bool { _, ok := checkpointOf(e.Name); return ok })
}

// lightningCheckpoint is what the name of a checkpoint tells.
type lightningCheckpoint struct {
	name  string
	epoch int64 // under way when it was made, counted from 0
	steps int64 // 0: not told
}

// checkpointOf reads the name of a checkpoint, as "epoch=3-step=40.ckpt" or "epoch=2-val_loss=1.028.ckpt".
func checkpointOf(name string) (lightningCheckpoint, bool) {
	c := lightningCheckpoint{name: name, epoch: -1}
	text, ok := strings.CutSuffix(name, ".ckpt")
	if !ok || len(text) > 1000 {
		return c, false
	}
	number := func(key string) (int64, bool) {
		_, after, ok := strings.Cut(text, key)
		digits := after[:len(after)-len(strings.TrimLeft(after, "0123456789"))]
		n, is := parseCount(digits)
		return n, ok && is && n < maxCount
	}
	if c.epoch, ok = number("epoch="); !ok {
		return c, false
	}
	c.steps, _ = number("step=")
	return c, true
}

// span is from which to which step an epoch was seen, both counted from 0.
type span struct {
	Epoch int64 `json:"epoch"`
	First int64 `json:"first"`
	Last  int64 `json:"last"`
}

// lightningState is what the lines of a metrics.csv say.
type lightningState struct {
	Table   csvTable         `json:"table,omitzero"`
	Spans   []span           `json:"spans,omitempty"` // of the last few epochs
	Metrics runsheet.Metrics `json:"metrics,omitempty"`
	Steps   pace             `json:"steps,omitempty"`
	Epochs  pace             `json:"epochs,omitempty"`
}

func (s *lightningState) line(line []byte, point func(int64, runsheet.Metrics)) {
	cells, ok := s.Table.row(line)
	epoch, isEpoch := asCount(cells["epoch"])
	step, isStep := asCount(cells["step"])
	if _, there := cells["step"]; !ok || !there || !isStep || step >= maxCount {
		return
	}
	m := runsheet.Metrics{}
	trained := false
	for name, v := range cells {
		if name == "epoch" || name == "step" {
			continue
		}
		m[name] = v
		trained = trained || !strings.HasPrefix(name, "test")
	}
	if !trained {
		return // of a Trainer.test, which begins at step 0
	}
	if s.Metrics == nil {
		s.Metrics = runsheet.Metrics{}
	}
	for name, v := range m {
		if _, known := s.Metrics[name]; known || len(s.Metrics) < maxMetrics {
			s.Metrics[name] = v
		}
	}
	point(step+1, m)
	if _, there := cells["epoch"]; !there || !isEpoch || epoch >= maxCount {
		if n := len(s.Spans); n > 0 {
			epoch = s.Spans[n-1].Epoch // a line of a logger whose step the user sets
		} else {
			epoch = 0
		}
	}
	s.Spans = sawSpan(s.Spans, epoch, step)
}

// sawSpan notes that a step was made in an epoch. Epochs that are seen again after a resume begin anew.
func sawSpan(spans []span, epoch, step int64) []span {
	spans = slices.Clone(spans)
	for n := len(spans); n > 0; n = len(spans) {
		last := &spans[n-1]
		if last.Epoch < epoch {
			break
		}
		if last.Epoch == epoch && step >= last.First {
			last.Last = step
			return spans
		}
		spans = spans[:n-1]
	}
	spans = append(spans, span{epoch, step, step})
	return spans[max(0, len(spans)-maxSpans):]
}

// over says whether the epoch in which a checkpoint was made was over then: where its steps are as many times those of an
// epoch as the lines allow, or another checkpoint has it.
func (c lightningCheckpoint) over(spans []span, all []lightningCheckpoint) bool {
	epochs := c.epoch + 1
	if c.steps == 0 || c.steps%epochs != 0 || c.epoch == 0 {
		return false // the steps of the first epoch can be any
	}
	each := c.steps / epochs
	fits := len(spans) > 0
	for _, s := range spans {
		// Epochs in the millions would overflow the product.
		fits = fits && s.First/each >= s.Epoch && s.Last/each <= s.Epoch
	}
	return fits && len(spans) > 1 || slices.ContainsFunc(all, func(d lightningCheckpoint) bool {
		return d.epoch != c.epoch && d.steps%(d.epoch+1) == 0 && d.steps/(d.epoch+1) == each
	})
}
