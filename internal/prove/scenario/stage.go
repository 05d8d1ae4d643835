package scenario

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/proc"
	"runsheet/internal/record"
)

// Scenario is one piece of what Runsheet does with files.
type Scenario struct {
	Name   string
	before func(*Stage) error // what stands there already, durable and acknowledged; nil: nothing but the work dir
	act    func(*Stage)       // what is watched
}

// Stage is where a scenario is played: one sheet with one run.
type Stage struct {
	sheet *runsheet.Sheet
	run   runsheet.Run
	state string
	world durable.Disk // never fails: what the training code does, and a look behind the scenes
	disk  durable.Disk // what the actors see
	times *machine
	act   func(*Stage)

	mu    sync.Mutex
	facts Facts
	wrong error // what must not happen and was seen on the way
}

// total is how many epochs the run has; the last one is left to whoever goes on.
const total = 3

// Set makes the stage below root, an existing directory, on a disk that never fails, and plays what comes before.
func Set(sc Scenario, world durable.Disk, root string) (*Stage, error) {
	run := runsheet.Run{Name: "lr=0.1", WorkDir: filepath.Join(root, "runs", "0.1"), Command: "train", Resumed: "train --resume",
		Progress: runsheet.ProgressSpec{Tracker: "epochs", Total: total, Files: []string{"scores.json"}}}
	sheet := &runsheet.Sheet{Path: filepath.Join(root, "runsheet.yaml"), Dir: root, Name: "proof", Runs: []runsheet.Run{run}}
	s := &Stage{sheet: sheet, run: run, state: record.StateDir(root, sheet.Path), world: world, disk: world,
		times: newMachine("boot 1"), act: sc.act, facts: newFacts()}
	for _, err := range []error{durable.MkdirAll(world, "world", run.WorkDir, 0o755), s.epoch(0)} {
		if err != nil {
			return nil, fmt.Errorf("set the stage: %w", err)
		}
	}
	if sc.before != nil {
		if err := sc.before(s); err != nil {
			return nil, fmt.Errorf("set the stage: %w", err)
		}
	}
	return s, s.wrong
}

// Play plays the scenario on disk. What fails there, the actors take as they do in production.
func (s *Stage) Play(disk durable.Disk) {
	s.disk = disk
	s.act(s)
}

// Facts returns what has been acknowledged so far.
func (s *Stage) Facts() Facts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.facts.clone()
}

// epoch makes the training code complete epoch n, durably.
func (s *Stage) epoch(n int) error {
	s.intend(keyEpochs, fmt.Sprint(n+1))
	dir := filepath.Join(s.run.WorkDir, fmt.Sprint("epoch_", n))
	if err := durable.MkdirAll(s.world, "world", dir, 0o755); err != nil {
		return err
	}
	if err := durable.Replace(s.world, "world", filepath.Join(dir, "scores.json"), fmt.Appendf(nil, `{"accuracy": 0.%d}`, n+1), 0o644); err != nil {
		return err
	}
	s.ack(keyEpochs, fmt.Sprint(n+1))
	return nil
}

// machine is who lives where the scenario is played.
type machine struct {
	mu       sync.Mutex
	boot     string
	last     int
	restarts int
	alive    map[int]bool
}

func newMachine(boot string) *machine { return &machine{boot: boot, last: 100, alive: map[int]bool{}} }

// restarted is the machine as who comes later finds it: nobody lives any more, and after a power cut it is another boot.
func (m *machine) restarted(powerCut bool) *machine {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.restarts++
	next := newMachine(m.boot)
	next.last = m.last + 1000*m.restarts // a number is not given out twice
	if powerCut {
		next.boot = fmt.Sprintf("%s, restarted %d times", m.boot, m.restarts)
	}
	return next
}

// someone makes a living process.
func (m *machine) someone() *someone {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last++
	m.alive[m.last] = true
	return &someone{m, runsheet.Process{Host: "here", Machine: runsheet.Machine{ID: "here", Random: "here"}, BootID: m.boot, PIDNamespace: "pid:[1]", PID: m.last, StartTime: uint64(m.last)}}
}

// someone is a process, and what it sees of the others.
type someone struct {
	machine *machine
	self    runsheet.Process
}

func (w *someone) Self() runsheet.Process { return w.self }

func (w *someone) Check(p runsheet.Process) proc.State {
	w.machine.mu.Lock()
	defer w.machine.mu.Unlock()
	switch {
	case p.BootID != w.self.BootID:
		return proc.Elsewhere
	case w.machine.alive[p.PID]:
		return proc.Alive
	}
	return proc.Gone
}

// Find finds nothing: the commands of these attempts are gone with their supervisors.
func (w *someone) Find(string, int, runsheet.Process) ([]runsheet.Process, error) { return nil, nil }

func (w *someone) Signal(runsheet.Process, syscall.Signal) error { return nil }

func (w *someone) gone() {
	w.machine.mu.Lock()
	defer w.machine.mu.Unlock()
	delete(w.machine.alive, w.self.PID)
}

// localFS says of every directory that no other machine can write to it; the disk may be one in memory.
type localFS struct{ record.FS }

func (localFS) Local(string) (bool, error) { return true, nil }

// systemOn returns what the records see of the world as a process on a disk.
func systemOn(disk durable.Disk, who *someone) record.System {
	sys := record.NewSystem(disk)
	sys.FS, sys.Procs = localFS{sys.FS}, who
	return sys
}

// Facts are what must hold on the disk from some moment on.
type Facts struct {
	Version int                        // grows with each change
	allowed map[string]map[string]bool // by key, the values that may stand there
	events  []string                   // of the journal, acknowledged, in order
	maybe   map[string]bool            // further events that may stand there
	open    bool                       // further ones may stand there, and more than was intended: see Grown
}

func newFacts() Facts {
	return Facts{allowed: map[string]map[string]bool{}, maybe: map[string]bool{}}
}

func (f Facts) clone() Facts {
	out := Facts{f.Version, make(map[string]map[string]bool, len(f.allowed)), slices.Clone(f.events), maps.Clone(f.maybe), f.open}
	for k, v := range f.allowed {
		out.allowed[k] = maps.Clone(v)
	}
	return out
}

// The keys of facts beside those of claims, starts, ends and requests.
const (
	keyEpochs = "epochs"
	keyNotes  = "notes" // a document that is replaced
	keyOnce   = "once"  // a document that is written once
)

// replaceable says whether another value may take the place of one that was acknowledged.
func replaceable(key string) bool { return key == keyEpochs || key == keyNotes }

// none is the value of a key that nothing stands for.
const none = "nothing"

// intend says that value may stand there from now on, beside what may stand there already.
func (s *Stage) intend(key, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.facts.allowed[key]
	if old == nil {
		old = map[string]bool{none: true}
		s.facts.allowed[key] = old
	}
	if len(old) == 1 && !old[none] && !replaceable(key) {
		return // it stands there for good
	}
	s.facts.Version++
	old[value] = true
}

// ack says that value stands there, and nothing else.
func (s *Stage) ack(key, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.facts.Version++
	if old := s.facts.allowed[key]; len(old) == 1 && !old[none] && !old[value] && !replaceable(key) {
		s.say("two winners of %s: %v, and then %s", key, sorted(old), value)
	}
	s.facts.allowed[key] = map[string]bool{value: true}
}

// ackFound says that what stands there now is acted upon by somebody, whoever wrote it.
func (s *Stage) ackFound(key string) {
	value, err := s.value(s.world, key)
	if err != nil || value == none {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.say("somebody says that there is one, and there is none: %s: %v", key, err)
		return
	}
	s.ack(key, value)
}

// say keeps what must not happen; the caller holds mu.
func (s *Stage) say(format string, args ...any) {
	if s.wrong == nil {
		s.wrong = fmt.Errorf(format, args...)
	}
}

func (s *Stage) fail(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say(format, args...)
}

// notesPath and oncePath are the documents of the scenarios that have no record to write.
func (s *Stage) notesPath() string { return filepath.Join(s.sheet.Dir, "notes") }
func (s *Stage) oncePath() string  { return filepath.Join(s.sheet.Dir, "once") }

// value reads what stands on a disk for a key.
func (s *Stage) value(disk durable.Disk, key string) (string, error) {
	switch key {
	case keyEpochs:
		return s.readEpochs(disk)
	case keyNotes, keyOnce:
		path := s.oncePath()
		if key == keyNotes {
			path = s.notesPath()
		}
		data, _, err := durable.Read(disk, "behind", path, 1<<20)
		if errors.Is(err, fs.ErrNotExist) {
			return none, nil
		}
		return string(data), err
	}
	return s.readRecord(disk, key)
}

// readEpochs counts the epochs that are there.
func (s *Stage) readEpochs(disk durable.Disk) (string, error) {
	n := 0
	for ; ; n++ {
		_, err := disk.Lstat("behind", filepath.Join(s.run.WorkDir, fmt.Sprint("epoch_", n), "scores.json"))
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return "", err
		}
	}
	if n == 0 {
		return none, nil
	}
	return fmt.Sprint(n), nil
}

// readRecord reads a claim, a start, an end or a request: "claim 1", ...
func (s *Stage) readRecord(disk durable.Disk, key string) (string, error) {
	var kind string
	var n int
	if _, err := fmt.Sscan(key, &kind, &n); err != nil {
		return "", fmt.Errorf("fact %q: %w", key, err)
	}
	dir := record.AttemptDir(s.run.WorkDir, n)
	path, value := "", func([]byte) (string, error) { return "", fmt.Errorf("fact %q", key) }
	switch kind {
	case "claim":
		path, value = record.ClaimPath(dir), show(record.DecodeClaim, claimValue)
	case "start":
		path, value = record.StartPath(dir), show(record.DecodeStart, startValue)
	case "end":
		path, value = record.EndPath(dir), show(record.DecodeEnd, endValue)
	case "request":
		path, value = filepath.Join(record.RequestsDir(s.run.WorkDir), filepath.Base(dir)+".json"), show(record.DecodeRequest, requestValue)
	}
	data, _, err := durable.Read(disk, "behind", path, 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return none, nil
	}
	if err != nil {
		return "", err
	}
	return value(data)
}

func show[T any](decode func([]byte) (T, error), value func(T) string) func([]byte) (string, error) {
	return func(data []byte) (string, error) {
		v, err := decode(data)
		if err != nil {
			return "", err
		}
		return value(v), nil
	}
}

func claimValue(c runsheet.Claim) string { return fmt.Sprintf("%s by %d", c.Nonce, c.By.PID) }

func startValue(st runsheet.Start) string {
	return fmt.Sprintf("%s by %d, void %v", st.Nonce, st.PID, st.Void)
}

func endValue(e runsheet.End) string {
	code := -1
	if e.ExitCode != nil {
		code = *e.ExitCode
	}
	return fmt.Sprintf("%s by %d, %s, exit code %d", e.Nonce, e.By.PID, e.Kind, code)
}

func requestValue(r runsheet.Request) string {
	return fmt.Sprintf("%s by %d", r.Kind, r.By.PID)
}

func key(kind string, n int) string { return fmt.Sprintf("%s %d", kind, n) }

func sorted(m map[string]bool) []string { return slices.Sorted(maps.Keys(m)) }

// Grown returns facts that also allow for what those who went on may have added: they were cut off themselves.
func (f Facts) Grown() Facts {
	out := f.clone()
	out.open = true
	return out
}
