package images

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"runsheet/internal/durable"
	"runsheet/internal/journal"
)

// fact is something that a writer was told is durable.
type fact struct {
	Kind   string // what was done: "claim", "start", ...
	Path   string // where it stands
	Want   string // what the file must contain: a nonce, a name that is used once
	Number int64  // of an event in its journal, counted from 0; the least number of a replaced document
}

// The kinds of facts whose files are not write-once.
const (
	eventFact    = "event"    // a line of a journal
	documentFact = "document" // a document that is replaced again and again
	progressFact = "progress" // the cached progress, replaced by the cache
)

func (f fact) String() string {
	return fmt.Sprintf("%s %s %s %d", f.Kind, f.Path, f.Want, f.Number)
}

// holds says what is wrong with the file that a fact stands in; "" if nothing is. It reads by itself, not through the
// packages whose word is in doubt.
func (f fact) holds() string {
	data, err := os.ReadFile(f.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "is missing; beside it: " + neighbours(f.Path)
	case err != nil:
		return err.Error()
	}
	switch f.Kind {
	case eventFact:
		events, err := journal.Parse(data)
		if int64(len(events)) > f.Number && events[f.Number].Text == f.Want {
			return ""
		}
		return fmt.Sprintf("has %d events in %d bytes (%v), and not this one", len(events), len(data), err)
	case documentFact, progressFact:
		n, err := number(f.Kind, data)
		if err != nil {
			return fmt.Sprintf("is torn: %v: %s", err, glimpse(data))
		}
		if n < f.Number {
			return fmt.Sprintf("is number %d: an older one", n)
		}
		return ""
	}
	if !json.Valid(data) {
		return "is torn: " + glimpse(data)
	}
	if !bytes.Contains(data, []byte(`"`+f.Want+`"`)) {
		return "is another one: " + glimpse(data)
	}
	return ""
}

// document is what is replaced again and again, by its writer alone.
type document struct {
	Number int64
	Text   string
	Sum    uint32 // CRC-32 of the text
}

// number returns how far a replaced document is.
func number(kind string, data []byte) (int64, error) {
	if kind == progressFact {
		var doc struct {
			Schema   string
			Progress *struct{ Completed int64 }
		}
		if err := json.Unmarshal(data, &doc); err != nil {
			return 0, err
		}
		if doc.Schema == "" || doc.Progress == nil {
			return 0, errors.New("no document of the cache")
		}
		return doc.Progress.Completed, nil
	}
	var doc document
	if err := json.Unmarshal(data, &doc); err != nil {
		return 0, err
	}
	if crc32.ChecksumIEEE([]byte(doc.Text)) != doc.Sum {
		return 0, errors.New("the sum is wrong")
	}
	return doc.Number, nil
}

// torn lists the documents of ours below root that are not whole, whether anybody was told of them or not. What begins
// as a temporary file never got its name.
func torn(root string) (found []string, whole int, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.HasPrefix(d.Name(), durable.TempPrefix) || strings.Contains(path, "/epoch_") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		switch {
		case strings.HasSuffix(path, ".json"):
			err = json.Unmarshal(data, new(map[string]any))
		case strings.HasSuffix(path, ".jsonl"):
			_, err = journal.Parse(data)
		default:
			return nil // locks, and what is not yet published
		}
		if err != nil {
			found = append(found, fmt.Sprintf("%s: %v: %s", path, err, glimpse(data)))
			return nil
		}
		whole++
		return nil
	})
	return found, whole, err
}

// glimpse shows a little of a file.
func glimpse(data []byte) string {
	return fmt.Sprintf("%d bytes, beginning %.60q", len(data), bytes.TrimSpace(data))
}

// neighbours lists what there is where a file should be.
func neighbours(path string) string {
	dir := filepath.Dir(path)
	entries, err := os.ReadDir(dir)
	for errors.Is(err, fs.ErrNotExist) && dir != "/" {
		dir = filepath.Dir(dir)
		entries, err = os.ReadDir(dir)
	}
	if err != nil {
		return err.Error()
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return fmt.Sprintf("%s has %.300q", dir, names)
}
