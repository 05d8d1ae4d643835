package unattended

import (
	"testing"

	"runsheet/internal/prove/method"
)

func TestNothingGoesWrong(t *testing.T) {
	r, err := run(t.Context(), method.Config{Dir: t.TempDir(), Seed: 1, Count: 3000, Say: t.Logf})
	if err != nil || len(r.Violations) > 0 {
		t.Fatalf("%v, violations %q", err, r.Violations)
	}
}
