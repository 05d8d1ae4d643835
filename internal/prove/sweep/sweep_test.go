package sweep

import (
	"strings"
	"testing"

	"runsheet/internal/durable"
	"runsheet/internal/prove/faultdisk"
	"runsheet/internal/prove/method"
	"runsheet/internal/prove/scenario"
)

func TestNothingGoesWrong(t *testing.T) {
	r, err := run(t.Context(), method.Config{Dir: t.TempDir(), Seed: 1, Count: 150, Say: t.Logf})
	if err != nil || len(r.Violations) > 0 {
		t.Fatalf("%v, violations %q", err, r.Violations)
	}
}

// replacing is a disk that puts a document in the place of the one that is there.
type replacing struct{ durable.Disk }

func (d replacing) Link(label, oldname, newname string) error {
	d.Remove(label, newname)
	return d.Disk.Link(label, oldname, newname)
}

// TestPlantedFaults holds that what must not happen is seen.
func TestPlantedFaults(t *testing.T) {
	for _, c := range []struct {
		scenario string
		disk     durable.Disk
		want     string
	}{
		{"write-once", replacing{durable.OS()}, "two winners of once"},
		{"claim", replacing{durable.OS()}, "two winners of claim 1"},
		{"end", durable.OS(), ""},
	} {
		for _, sc := range scenario.All() {
			if sc.Name != c.scenario {
				continue
			}
			_, wrong, err := count(t.TempDir(), sc, c.disk)
			if err != nil || (wrong == nil) != (c.want == "") || wrong != nil && !strings.Contains(wrong.Error(), c.want) {
				t.Errorf("%s: %v, error %v; want %q", c.scenario, wrong, err, c.want)
			}
		}
	}
}

// TestEveryFaultIsReached holds that an operation is the same one each time, whatever its number.
func TestEveryFaultIsReached(t *testing.T) {
	sc := scenario.All()[0]
	ops, wrong, err := count(t.TempDir(), sc, base(false))
	if err != nil || wrong != nil || len(ops) < 15 {
		t.Fatalf("%d operations, %v, %v", len(ops), wrong, err)
	}
	for k, op := range ops {
		if hit, wrong, err := try(t.TempDir(), trial{sc, k, op, faultdisk.Dies}, base(false)); !hit || wrong != nil || err != nil {
			t.Errorf("operation %d, %s: reached %v, %v, %v", k, op, hit, wrong, err)
		}
	}
}
