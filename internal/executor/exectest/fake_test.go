package exectest

import (
	"context"
	"testing"

	"runsheet"
)

func TestFake(t *testing.T) {
	Suite(t, func(t *testing.T) runsheet.Executor {
		f := NewFake(func(ctx context.Context, c runsheet.Claim) int {
			if c.Command == "quick" {
				return 3
			}
			<-ctx.Done()
			return 0
		})
		t.Cleanup(f.Wait)
		return f
	}, "sleep", "quick")
}
