package record_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"testing"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/proc"
	"runsheet/internal/record"
	"runsheet/internal/record/recordtest"
)

func (m *model) launcherOn(host, boot, name, journal string, ready func() bool) *recordtest.Proc {
	p := m.Start(host, boot, name)
	if ready == nil {
		m.Set("launcher "+name, "at work")
	}
	m.launch(p, journal, ready)
	return p
}

// scenarios are the stages on which the same rules must hold.
var scenarios = map[string]func(*model){
	// Two launchers of two sheets on one machine.
	"one machine": func(m *model) {
		m.launcherOn("h1", "b1", "A", "A", nil)
		m.launcherOn("h1", "b1", "B", "B", nil)
	},
	// An executor that starts each supervisor twice.
	"started twice": func(m *model) {
		m.startTwice = true
		m.launcherOn("h1", "b1", "A", "A", nil)
		m.launcherOn("h1", "b1", "B", "B", nil)
	},
	// Two machines and a shared file system, whose server forgets the locks of one; a person lets go of what is unknown.
	"two machines": func(m *model) {
		m.Shared = true
		m.launcherOn("h1", "b1", "A", "A", nil)
		m.launcherOn("h2", "b2", "B", "B", nil)
		server := m.Start("h0", "b0", "server")
		m.GoSlowly(server, func() {
			server.Step(recordtest.Step{Op: "drop-locks"}, func() string { m.DropLocks("h1"); m.Set("dropped", "yes"); return "" })
		})
		person := m.Start("h2", "b2", "person")
		m.Go(person, false, func() { m.letGo(person) })
	},
	// The work dir is removed at some time; the launcher that follows a dead one has its journal.
	"removed": func(m *model) {
		a := m.launcherOn("h1", "b1", "A", "A", nil)
		m.launcherOn("h1", "b1", "B", "A", a.Dead)
		rm := m.Start("h1", "b1", "rm")
		m.Go(rm, false, func() {
			m.Await(rm, func() bool { return m.Get("began 1") != "" }, false)
			rm.Step(recordtest.Step{Op: "remove"}, func() string {
				m.RemoveAll(work)
				m.Set("removed", "yes")
				m.Set("evidence", "")
				return ""
			})
		})
	},
	// A has run attempt 1 to its end, and the work dir was removed since; B knows nothing of it.
	"numbers skipped": func(m *model) {
		m.finishAt = 4
		claimer := m.Start("h1", "b1", "older A").Process
		m.journals["A"] = entry{attempt: 1, nonce: "older", ended: true, claimer: &claimer}
		m.launcherOn("h1", "b1", "A", "A", nil)
		m.launcherOn("h1", "b1", "B", "B", nil)
	},
	// A person asks for a stop.
	"stopped": func(m *model) {
		m.launcherOn("h1", "b1", "A", "A", nil)
		m.launcherOn("h1", "b1", "B", "B", nil)
		person := m.Start("h1", "b1", "person")
		m.Go(person, false, func() {
			m.Await(person, func() bool { return m.Get("began 1") != "" }, true)
			r, err := record.Request(person.System(), work, runsheet.RequestStop, "ann")
			if err != nil {
				m.Fail("request: %v", err)
			}
			person.Step(recordtest.Step{Op: "asked"}, func() string { m.Set("stop", fmt.Sprint(r.Number)); return "" })
		})
	},
}

// letGo is `retry --force` by a person who watches the run.
func (m *model) letGo(p *recordtest.Proc) {
	for range tries {
		m.Await(p, func() bool { return m.Get("dropped") != "" && m.peek(p).Liveness == runsheet.LivenessUnknown }, false)
		if f := m.observe(p, m.system(p)); f.Live() {
			m.takeOver(p, m.system(p), f.Attempt, record.Heir{Force: true})
		}
	}
}

func (e bounds) explore(name string, change func(*model)) (recordtest.Stats, error) {
	setup := func(s *recordtest.Sim) {
		m := newModel(s)
		if change != nil {
			change(m)
		}
		scenarios[name](m)
	}
	x := recordtest.Explorer{Preemptions: e.preemptions, Faults: e.faults, Steps: 2000, Runs: e.runs, Stride: e.stride}
	if e.random {
		return x.Random(1, setup)
	}
	return x.Explore(setup)
}

var oneSwitch, oneFault = bounds{preemptions: 1}, bounds{faults: 1}

type bounds struct {
	preemptions, faults, runs int
	random                    bool
	stride                    int
}

// deep is set by hand for a longer exploration: go test -run Explore -deep 100000.
var deep = flag.Int("deep", 0, "runs of each exploration with more preemptions and faults than in the daily test")

// TestExplore holds the invariants of the model over every interleaving with one departure from the cheapest one, or
// one fault, and over drawn ones with more of both.
func TestExplore(t *testing.T) {
	daily := []bounds{{1, 0, 0, false, thinner}, {0, 1, 0, false, thinner}, {3, 2, 100 / thinner, true, 0}}
	if *deep > 0 {
		daily = []bounds{{1, 1, *deep, false, 1}, {2, 0, *deep, false, 1}, {3, 2, *deep, true, 0}, {5, 3, *deep, true, 0}}
	}
	for _, name := range slices.Sorted(maps.Keys(scenarios)) {
		t.Run(name, func(t *testing.T) {
			for _, b := range daily {
				st, err := b.explore(name, nil)
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
		bounds         bounds
		mutate         func(*model)
	}{
		{"write-once looks first and writes then", "one machine", oneSwitch, func(m *model) {
			m.wrap = func(p *recordtest.Proc, sys record.System) record.System { sys.FS = naive{sys.FS, p}; return sys }
		}},
		{"processes are not found", "one machine", oneFault, func(m *model) {
			m.wrap = func(p *recordtest.Proc, sys record.System) record.System { sys.Procs = blind{sys.Procs}; return sys }
		}},
		{"commands carry no token and no session", "one machine", oneFault, func(m *model) { m.noToken = true }},
		{"evidence before records, and no second look", "one machine", oneSwitch, func(m *model) { m.evidenceFirst, m.lookOnce, m.badExit, m.hasty = true, true, true, true }},
		{"the journal is not asked", "removed", oneFault, func(m *model) { m.noJournal = true }},
		{"nobody looks for lower attempts", "numbers skipped", oneSwitch, func(m *model) {
			m.wrap = func(p *recordtest.Proc, sys record.System) record.System {
				if p.Token == "" { // a launcher
					sys.FS = onlyLast{sys.FS}
				}
				return sys
			}
		}},
		{"a fence that sees nothing", "two machines", oneSwitch, func(m *model) {
			m.wrap = func(p *recordtest.Proc, sys record.System) record.System {
				sys.FS = hiding{sys.FS, "fence", "end.json"}
				return sys
			}
		}},
		{"elsewhere is taken for gone", "two machines", oneSwitch, func(m *model) {
			m.wrap = func(p *recordtest.Proc, sys record.System) record.System { sys.Procs = sure{sys.Procs}; return sys }
		}},
		{"a void start that is not written", "two machines", oneSwitch, func(m *model) {
			m.wrap = func(p *recordtest.Proc, sys record.System) record.System { sys.FS = losing{sys.FS, "void"}; return sys }
		}},
		{"a start that is not written", "one machine", oneSwitch, func(m *model) {
			m.wrap = func(p *recordtest.Proc, sys record.System) record.System {
				sys.FS = losing{sys.FS, "start"}
				return sys
			}
		}},
		{"an end that is not written", "one machine", oneFault, func(m *model) {
			m.wrap = func(p *recordtest.Proc, sys record.System) record.System {
				sys.FS = losing{sys.FS, "takeover"}
				return sys
			}
		}},
		{"a lock that everybody gets", "one machine", oneFault, func(m *model) {
			m.wrap = func(p *recordtest.Proc, sys record.System) record.System {
				sys.Locks = loose{sys.Locks}
				sys.Procs = blind{sys.Procs}
				return sys
			}
		}},
		{"a stop that is not seen at the start", "stopped", oneSwitch, func(m *model) {
			m.wrap = func(p *recordtest.Proc, sys record.System) record.System {
				sys.FS = hiding{sys.FS, "look", "000001.json"}
				return sys
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			st, err := c.bounds.explore(c.scenario, c.mutate)
			if err == nil {
				t.Fatalf("not found: %v", st)
			}
			var v *recordtest.Violation
			if !errors.As(err, &v) {
				t.Fatal(err)
			}
			t.Logf("%v, after %v", v.Err, st)
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
	return f.p.Step(recordtest.Step{Op: "write", Label: label, Path: path}, func() string {
		f.p.World().Put(path, data)
		return ""
	})
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
