package progress

import (
	"bytes"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
	"runsheet/internal/tracker"
)

// publishMode lets others read what we publish, as they can read the rest of the work dir.
const publishMode fs.FileMode = 0o644

// published renders progress in the original layout; nil where it has no place in it.
func published(p runsheet.Progress) []byte {
	if p.Error != "" || p.Source != "epochs" && p.Source != "evaluation" {
		return nil
	}
	var b bytes.Buffer
	field := func(name, value string) {
		if b.Len() > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, "    %q: %s", name, value)
	}
	count := func(n int64, known bool) string {
		if !known {
			return "null"
		}
		return strconv.FormatInt(n, 10)
	}
	field("schema", strconv.Quote(tracker.Schema))
	percentage := "null"
	if share, known := p.Percentage(); known {
		percentage = strconv.FormatFloat(share, 'f', -1, 64)
		if !strings.Contains(percentage, ".") {
			percentage += ".0" // a float to those who read it
		}
	}
	field("progress_percentage", percentage)
	runner := "evaluator"
	if p.Source == "epochs" {
		runner = "trainer"
		field("completed_epochs", count(p.Completed, true))
		field("early_stopped", strconv.FormatBool(p.EarlyStopped))
		field("early_stopped_at_epoch", count(p.EarlyStoppedAt, p.EarlyStopped))
		field("total_epochs", count(p.Total, p.Total > 0))
	}
	field("runner_type", strconv.Quote(runner))
	return []byte("{\n" + b.String() + "\n}\n")
}

// publish brings progress.json of the work dir up to date, where it is absent or our own, and returns what stands
// there now; "" where the training code has the say, or nothing could be written. The caller holds the lock.
func (c *Cache) publish(pl place, p runsheet.Progress) string {
	want := published(p)
	if want == nil {
		return ""
	}
	path := filepath.Join(pl.workDir, documentName)
	stamp := tracker.LookAt(c.disk, path) // before it is read: a change in between shows
	switch stamp.Kind {
	case tracker.Absent:
		if p.Completed == 0 {
			return "" // nothing to tell yet
		}
	case tracker.Regular:
		data, _, err := durable.Read(c.disk, "publish", path, maxCache)
		if err != nil || !tracker.Ours(bytes.NewReader(data)) {
			return ""
		}
		if bytes.Equal(data, want) {
			return string(want)
		}
	default:
		return ""
	}
	whole := record.PublishedPath(pl.workDir)
	if err := durable.Replace(c.disk, "publish", whole, want, publishMode); err != nil {
		return ""
	}
	var err error
	if stamp.Kind == tracker.Absent {
		// Not a rename: the training code may write its own at this moment, and that one stays.
		err = c.disk.Link("publish", whole, path)
		c.disk.Remove("publish", whole)
	} else if tracker.LookAt(c.disk, path) != stamp {
		c.disk.Remove("publish", whole)
		return ""
	} else {
		err = c.disk.Rename("publish", whole, path)
	}
	if err != nil {
		return ""
	}
	// Should this fail, a power cut may bring the old one back: the next look publishes again.
	durable.SyncDir(c.disk, "publish", pl.workDir)
	return string(want)
}

// setAside renames a broken progress.json of the training code to progress.json.foreign, or to a numbered name where
// that is taken, and says whether it did. The caller holds the lock: nobody else of ours makes such names.
func (c *Cache) setAside(pl place, broken *tracker.Witness) bool {
	path := filepath.Join(pl.workDir, documentName)
	for n := range 1000 {
		aside := path + ".foreign"
		if n > 0 {
			aside += "." + strconv.Itoa(n)
		}
		if tracker.LookAt(c.disk, aside).Kind != tracker.Absent {
			continue
		}
		if tracker.LookAt(c.disk, path) != broken.Stamp {
			return false // somebody is writing it
		}
		return c.disk.Rename("publish", path, aside) == nil
	}
	return false
}
