package launcher_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// refusing is a queue whose entry "brief" of the pool takes nothing, ever.
type refusing struct {
	*queue
	refused []string // the runs that it refused
}

func (q *refusing) Start(ctx context.Context, launches []runsheet.Launch) []error {
	if launches[0].Claim.Host != "brief" {
		return q.Fake.Start(ctx, launches)
	}
	errs := make([]error, len(launches))
	for i, l := range launches {
		q.refused = append(q.refused, l.Claim.Run)
		errs[i] = fmt.Errorf("%w: too long for it", runsheet.ErrRefused)
	}
	return errs
}

// TestRefused: what an entry of the pool refuses for good goes to the next one, uses up no retry, and whatever asks for the
// same is not offered to it again, before a person asks for a retry or launches anew. What asks for less is.
func TestRefused(t *testing.T) {
	b := newBench(t, exits(1), "a", "b", "c", "d")
	b.sheet.Policy.Retries = 1
	b.sheet.Pool = []runsheet.PoolEntry{{Kind: "fake", Name: "brief", Called: "brief", Jobs: 1}, {Kind: "fake", Name: "long", Called: "long", Jobs: 1}}
	b.sheet.Runs[2].Resources.CPUs = 1
	b.sheet.Runs[3].Pool = []string{"brief"}
	q := &refusing{queue: &queue{Fake: b.fake}}
	out, err := b.launcherOf(q, nil).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "c"}; !slices.Equal(q.refused, want) {
		t.Errorf("it refused %q, not %q", q.refused, want)
	}
	for run, want := range map[string][]string{"a": {"brief void", "long exit", "long exit"}, "b": {"long exit", "long exit"}, "c": {"brief void", "long exit", "long exit"}, "d": nil} {
		if got := b.hosts(run); !slices.Equal(got, want) {
			t.Errorf("the attempts of %s are %q, not %q", run, got, want)
		}
	}
	if len(out.GivenUp) != 4 {
		t.Errorf("given up: %q", out.GivenUp)
	}
	if v := b.look("a", 1); v.End.Cause.Kind != runsheet.CauseRefused {
		t.Errorf("%+v", v.End)
	}

	q.refused = nil
	sys := record.NewSystem(b.disk)
	if _, err := record.Request(sys, b.sheet.Runs[1].WorkDir, runsheet.RequestRetry, "alice"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.launcherOf(q, nil).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(q.refused) == 0 {
		t.Error("launched anew, it was asked for nothing")
	}
}

// hosts returns where each attempt of a run was to run, and how it ended.
func (b *bench) hosts(run string) (out []string) {
	b.t.Helper()
	for n := 1; ; n++ {
		v, err := record.LookAt(record.NewSystem(durable.OS()), filepath.Join(b.sheet.Dir, "runs", run), n)
		if err != nil {
			b.t.Fatal(err)
		}
		if v.Claim == nil {
			return out
		}
		end := "none"
		if v.End != nil {
			end = string(v.End.Kind)
		}
		out = append(out, v.Claim.Host+" "+end)
	}
}
