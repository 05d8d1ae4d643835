package stage

import (
	"fmt"

	"runsheet"
	"runsheet/internal/record"
	"runsheet/internal/record/recordtest"
)

// scenario is a stage on which the rules must hold.
type scenario struct {
	name string
	set  func(*Model)
}

// scenarios lists them; nothing depends on their order.
func scenarios() []scenario {
	return []scenario{
		// Two launchers of two sheets on one machine.
		{"one machine", func(m *Model) {
			m.launcherOn("h1", "b1", "A", "A", nil)
			m.launcherOn("h1", "b1", "B", "B", nil)
		}},
		// An executor that starts each supervisor twice.
		{"started twice", func(m *Model) {
			m.startTwice = true
			m.launcherOn("h1", "b1", "A", "A", nil)
			m.launcherOn("h1", "b1", "B", "B", nil)
		}},
		// Two machines, of which one is the file server: the disk is local there. It forgets the locks of the other; a person
		// lets go of what is unknown.
		{"two machines", func(m *Model) {
			m.Server = "h2"
			m.launcherOn("h1", "b1", "A", "A", nil)
			m.launcherOn("h2", "b2", "B", "B", nil)
			server := m.Start("h2", "b2", "server")
			m.Go(server, false, func() {
				server.Step(recordtest.Step{Op: "drop-locks"}, func() string { m.DropLocks("h1"); m.Set("dropped", "yes"); return "" })
			})
			person := m.Start("h2", "b2", "person")
			m.Go(person, false, func() { m.letGo(person) })
		}},
		// A machine loses its power at some time, and is booted again; the launcher that is started then has the journal.
		{"booted again", func(m *Model) {
			m.certain = true
			m.launcherOn("h1", "b1", "A", "A", nil)
			m.launcherOn("h1", "b2", "B", "A", func() bool { return m.Get("down") != "" })
			power := m.Start("h0", "b0", "power")
			m.Go(power, false, func() {
				power.Step(recordtest.Step{Op: "power-cut"}, func() string { m.Crash("b1"); m.Set("down", "yes"); return "" })
			})
		}},
		// The work dir is removed at some time; the launcher that follows a dead one has its journal.
		{"removed", func(m *Model) {
			a := m.launcherOn("h1", "b1", "A", "A", nil)
			m.launcherOn("h1", "b1", "B", "A", a.Dead)
			rm := m.Start("h1", "b1", "rm")
			m.Go(rm, false, func() {
				m.Await(rm, func() bool { return m.Get("began 1") != "" }, false)
				rm.Step(recordtest.Step{Op: "remove"}, func() string {
					m.RemoveAll(Work)
					m.Set("removed", "yes")
					m.Set("evidence", "")
					return ""
				})
			})
		}},
		// A has run attempt 1 to its end, and the work dir was removed since; B knows nothing of it.
		{"numbers skipped", func(m *Model) {
			m.finishAt = 4
			claimer := m.Start("h1", "b1", "older A").Process
			m.Set("journal A", entry{Attempt: 1, Nonce: "older", Ended: true, Claimer: &claimer}.String())
			m.launcherOn("h1", "b1", "A", "A", nil)
			m.launcherOn("h1", "b1", "B", "B", nil)
		}},
		// A person asks for a stop.
		{"stopped", func(m *Model) {
			m.launcherOn("h1", "b1", "A", "A", nil)
			m.launcherOn("h1", "b1", "B", "B", nil)
			m.stopper(func() bool { return m.Get("began 1") != "" }, true)
		}},
		// A person asks for a stop before the supervisor of the first attempt begins.
		{"stopped early", func(m *Model) {
			m.launcherOn("h1", "b1", "A", "A", nil)
			m.launcherOn("h1", "b1", "B", "B", nil)
			m.stopper(func() bool { _, ok := m.File(record.ClaimPath(record.AttemptDir(Work, 1))); return ok }, false)
		}},
	}
}

// launcherOn adds a launcher on a host that was booted under the given id; see launch for journal and ready.
func (m *Model) launcherOn(host, boot, name, journal string, ready func() bool) *recordtest.Proc {
	p := m.Start(host, boot, name)
	if ready == nil {
		m.Set("launcher "+name, "at work")
	}
	m.launch(p, journal, ready)
	return p
}

// stopper adds a person who asks for a stop once ready is true; with timer set perhaps before.
func (m *Model) stopper(ready func() bool, timer bool) {
	person := m.Start("h1", "b1", "person")
	m.Go(person, false, func() {
		m.Await(person, ready, timer)
		r, err := record.Request(person.System(), Work, runsheet.RequestStop, "ann")
		if err != nil {
			m.Fail("request: %v", err)
		}
		person.Step(recordtest.Step{Op: "asked"}, func() string { m.Set("stop", fmt.Sprint(r.Number)); return "" })
	})
}

// letGo is `retry --force` by a person who watches the run: of what is unknown, and of what does not begin.
func (m *Model) letGo(p *recordtest.Proc) {
	hopeless := func(f facts) bool {
		return f.Live() && (f.Liveness == runsheet.LivenessUnknown || f.Liveness == runsheet.LivenessGone && f.Start == nil)
	}
	for left := m.Attempts; left > 0; {
		p.Forget("watch", left)
		m.Await(p, func() bool { return m.Get("dropped") != "" && hopeless(m.peek(p)) }, false)
		if f := m.observe(p, m.system(p), left); hopeless(f) {
			m.takeOver(p, m.system(p), f.Attempt, record.Heir{Force: true})
			left--
		}
	}
}
