package progress

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
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
	maxMemos = 4096
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
	// Published is what stood in progress.json, written by us. It is compared instead of its stamp: our own writing
	// would make every witness young.
	Published string `json:"published,omitempty"`

	paths []string // of the witnesses
}

// memo is a document as it was decoded, with the bytes that it was decoded from.
type memo struct {
	raw  []byte // what stands on disk; nil: nothing
	doc  *document
	logs *tracker.Logs

	spec     atomic.Pointer[runsheet.ProgressSpec] // one with the document's digest
	verified atomic.Pointer[tracker.Stamp]         // progress.json, read as published when its stamp had come of age
}

func newMemo(pl place, raw []byte, doc *document) *memo {
	for i := range doc.Witnesses {
		doc.paths = append(doc.paths, doc.Witnesses[i].Abs(pl.workDir))
	}
	return &memo{raw: raw, doc: doc, logs: &tracker.Logs{}}
}

// madeFor says whether the document was made for spec.
func (m *memo) madeFor(spec runsheet.ProgressSpec) bool {
	if known := m.spec.Load(); known != nil && reflect.DeepEqual(*known, spec) {
		return true
	}
	if digest(spec) != m.doc.Spec {
		return false
	}
	m.spec.Store(&spec)
	return true
}

func digest(spec runsheet.ProgressSpec) string {
	data, err := json.Marshal(spec)
	if err != nil {
		return "" // it cannot happen: strings and numbers only; no document has an empty digest
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// load reads the document whole, and decodes it unless the same bytes were decoded before. It returns nil where there
// is none. A damaged one is no document either: the evidence is the authority.
func (c *Cache) load(pl place) *memo {
	raw, _, err := durable.Read(c.disk, "progress", pl.doc, maxCache)
	c.mu.RLock()
	m := c.memos[pl.doc]
	c.mu.RUnlock()
	if m != nil && (err == nil) == (m.raw != nil) && bytes.Equal(m.raw, raw) {
		return m
	}
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) && pl.lock != "" {
			c.opts.OnDamage(pl.doc, err)
		}
		return nil
	}
	doc := &document{}
	if err := json.Unmarshal(raw, doc); err != nil || doc.Schema != cacheSchema {
		if err == nil {
			err = fmt.Errorf("schema %q instead of %q", doc.Schema, cacheSchema)
		}
		c.opts.OnDamage(pl.doc, err)
		return nil
	}
	m = newMemo(pl, raw, doc)
	c.remember(pl, m)
	return m
}

// remember keeps the decoded form of a document.
func (c *Cache) remember(pl place, m *memo) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.memos[pl.doc]; old != nil {
		m.logs = old.logs
	} else if len(c.memos) >= maxMemos {
		for k := range c.memos {
			delete(c.memos, k) // any: it is only decoded again
			break
		}
	}
	c.memos[pl.doc] = m
}

// holds says whether every witness is what it was.
func (c *Cache) holds(pl place, m *memo, now time.Time) bool {
	for i := range m.doc.Witnesses {
		w := &m.doc.Witnesses[i]
		if w.Path == documentName && m.doc.Published != "" {
			if !c.stillOurs(pl, m, now) {
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
func (c *Cache) stillOurs(pl place, m *memo, now time.Time) bool {
	path := filepath.Join(pl.workDir, documentName)
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
