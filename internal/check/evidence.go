package check

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"path/filepath"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/progress"
	"runsheet/internal/record"
	"runsheet/internal/tracker"
)

// progress compares what is kept of a run's progress with its evidence, read anew. What is kept is read first and
// once more at the end: it is held to the evidence only if it held all the while. ended: the last attempt has ended, which
// explains what is broken.
func (c *checker) progress(ctx context.Context, f *findings, r runsheet.Run, ended bool) {
	if _, err := c.disk.Lstat(label, r.WorkDir); absent(err) {
		return
	}
	told := c.published(r.WorkDir)
	kept, holds := c.kept(ctx, f, r)
	seen := tracker.Look(ctx, c.disk, r.WorkDir, r.Progress, tracker.Options{})
	if ctx.Err() != nil {
		return
	}
	doc := filepath.Join(r.WorkDir, documentName)
	const anew = "`runsheet status --recompute` reads the evidence anew"
	if e := seen.Progress.Error; e != "" {
		if broken := seen.Progress.Broken; broken != "" && ended {
			f.note(r.WorkDir, "an attempt left it so when it ended; the next one goes on all the same", "%s", broken)
		} else if seen.Broken != nil {
			f.broken(doc, "the run shows this error until it is repaired or removed; `runsheet status --recompute` sets it aside", "%s", e)
		} else {
			f.broken(r.WorkDir, "repair or remove what cannot be read; the run shows this error until then", "%s", e)
		}
		return
	}
	if seen.Broken != nil {
		f.broken(doc, "the epochs beside it tell how far the run is; `runsheet status --recompute` sets it aside", "%s", seen.Progress.Broken)
	}
	if holds && !same(kept, seen.Progress) {
		if again, holds := c.kept(ctx, &findings{}, r); holds && same(kept, again) {
			f.broken(record.ProgressPath(r.WorkDir), anew, "the cached progress is %s, and the evidence tells of %s", describe(kept), describe(seen.Progress))
			return // what was published is as old
		}
	}
	if told != nil && (told.Completed > seen.Progress.Completed || told.EarlyStopped && !seen.Progress.EarlyStopped) {
		f.broken(doc, anew, "it tells of %s, and the evidence of %s", told.String(), seen.Progress.String())
	}
}

// describe tells of progress in a few words, and of the metrics, which may be all that differs.
func describe(p runsheet.Progress) string {
	text := p.String()
	if len(p.Metrics) > 0 {
		text += fmt.Sprintf(" with %v", map[string]float64(p.Metrics))
	}
	return text
}

const (
	documentName = "progress.json"
	maxDocument  = 4 << 20 // bytes
)

// published returns what we told the tools of the original layout about a run; nil where the training code did, or
// nobody.
func (c *checker) published(workDir string) *runsheet.Progress {
	data, _, err := durable.Read(c.disk, label, filepath.Join(workDir, documentName), maxDocument)
	if err != nil || !tracker.Ours(bytes.NewReader(data)) {
		return nil // what is broken shows when the evidence is read
	}
	var doc struct {
		Completed    *int64 `json:"completed_epochs"`
		Total        int64  `json:"total_epochs"`
		EarlyStopped bool   `json:"early_stopped"`
	}
	if json.Unmarshal(data, &doc) != nil || doc.Completed == nil {
		return nil // of an evaluation: it counts nothing
	}
	return &runsheet.Progress{Completed: *doc.Completed, Total: doc.Total, EarlyStopped: doc.EarlyStopped, Unit: "epoch", Source: "epochs"}
}

// kept returns the cached progress where it is settled and every witness holds, as anybody would be told it now. A
// damaged document of the cache is a finding.
func (c *checker) kept(ctx context.Context, f *findings, r runsheet.Run) (p runsheet.Progress, holds bool) {
	holds = true
	// A cache of its own for each question: it must not remember the answer to the one before.
	cache := progress.New(c.disk, progress.Options{
		OnCompute: func(string) { holds = false },
		OnDamage: func(path string, err error) {
			holds = false
			if path == record.ProgressPath(r.WorkDir) && errors.Is(err, durable.ErrNotRegular) {
				return // told with the other files
			}
			do, what := damaged(err)
			f.broken(path, do, "%s: %v", what, err)
		},
	})
	p = cache.Get(ctx, r.WorkDir, r.Progress, false)
	return p, holds && ctx.Err() == nil
}

// damaged says what is wrong with a cached document that cannot be understood, and what to do.
func damaged(err error) (do, what string) {
	if errors.Is(err, fs.ErrPermission) {
		return "restore access to it; until then the evidence is read anew each time", "the cached progress cannot be read"
	}
	return "remove it; it is computed anew", "the cached progress is damaged"
}

// same says whether two readings of the evidence say the same of it.
func same(a, b runsheet.Progress) bool {
	return a.Completed == b.Completed && a.Total == b.Total && a.Unit == b.Unit && a.Source == b.Source &&
		a.EarlyStopped == b.EarlyStopped && a.EarlyStoppedAt == b.EarlyStoppedAt && a.Error == b.Error &&
		maps.EqualFunc(a.Metrics, b.Metrics, func(x, y float64) bool { return x == y || math.IsNaN(x) && math.IsNaN(y) })
}
