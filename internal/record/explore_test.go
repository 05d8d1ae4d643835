package record_test

import (
	"context"
	"errors"
	"flag"
	"slices"
	"testing"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/proc"
	"runsheet/internal/record"
	"runsheet/internal/record/recordtest"
	"runsheet/internal/record/stage"
)

const work = stage.Work

var (
	plain    = []stage.Bounds{{Runs: 1000}, {Attempts: 1, Worlds: 20_000}, {Attempts: 2, Worlds: 20_000}}
	oneFault = []stage.Bounds{{Faults: 1, Runs: 3000}, {Attempts: 1, Faults: 1, Worlds: 20_000}, {Attempts: 2, Faults: 1, Worlds: 20_000}}
)

// deep is set by hand for a longer exploration: go test -run Explore -deep 1000000.
var deep = flag.Int("deep", 0, "worlds of each exploration, where the daily test is content with fewer")

// TestExplore holds the invariants of the model over interleavings: all of them where there are few enough, and drawn
// ones.
func TestExplore(t *testing.T) {
	worlds := max(*deep, 1000/thinner)
	for _, name := range stage.Scenarios() {
		t.Run(name, func(t *testing.T) {
			for _, b := range []stage.Bounds{
				{Attempts: 1, Worlds: worlds}, {Worlds: worlds}, {Attempts: 1, Faults: 1, Worlds: worlds}, {Faults: 2, Runs: worlds / 10, Seed: 1},
			} {
				st, err := b.Explore(context.Background(), name, nil)
				t.Logf("%+v: %v", b, st)
				if err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestExploreFindsMutants shows that the exploration can fail: each of these breaks one thing that the rules rest on.
func TestExploreFindsMutants(t *testing.T) {
	for _, c := range []struct {
		name, scenario string
		bounds         []stage.Bounds
		mutate         func(*stage.Model)
	}{
		{"write-once looks first and writes then", "one machine", plain, func(m *stage.Model) {
			m.Wrap = func(p *recordtest.Proc, sys record.System) record.System { sys.FS = naive{sys.FS, p}; return sys }
		}},
		{"processes are not found", "one machine", oneFault, func(m *stage.Model) {
			m.Wrap = func(p *recordtest.Proc, sys record.System) record.System { sys.Procs = blind{sys.Procs}; return sys }
		}},
		{"commands carry no token and no session", "one machine", oneFault, func(m *stage.Model) { m.NoToken = true }},
		{"evidence before records, and no second look", "one machine", plain, func(m *stage.Model) { m.EvidenceFirst, m.LookOnce, m.BadExit = true, true, true }},
		{"the journal is not asked", "removed", oneFault, func(m *stage.Model) { m.NoJournal = true }},
		{"nobody looks for lower attempts", "numbers skipped", plain, func(m *stage.Model) {
			m.Wrap = func(p *recordtest.Proc, sys record.System) record.System {
				if p.Token == "" { // a launcher
					sys.FS = onlyLast{sys.FS}
				}
				return sys
			}
		}},
		{"a fence that sees nothing", "two machines", plain, func(m *stage.Model) {
			m.Wrap = func(p *recordtest.Proc, sys record.System) record.System {
				sys.FS = hiding{sys.FS, "fence", "end.json"}
				return sys
			}
		}},
		{"elsewhere is taken for gone", "two machines", plain, func(m *stage.Model) {
			m.Wrap = func(p *recordtest.Proc, sys record.System) record.System { sys.Procs = sure{sys.Procs}; return sys }
		}},
		{"a void start that is not written", "two machines", plain, func(m *stage.Model) {
			m.Wrap = func(p *recordtest.Proc, sys record.System) record.System { sys.FS = losing{sys.FS, "void"}; return sys }
		}},
		{"a start that is not written", "one machine", plain, func(m *stage.Model) {
			m.Wrap = func(p *recordtest.Proc, sys record.System) record.System {
				sys.FS = losing{sys.FS, "start"}
				return sys
			}
		}},
		{"an end that is not written", "one machine", oneFault, func(m *stage.Model) {
			m.Wrap = func(p *recordtest.Proc, sys record.System) record.System {
				sys.FS = losing{sys.FS, "takeover"}
				return sys
			}
		}},
		{"a lock that everybody gets", "one machine", oneFault, func(m *stage.Model) {
			m.Wrap = func(p *recordtest.Proc, sys record.System) record.System {
				sys.Locks = loose{sys.Locks}
				sys.Procs = blind{sys.Procs}
				return sys
			}
		}},
		{"a stop that is not seen at the start", "stopped", plain, func(m *stage.Model) {
			m.Wrap = func(p *recordtest.Proc, sys record.System) record.System {
				sys.FS = hiding{sys.FS, "look", "000001.json"}
				return sys
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, b := range c.bounds {
				st, err := b.Explore(context.Background(), c.scenario, c.mutate)
				var v *recordtest.Violation
				if errors.As(err, &v) {
					t.Logf("%v, after %v", v.Err, st)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%+v: %v", b, st)
			}
			t.Error("not found")
		})
	}
}

// naive is the fault that write-once exists to avoid.
type naive struct {
	record.FS
	p *recordtest.Proc
}

func (f naive) WriteOnce(label, path string, data []byte) error {
	if _, err := f.FS.Read(label, path); err == nil {
		return durable.ErrExists
	}
	f.p.Step(recordtest.Step{Op: "write", Label: label, Path: path}, func() string {
		f.p.World().Put(path, data)
		return ""
	})
	return nil
}

type blind struct{ proc.Procs }

func (blind) Find(string, int, runsheet.Process) ([]runsheet.Process, error) { return nil, nil }

type sure struct{ proc.Procs }

func (p sure) Check(q runsheet.Process) proc.State {
	if s := p.Procs.Check(q); s != proc.Elsewhere {
		return s
	}
	return proc.Gone
}

// hiding does not show a name in the listings of one label.
type hiding struct {
	record.FS
	label, name string
}

func (f hiding) List(label, dir string) ([]string, error) {
	names, err := f.FS.List(label, dir)
	if label == f.label {
		names = slices.DeleteFunc(names, func(n string) bool { return n == f.name })
	}
	return names, err
}

// onlyLast shows the last attempt alone.
type onlyLast struct{ record.FS }

func (f onlyLast) List(label, dir string) ([]string, error) {
	names, err := f.FS.List(label, dir)
	if dir == record.AttemptsDir(work) && len(names) > 1 {
		names = names[len(names)-1:]
	}
	return names, err
}

// losing does not write what has one label, and says that it did.
type losing struct {
	record.FS
	label string
}

func (f losing) WriteOnce(label, path string, data []byte) error {
	if label == f.label {
		return nil
	}
	return f.FS.WriteOnce(label, path, data)
}

type loose struct{ record.Locks }

func (l loose) Open(label, path string) (record.Lock, error) {
	d, err := l.Locks.Open(label, path)
	return looseLock{d}, err
}

func (l loose) Probe(label, path string) (record.Lock, error) {
	d, err := l.Locks.Probe(label, path)
	return looseLock{d}, err
}

type looseLock struct{ record.Lock }

func (looseLock) Try(int64) (bool, error)  { return true, nil }
func (looseLock) Held(int64) (bool, error) { return false, nil }
