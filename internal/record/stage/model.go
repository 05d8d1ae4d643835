// Package stage is a model of everybody who acts on the records of one run (launchers, supervisors, commands, file
// servers and people, as internal/launcher, internal/observe and internal/supervise have them act), with the scenarios
// in which they meet and the rules that must hold in every one of them. They call the production code of package
// record over a world in memory, so that recordtest.Explorer can drive them through their interleavings.
//
// It is for tests and for the proof only; no package of the program imports it. It may start no process, touch no file
// and read no clock, and it decides nothing that package record decides: what it models is only who calls what, when.
package stage

import (
	"runsheet/internal/record"
	"runsheet/internal/record/recordtest"
)

const (
	Work  = "/w/run" // the work dir
	tries = 3        // attempts, after which the launchers of the model give up, unless it says otherwise
)

// Model is one run with those who act on it. What they share stands in the world; its fields do not change once the
// scenario is set. The exported ones are switches by which a test shows that the rules can be broken.
type Model struct {
	*recordtest.Sim
	// Attempts is after how many the launchers give up.
	Attempts int
	// Wrap breaks a process's view of the world.
	Wrap func(*recordtest.Proc, record.System) record.System
	// What the actors do wrong.
	EvidenceFirst bool // they read the evidence before the records
	LookOnce      bool // launchers claim without a second look
	NoJournal     bool // launchers do not ask their journal
	NoToken       bool // commands carry no token and no session
	// How the commands are.
	BadExit bool // the one that completes the work exits 1 all the same

	startTwice bool // the executor starts every supervisor twice
	certain    bool // whether an attempt lives can always be told: nobody waits for a person
	finishAt   int  // the attempt that completes the work; 0: none
}

func newModel(s *recordtest.Sim) *Model {
	m := &Model{Sim: s, Attempts: tries, finishAt: 2}
	s.Check, s.Final, s.Before, s.After = m.check, m.final, m.before, m.after
	if err := s.MkdirAll(Work); err != nil {
		s.Fail("%v", err)
	}
	return m
}

func (m *Model) system(p *recordtest.Proc) record.System {
	sys := p.System()
	if m.Wrap != nil {
		sys = m.Wrap(p, sys)
	}
	return sys
}
