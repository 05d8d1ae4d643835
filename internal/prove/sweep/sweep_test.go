package sweep

import (
	"testing"

	"runsheet/internal/prove/method"
)

func TestX(t *testing.T) {
	r, err := run(t.Context(), method.Config{Dir: t.TempDir(), Seed: 1, Say: t.Logf})
	t.Log(r.Figures)
	for _, v := range r.Violations {
		t.Error(v)
	}
	if err != nil {
		t.Fatal(err)
	}
}
