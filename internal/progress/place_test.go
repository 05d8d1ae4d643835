package progress

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// TestPlanted makes a place for the cache where others can write, with a document in it that lies: it is not believed,
// and nothing is written there.
func TestPlanted(t *testing.T) {
	for _, c := range []struct {
		name    string
		plant   func(t *testing.T, work, caches string) // caches is the directory above that of the documents
		planted bool                                    // or it is a place as good as any
	}{
		{"nothing", func(*testing.T, string, string) {}, false},
		{"our directory is anybody's", func(t *testing.T, work, _ string) {
			must(t, os.Mkdir(record.Dir(work), 0o700))
			must(t, os.Chmod(record.Dir(work), 0o777))
		}, false},
		{"the caches are anybody's", func(t *testing.T, _, caches string) {
			must(t, os.MkdirAll(filepath.Join(caches, "progress"), 0o700))
			must(t, os.Chmod(filepath.Join(caches, "progress"), 0o777))
		}, true},
		{"what lies above them is anybody's", func(t *testing.T, _, caches string) {
			must(t, os.MkdirAll(filepath.Join(caches, "progress"), 0o700))
			must(t, os.Chmod(caches, 0o777))
		}, true},
		{"a file in their place", func(t *testing.T, _, caches string) { must(t, os.WriteFile(caches, nil, 0o600)) }, true},
		{"a link of ours", func(t *testing.T, _, caches string) {
			must(t, os.Mkdir(caches+".far", 0o700))
			must(t, os.Symlink(caches+".far", caches))
		}, false},
		{"a link of ours to what is anybody's", func(t *testing.T, _, caches string) {
			must(t, os.Mkdir(caches+".far", 0o700))
			must(t, os.Chmod(caches+".far", 0o777))
			must(t, os.Symlink(caches+".far", caches))
		}, true},
		{"somebody else's link", func(t *testing.T, _, caches string) {
			asRoot(t)
			must(t, os.Mkdir(caches+".far", 0o700))
			must(t, os.Symlink(caches+".far", caches))
			must(t, os.Lchown(caches, 65534, 65534))
		}, true},
		{"somebody else's directory", func(t *testing.T, _, caches string) {
			asRoot(t)
			must(t, os.Mkdir(caches, 0o700))
			must(t, os.Chown(caches, 65534, 65534))
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			work := filepath.Join(t.TempDir(), "run")
			must(t, os.Mkdir(work, 0o777))
			for i := range int64(3) {
				addEpoch(t, work, i)
			}
			caches := filepath.Join(t.TempDir(), "runsheet")
			c.plant(t, work, caches)
			cache, _ := counting(t, durable.OS(), Options{CacheDir: filepath.Join(caches, "progress")})
			pl := cache.placeOf(work)
			if pl.ours {
				t.Fatal("it would be kept in the work dir")
			}
			if got := pl.lock == ""; got != c.planted {
				t.Fatalf("there is no place for it: %v", got)
			}
			if p := get(cache, work); p.Completed != 3 || p.Error != "" {
				t.Fatalf("%+v", p)
			}
			if c.planted { // a lie under the name that the document would have
				sum := New(durable.OS(), Options{CacheDir: filepath.Join(t.TempDir(), "cache")}).placeOf(work)
				lie, err := json.Marshal(document{Schema: cacheSchema, Spec: digest(stormSpec), Settled: true})
				must(t, err)
				os.WriteFile(filepath.Join(caches, "progress", filepath.Base(sum.doc)), lie, 0o600) // where there can be one
				if p := get(New(durable.OS(), Options{CacheDir: filepath.Join(caches, "progress")}), work); p.Completed != 3 {
					t.Errorf("the lie is believed: %+v", p)
				}
				return
			}
			if entries, _ := os.ReadDir(record.Dir(work)); len(entries) > 0 {
				t.Errorf("something was written into %s", record.Dir(work))
			}
		})
	}
}

func asRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make what belongs to somebody else")
	}
}
