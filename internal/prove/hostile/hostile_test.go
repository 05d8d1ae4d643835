package hostile

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"runsheet/internal/prove/method"
)

func TestDiscover(t *testing.T) {
	root, why := source()
	if why != "" {
		t.Fatal(why)
	}
	all, err := discover(root)
	if err != nil || len(all) < len(needed()) {
		t.Errorf("%v, %v", all, err)
	}
	if slices.ContainsFunc(all, func(t target) bool { return strings.Contains(t.dir, "testdata") }) {
		t.Errorf("%v", all)
	}
	if _, err := discover(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("nothing is missing in an empty tree: %v", err)
	}
}

func TestLeftOutWithoutSource(t *testing.T) {
	t.Chdir(t.TempDir())
	r, err := Method().Run(t.Context(), method.Config{Dir: t.TempDir(), Say: t.Logf})
	if err != nil || !strings.Contains(r.LeftOut, "source tree") {
		t.Errorf("%+v, %v", r, err)
	}
}

// A module with targets of which one crashes, one takes too much memory and one is fine: the first two are told with
// their input, and nothing is left in the module.
func TestFindsPlantedFaults(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ours, why := source()
	if why != "" {
		t.Fatal(why)
	}
	bound, err := os.ReadFile(filepath.Join(ours, "internal/prove/hostile/bound/bound.go"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, "bound"), 0o700); err != nil {
		t.Fatal(err)
	}
	write("go.mod", "module planted\n\ngo 1.26\n")
	write("bound/bound.go", string(bound))
	planted, err := os.ReadFile("testdata/planted.txt")
	if err != nil {
		t.Fatal(err)
	}
	write("planted_test.go", string(planted))
	all, err := build(t.Context(), root, "planted", t.TempDir(), []string{"."})
	if err != nil {
		t.Fatal(err)
	}
	b := all["."]
	for name, want := range map[string]string{"FuzzCrash": "index out of range", "FuzzMemory": "MiB of memory", "FuzzFine": ""} {
		o, err := b.fuzz(t.Context(), target{".", name}, 3*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if want == "" && (o.fault != "" || o.execs == 0) || !strings.Contains(o.fault, want) || want != "" && !strings.Contains(o.fault, "[]byte(") {
			t.Errorf("%s: %+v", name, o)
		}
	}
	// An input that the engine blames is judged by itself.
	dir := filepath.Join(b.dir, "testdata", "fuzz", "FuzzCrash")
	for id, harmless := range map[string]bool{"good": true, "bad": false} {
		text := map[bool]string{true: "b", false: "x"}[harmless]
		if err := os.WriteFile(filepath.Join(dir, id), []byte("go test fuzz v1\n[]byte(\""+text+"\")\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := b.harmless(t.Context(), target{".", "FuzzCrash"}, id); got != harmless {
			t.Errorf("%s: %v", id, got)
		}
	}
	if left, err := filepath.Glob(filepath.Join(root, "testdata")); err != nil || len(left) > 0 {
		t.Errorf("left in the module: %v, %v", left, err)
	}
}
