package progress

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/tracker"
)

const (
	cacheSchema = "runsheet.cache/1"
	maxCache    = 4 << 20 // bytes of a document
	// maxMemos is of how many documents the decoded form is kept in memory. More runs than this are only slower.
	maxMemos = 1024
	// documentName is the progress.json of the original layout.
	documentName = "progress.json"
)

// document is what the cache keeps of a run.
type document struct {
	Schema    string            `json:"schema"`
	Spec      string            `json:"spec"` // digest of the spec that it was made for
	Settled   bool              `json:"settled"`
	OfAge     int64             `json:"of_age,omitzero"` // not settled: when the youngest witness is older than the tick, ns since 1970
	Tick      int64             `json:"tick"`            // ns
	Progress  runsheet.Progress `json:"progress"`
	Witnesses []tracker.Witness `json:"witnesses"`
	// Cursors is where the next reading of growing files goes on. They hold by themselves, whatever became of the
	// witnesses, and whatever the document was made for.
	Cursors []tracker.Cursor `json:"cursors,omitempty"`
	// Published is what stood in progress.json, written by us. It is compared instead of its stamp: our own writing
	// would make every witness young.
	Published string `json:"published,omitempty"`

	paths []string // of the witnesses
}

// memo is a document as it was decoded. It holds or not by its own witnesses, whatever became of the document since:
// the stamp only tells when there is a newer one to read.
type memo struct {
	place place
	stamp tracker.Stamp // of the document, before it was read
	doc   *document
	logs  *tracker.Logs

	spec     atomic.Pointer[runsheet.ProgressSpec] // one with the document's digest
	verified atomic.Pointer[tracker.Stamp]         // progress.json, read as published when its stamp had come of age
}

func newMemo(pl place, stamp tracker.Stamp, doc *document) *memo {
	for i := range doc.Witnesses {
		doc.paths = append(doc.paths, doc.Witnesses[i].Abs(pl.workDir))
	}
	return &memo{place: pl, stamp: stamp, doc: doc, logs: &tracker.Logs{}}
}

// madeFor says whether the document was made for spec.
func (m *memo) madeFor(spec runsheet.ProgressSpec) bool {
	if known := m.spec.Load(); known != nil && equal(known, &spec) {
		return true
	}
	if digest(spec) != m.doc.Spec {
		return false
	}
	kept := spec // nobody else can change it
	kept.Files, kept.Patterns, kept.Metrics, kept.Cuts = slices.Clone(spec.Files), slices.Clone(spec.Patterns), slices.Clone(spec.Metrics), slices.Clone(spec.Cuts)
	if e := spec.EarlyStopping; e != nil {
		kept.EarlyStopping = &runsheet.EarlyStopping{Patience: e.Patience, Metrics: slices.Clone(e.Metrics)}
	}
	m.spec.Store(&kept)
	return true
}

// equal compares two specs, quickly: every reader asks.
func equal(a, b *runsheet.ProgressSpec) bool {
	if a.Tracker != b.Tracker || a.Total != b.Total || a.Epochs != b.Epochs || a.Exited != b.Exited || a.Unit != b.Unit || a.Log != b.Log || !slices.Equal(a.Files, b.Files) ||
		a.File != b.File || a.Step != b.Step || a.FromZero != b.FromZero || a.TotalFrom != b.TotalFrom || a.Command != b.Command ||
		!slices.Equal(a.Patterns, b.Patterns) || !slices.Equal(a.Metrics, b.Metrics) || !slices.Equal(a.Cuts, b.Cuts) {
		return false
	}
	x, y := a.EarlyStopping, b.EarlyStopping
	return x == y || x != nil && y != nil && x.Patience == y.Patience && slices.Equal(x.Metrics, y.Metrics)
}

func digest(spec runsheet.ProgressSpec) string {
	data, err := json.Marshal(spec)
	if err != nil {
		return "" // it cannot happen: strings and numbers only; no document has an empty digest
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// recall returns the decoded document of workDir if it lies in its .runsheet and is still the newest there; nil if not.
func (c *Cache) recall(workDir string) *memo {
	c.mu.RLock()
	m := c.memos[workDir]
	c.mu.RUnlock()
	if m == nil || !m.place.ours || m.stamp.Kind != tracker.Regular || tracker.LookAt(c.disk, m.place.doc) != m.stamp {
		return nil
	}
	return m
}

// load reads the document whole, and decodes it, unless it was decoded before. It returns nil where there is none. A
// damaged one is no document either: the evidence is the authority.
func (c *Cache) load(pl place) *memo {
	c.mu.RLock()
	m := c.memos[pl.workDir]
	c.mu.RUnlock()
	stamp := tracker.LookAt(c.disk, pl.doc)
	if m != nil && m.place == pl && m.stamp == stamp {
		return m
	}
	if stamp.Kind == tracker.Absent || pl.lock == "" {
		return nil
	}
	doc := &document{}
	raw, _, err := durable.Read(c.disk, "progress", pl.doc, maxCache)
	if err == nil {
		err = json.Unmarshal(raw, doc)
	}
	if err == nil && doc.Schema != cacheSchema {
		err = fmt.Errorf("schema %q instead of %q", doc.Schema, cacheSchema)
	}
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			c.opts.OnDamage(pl.doc, err)
		}
		return nil
	}
	m = newMemo(pl, stamp, doc)
	c.remember(m)
	return m
}

// remember keeps the decoded form of a document.
func (c *Cache) remember(m *memo) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := m.place.workDir
	if old := c.memos[key]; old != nil {
		m.logs = old.logs
	} else if len(c.memos) >= c.limit {
		for k := range c.memos {
			delete(c.memos, k) // any: it is only decoded again
			break
		}
	}
	c.memos[key] = m
}

// holds says whether every witness is what it was.
func (c *Cache) holds(m *memo, now time.Time) bool {
	for i := range m.doc.Witnesses {
		w := &m.doc.Witnesses[i]
		if w.Path == documentName && m.doc.Published != "" {
			if !c.stillOurs(m, now) {
				return false
			}
		} else if !w.Holds(c.disk, m.doc.paths[i]) {
			return false
		}
	}
	return true
}

// stillOurs says whether progress.json is what we published. It is read, unless it was already read with this very
// stamp, which was older than the tick then.
func (c *Cache) stillOurs(m *memo, now time.Time) bool {
	path := filepath.Join(m.place.workDir, documentName)
	st := tracker.LookAt(c.disk, path)
	if known := m.verified.Load(); known != nil && *known == st {
		return true
	}
	if st.Kind != tracker.Regular {
		return false
	}
	data, _, err := durable.Read(c.disk, "progress", path, maxCache)
	if err != nil || string(data) != m.doc.Published {
		return false
	}
	if now.UnixNano()-st.Newest() >= m.doc.Tick {
		m.verified.Store(&st)
	}
	return true
}
