package mutants

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMutantsFit makes sure that every mutant has its place in the source: one that does not fit tests nothing.
func TestMutantsFit(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, m := range table {
		data, err := os.ReadFile(filepath.Join(root, m.file))
		if err != nil {
			t.Error(err)
			continue
		}
		if n := strings.Count(string(data), m.old); m.old == "" || n != 1 {
			t.Errorf("%s: what it replaces stands %d times in %s", m.name, n, m.file)
		}
		if names[m.name] || len(m.by) == 0 || m.old == m.new {
			t.Errorf("%s: not a mutant of its own that a method is to catch", m.name)
		}
		names[m.name] = true
	}
}
