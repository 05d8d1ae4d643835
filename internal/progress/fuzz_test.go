package progress

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/prove/hostile/bound"
	"runsheet/internal/record"
)

// careless is a disk that never waits for the platter: thousands of inputs a second are worth more here.
type careless struct{ durable.Disk }

type carelessFile struct{ durable.File }

func (carelessFile) Sync() error { return nil }

func (d careless) Open(label, path string, flag int, perm fs.FileMode) (durable.File, error) {
	f, err := d.Disk.Open(label, path, flag, perm)
	if err != nil {
		return nil, err
	}
	return carelessFile{f}, nil
}

// Whatever stands in the cache, the answer comes; and what is no document of ours is not believed.
func FuzzCache(f *testing.F) {
	dir := filepath.Join(f.TempDir(), "run")
	must(f, os.MkdirAll(record.Dir(dir), 0o700))
	addEpoch(f, dir, 0)
	time.Sleep(2 * fineTick)
	New(durable.OS(), Options{}).Get(context.Background(), dir, stormSpec, false)
	whole, err := os.ReadFile(record.ProgressPath(dir))
	must(f, err)
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	for _, s := range []string{"", "null", `{"schema": "runsheet.cache/1", "settled": true}`, `{"schema": "runsheet.cache/1", "tick": -9e18, "of_age": 9223372036854775807}`,
		`{"schema": "runsheet.cache/1", "witnesses": [{"path": "../../..", "stamp": {"kind": "dir"}}]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		must(t, os.WriteFile(record.ProgressPath(dir), data, 0o600))
		c := New(careless{durable.OS()}, Options{Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }})
		var p runsheet.Progress
		bound.Do(t, func() { p = c.Get(context.Background(), dir, stormSpec, false) })
		if p.AsOf.IsZero() {
			t.Errorf("%q: %+v", data, p)
		}
		if !json.Valid(data) && (p.Completed != 1 || p.Error != "") {
			t.Errorf("%q was believed: %+v", data, p)
		}
	})
}
