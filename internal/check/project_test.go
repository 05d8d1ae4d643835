package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/journal"
	"runsheet/internal/proc"
	"runsheet/internal/progress"
	"runsheet/internal/record"
)

// quick is the disk that the tests write to: nothing here survives a power cut, and nobody waits for it.
var quick = unsynced{durable.OS()}

type unsynced struct{ durable.Disk }

func (d unsynced) Open(label, path string, flag int, perm os.FileMode) (durable.File, error) {
	f, err := d.Disk.Open(label, path, flag, perm)
	if err != nil {
		return nil, err
	}
	return unsyncedFile{f}, nil
}

type unsyncedFile struct{ durable.File }

func (unsyncedFile) Sync() error { return nil }

// project is a sheet with one run, as the packages that write it leave it.
type project struct {
	t     testing.TB
	sys   record.System
	sheet *runsheet.Sheet
	run   runsheet.Run
	state string
	log   *journal.Writer
}

func newProject(t testing.TB) *project {
	t.Helper()
	dir := t.TempDir()
	run := runsheet.Run{Name: "lr=0.1", WorkDir: filepath.Join(dir, "runs", "0.1"), Command: "train", Resumed: "train --resume",
		Progress: runsheet.ProgressSpec{Tracker: "epochs", Total: 3, Files: []string{"scores.json"}}}
	sheet := &runsheet.Sheet{Path: filepath.Join(dir, "runsheet.yaml"), Dir: dir, Name: "test", Runs: []runsheet.Run{run}}
	p := &project{t: t, sys: record.NewSystem(quick), sheet: sheet, run: run, state: record.StateDir(dir, sheet.Path)}
	p.must(os.MkdirAll(run.WorkDir, 0o755))
	lock, _, err := record.HoldSheet(quick, p.sys.Procs, p.state)
	p.must(err)
	p.must(lock.Release())
	p.log, err = journal.Open(quick, p.state, record.JournalPath(p.state))
	p.must(err)
	t.Cleanup(func() { p.log.Close() })
	return p
}

// healthy is a project whose run failed once, was asked to go on, and is complete.
func healthy(t testing.TB) *project {
	t.Helper()
	p := newProject(t)
	p.epoch(0)
	p.end(p.begin(p.claim()), 1)
	_, err := record.Request(p.sys, p.run.WorkDir, runsheet.RequestRetry, "ada")
	p.must(err)
	p.epoch(1)
	p.epoch(2)
	p.end(p.begin(p.claim()), 0)
	p.settle()
	return p
}

func (p *project) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// note appends to the journal.
func (p *project) note(kind journal.Kind, c runsheet.Claim, end runsheet.EndKind) {
	p.t.Helper()
	p.must(p.log.Append(journal.Event{At: time.Now(), Kind: kind, Session: "s", Run: c.Run, Attempt: c.Attempt, Nonce: c.Nonce,
		WorkDir: c.WorkDir, Process: &c.By, End: end}))
}

func (p *project) claim() runsheet.Claim {
	p.t.Helper()
	v, err := record.Look(p.sys, p.run.WorkDir)
	p.must(err)
	c, err := record.Claim(p.sys, runsheet.Facts{Attempt: v.Attempt, Claim: v.Claim, Start: v.Start, End: v.End, Request: v.Request}, 0,
		runsheet.Claim{Run: p.run.Name, Nonce: record.NewNonce(), Session: "s", Executor: "local", Identity: p.run.Command,
			Command: p.run.Command, WorkDir: p.run.WorkDir, Dir: p.sheet.Dir, Progress: p.run.Progress, StopGrace: time.Second})
	p.must(err)
	p.note(journal.Claimed, c, "")
	return c
}

func (p *project) begin(c runsheet.Claim) *record.Tenure {
	p.t.Helper()
	tenure, err := record.Take(p.sys, record.AttemptDir(c.WorkDir, c.Attempt))
	p.must(err)
	p.must(tenure.Begin(0))
	return tenure
}

func (p *project) end(tenure *record.Tenure, code int) {
	p.t.Helper()
	p.must(tenure.End(runsheet.End{Kind: runsheet.EndExit, ExitCode: &code, At: time.Now()}))
	p.note(journal.Ended, tenure.Claim, runsheet.EndExit)
}

func (p *project) epoch(n int) {
	p.t.Helper()
	dir := filepath.Join(p.run.WorkDir, fmt.Sprint("epoch_", n))
	p.must(os.MkdirAll(dir, 0o755))
	p.must(os.WriteFile(filepath.Join(dir, "scores.json"), fmt.Appendf(nil, `{"accuracy": 0.%d}`, n+1), 0o644))
}

// settle has the progress cached until the cache is final.
func (p *project) settle() {
	p.t.Helper()
	cache := progress.New(quick, progress.Options{})
	for !cache.Get(p.t.Context(), p.run.WorkDir, p.spec(), false).Settled {
		time.Sleep(5 * time.Millisecond)
	}
}

// spec is how the evidence is read by those who know the records.
func (p *project) spec() runsheet.ProgressSpec {
	p.t.Helper()
	v, err := record.Look(p.sys, p.run.WorkDir)
	p.must(err)
	return runsheet.Facts{Claim: v.Claim, End: v.End}.Spec(p.run.Progress)
}

// attempt returns a file of an attempt.
func (p *project) attempt(n int, name string) string {
	return filepath.Join(record.AttemptDir(p.run.WorkDir, n), name)
}

// under returns a file below .runsheet of the work dir.
func (p *project) under(name string) string { return filepath.Join(record.Dir(p.run.WorkDir), name) }

// edit changes fields of a document.
func (p *project) edit(path string, change func(doc map[string]any)) {
	p.t.Helper()
	data, err := os.ReadFile(path)
	p.must(err)
	var doc map[string]any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // a time in nanoseconds is more than a float64 can hold
	p.must(d.Decode(&doc))
	change(doc)
	data, err = json.Marshal(doc)
	p.must(err)
	p.must(os.WriteFile(path, data, 0o600))
}

// set sets one field of a document; nil removes it.
func (p *project) set(path, key string, value any) {
	p.t.Helper()
	p.edit(path, func(doc map[string]any) {
		if doc[key] = value; value == nil {
			delete(doc, key)
		}
	})
}

// swap replaces text in a file.
func (p *project) swap(path, old, new string) {
	p.t.Helper()
	data, err := os.ReadFile(path)
	p.must(err)
	if !strings.Contains(string(data), old) {
		p.t.Fatalf("%s does not hold %q:\n%s", path, old, data)
	}
	p.must(os.WriteFile(path, []byte(strings.Replace(string(data), old, new, 1)), 0o600))
}

// age makes a file look as old as d.
func (p *project) age(path string, d time.Duration) {
	p.t.Helper()
	at := time.Now().Add(-d)
	p.must(os.Chtimes(path, at, at))
}

// check checks the project as Sheet does, with little time between the two looks.
func (p *project) check() []Violation {
	c := newChecker(durable.OS())
	c.pause = 2 * time.Millisecond
	return c.sheet(p.t.Context(), p.sheet)
}

// tree lists every file with its size and time.
func (p *project) tree() string {
	var b strings.Builder
	p.must(filepath.Walk(p.sheet.Dir, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			fmt.Fprintln(&b, path, info.Mode(), info.Size(), info.ModTime().UnixNano())
		}
		return err
	}))
	return b.String()
}

// sleeper starts a process that carries the token of an attempt.
func (p *project) sleeper(nonce string) runsheet.Process {
	p.t.Helper()
	cmd := exec.Command("/bin/sh", "-c", "echo; read -r x")
	cmd.Env = append(os.Environ(), proc.TokenVariable+"="+nonce)
	stdin, err := cmd.StdinPipe()
	p.must(err)
	stdout, err := cmd.StdoutPipe()
	p.must(err)
	p.must(cmd.Start())
	p.t.Cleanup(func() { stdin.Close(); cmd.Process.Kill(); cmd.Wait() })
	_, err = stdout.Read(make([]byte, 1))
	p.must(err)
	who, err := proc.Identify(cmd.Process.Pid)
	p.must(err)
	return who
}
