package supervise_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/executor/exectest"
	"runsheet/internal/proc"
	"runsheet/internal/record"
)

// works is a command that lives until it is ended, whatever becomes of its work dir.
var works = says("ready", "$$") + `while :; do sleep 0.05; mkdir -p "$RUNSHEET_WORK_DIR" && date > "$RUNSHEET_WORK_DIR/beat"; done`

// TestTakenAway holds rule 3: a supervisor whose records are not in their place any more ends its command, leaves, and
// writes no end anywhere.
func TestTakenAway(t *testing.T) {
	exectest.Needs(t, "cp", "rm")
	run := func(t *testing.T, name string, args ...string) {
		t.Helper()
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
	}
	for _, c := range []struct {
		name string
		take func(t *testing.T, a *attempt) (ends []string) // where no whole end may stand afterwards
	}{
		{"removed", func(t *testing.T, a *attempt) []string {
			// What writes into a tree while it is removed may make rm fail.
			exectest.Await(t, "rm -rf", func() bool {
				exec.Command("rm", "-rf", a.work).Run()
				_, err := os.Lstat(a.dir)
				return errors.Is(err, fs.ErrNotExist)
			})
			return []string{record.EndPath(a.dir)}
		}},
		{"renamed", func(t *testing.T, a *attempt) []string {
			to := a.work + ".old"
			if err := os.Rename(a.work, to); err != nil {
				t.Fatal(err)
			}
			return []string{record.EndPath(a.dir), record.EndPath(record.AttemptDir(to, 1))}
		}},
		{"records removed", func(t *testing.T, a *attempt) []string {
			run(t, "rm", "-rf", record.Dir(a.work))
			return []string{record.EndPath(a.dir)}
		}},
		{"records replaced by a copy", func(t *testing.T, a *attempt) []string {
			run(t, "cp", "-a", record.Dir(a.work), a.work+".copy")
			if err := os.Rename(record.Dir(a.work), a.work+".old"); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(a.work+".copy", record.Dir(a.work)); err != nil {
				t.Fatal(err)
			}
			return []string{record.EndPath(a.dir), filepath.Join(a.work+".old", "attempts/000001/end.json")}
		}},
		{"lock file replaced", func(t *testing.T, a *attempt) []string {
			fresh := filepath.Join(a.work, "alive")
			if err := os.WriteFile(fresh, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(fresh, record.AlivePath(a.dir)); err != nil {
				t.Fatal(err)
			}
			return []string{record.EndPath(a.dir)}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := begin(t, works)
			p := a.process("ready")
			supervisor := exectest.AwaitStart(t, a.dir).Process
			ends := c.take(t, a)
			a.gone(supervisor)
			if a.sys.Procs.Check(p) == proc.Alive {
				t.Error("the command lives on without its supervisor")
			}
			a.nothingLives(supervisor)
			for _, path := range ends {
				if data, err := os.ReadFile(path); err == nil {
					t.Errorf("an end was written: %s: %.100q", path, data)
				}
			}
		})
	}
}

// TestEndsAfterRecordsWereReplaced holds that a command which exits by itself, just after its records were replaced by
// a copy of them, leaves no end in the copy: neither its own nor a damaged one.
func TestEndsAfterRecordsWereReplaced(t *testing.T) {
	exectest.Needs(t, "cp")
	a := begin(t, says("ready", "$$")+`cp -a "$RUNSHEET_WORK_DIR/.runsheet" "$RUNSHEET_WORK_DIR/copy" &&
		mv "$RUNSHEET_WORK_DIR/.runsheet" "$RUNSHEET_WORK_DIR/old" && mv "$RUNSHEET_WORK_DIR/copy" "$RUNSHEET_WORK_DIR/.runsheet"`)
	a.has("ready")
	var supervisor runsheet.Process
	exectest.Await(t, "a start", func() bool {
		v, err := record.LookAt(a.sys, a.work, 1)
		if err == nil && v.Start != nil {
			supervisor = v.Start.Process
		}
		return supervisor.PID != 0
	})
	a.gone(supervisor)
	if v, err := record.LookAt(a.sys, a.work, 1); err != nil || v.End != nil {
		t.Errorf("the copy holds the end %+v, error %v", v.End, err)
	}
}

// stranger is the world as another machine sees it whose locks the file server has lost, as DURABILITY tells of
// clients with one host name: it finds every byte free, and can tell nothing of the processes here.
func stranger(sys record.System) record.System {
	sys.FS, sys.Locks, sys.Procs = shared{sys.FS}, lostLocks{sys.Locks}, elsewhere{sys.Procs}
	return sys
}

type shared struct{ record.FS }

func (shared) Local(string) (bool, error) { return false, nil }

type lostLocks struct{ record.Locks }

func (l lostLocks) Open(label, path string) (record.Lock, error) {
	lock, err := l.Locks.Open(label, path)
	return lostLock{lock}, err
}

type lostLock struct{ record.Lock }

func (lostLock) Try(int64) (bool, error) { return true, nil }

type elsewhere struct{ proc.Procs }

func (e elsewhere) Self() runsheet.Process {
	p := e.Procs.Self()
	p.Host, p.BootID = "other", "00000000-0000-0000-0000-000000000000"
	return p
}

func (elsewhere) Check(runsheet.Process) proc.State { return proc.Elsewhere }

// TestForeignEnd holds that a supervisor which slept past everything writes nothing once it wakes up: its attempt was
// let go by force, and the next one was claimed.
func TestForeignEnd(t *testing.T) {
	for _, c := range []struct {
		name    string
		command string
		before  func(a *attempt) // while it sleeps
	}{
		{"its command lives", works, func(*attempt) {}},
		{"its command ended meanwhile", says("ready", "$$") + `while [ ! -e "$RUNSHEET_WORK_DIR/go" ]; do sleep 0.02; done; exit 0`, func(a *attempt) {
			p := a.process("ready")
			if err := os.WriteFile(filepath.Join(a.work, "go"), nil, 0o600); err != nil {
				a.t.Fatal(err)
			}
			exectest.Await(a.t, "the command to end", func() bool { return a.sys.Procs.Check(p) != proc.Alive })
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := begin(t, c.command)
			p := a.process("ready")
			supervisor := exectest.AwaitStart(t, a.dir).Process
			if err := a.sys.Procs.Signal(supervisor, unix.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			other := stranger(a.sys)
			if _, err := record.TakeOver(context.Background(), other, a.dir, record.Heir{}); !errors.Is(err, record.ErrUnproven) {
				t.Fatalf("without force: %v", err)
			}
			e, err := record.TakeOver(context.Background(), other, a.dir, record.Heir{Force: true})
			if err != nil || !e.Forced || e.Kind != runsheet.EndLost {
				t.Fatalf("end %+v, error %v", e, err)
			}
			v, err := record.Look(a.sys, a.work)
			if err != nil {
				t.Fatal(err)
			}
			next := a.claim
			next.Nonce, next.Attempt = record.NewNonce(), 0
			if next, err = record.Claim(a.sys, runsheet.Facts{Attempt: v.Attempt, Claim: v.Claim, Start: v.Start, End: v.End}, 0, next); err != nil || next.Attempt != 2 {
				t.Fatalf("claim %d, error %v", next.Attempt, err)
			}
			c.before(a)
			before, err := os.ReadFile(record.EndPath(a.dir))
			if err != nil {
				t.Fatal(err)
			}
			if err := a.sys.Procs.Signal(supervisor, unix.SIGCONT); err != nil {
				t.Fatal(err)
			}
			a.gone(supervisor)
			if a.sys.Procs.Check(p) == proc.Alive {
				t.Error("its command lives on")
			}
			if after, err := os.ReadFile(record.EndPath(a.dir)); err != nil || string(after) != string(before) {
				t.Errorf("the end was changed: %s, error %v", after, err)
			}
			for _, e := range must(os.ReadDir(a.dir)) {
				if len(e.Name()) >= len(durable.TempPrefix) && e.Name()[:len(durable.TempPrefix)] == durable.TempPrefix {
					t.Errorf("it left %s behind", e.Name())
				}
			}
			if v, err := record.LookAt(a.sys, a.work, 2); err != nil || v.Start != nil || v.End != nil {
				t.Errorf("attempt 2 was touched: %+v, error %v", v, err)
			}
		})
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestHeldByAnother holds that a lock which is held is the word of a supervisor that lives: force does not go over it.
func TestHeldByAnother(t *testing.T) {
	a := begin(t, works)
	a.process("ready")
	if _, err := record.TakeOver(context.Background(), a.sys, a.dir, record.Heir{Force: true}); !errors.Is(err, record.ErrLive) {
		t.Errorf("error %v", err)
	}
	a.stop(runsheet.EndStopped, true)
	if e := a.end(); e.Kind != runsheet.EndStopped {
		t.Errorf("end %+v", e)
	}
}
