package observe

import (
	"os"
	"testing"

	"runsheet/internal/durable"
)

// What the kernel makes up is no place for runs: it changes while it is walked, and has no end.
func TestDiscoverPassesOverPseudoFileSystems(t *testing.T) {
	for path, want := range map[string]bool{"/proc": true, "/sys": true, "/dev": true, t.TempDir(): false, "/": false} {
		if _, err := os.Stat(path); err == nil && pseudo(path) != want {
			t.Errorf("%s: %v", path, !want)
		}
	}
	if runs, err := Discover(durable.OS(), "/proc"); err != nil || len(runs) > 0 {
		t.Errorf("%d runs, %v", len(runs), err)
	}
}
